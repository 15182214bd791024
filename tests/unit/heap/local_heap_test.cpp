// Several local heaps over one central heap: whatever one allocates another may free, and heaps come and go. Once in a fixed
// order, against a model that knows every block and every byte; once with threads, for the data-race check.
#include "quire/heap/local_heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "quire/heap/span_cache.hpp"
#include "tests/unit/support/soak.hpp"
#include "tests/unit/support/test_pages.hpp"
#include "tests/unit/support/test_spans.hpp"

namespace quire {
namespace {

using test::TestOwnPages;
using test::TestPages;
using test::TestSpans;

/// Spans that come and go with their slabs, as in a kernel.
struct PlainSource {
    TestSpans spans;
    SpanSource& own = spans;
    [[nodiscard]] PageRange range() const { return spans.range(); }
    void check_empty(const HeapStatistics& left) const { EXPECT_EQ(spans.pages, left.own_pages.value); }
};

/// Spans from a cache, as in a program; what the heap knows lies elsewhere.
struct CachedSource {
    TestPages pages;
    TestOwnPages own{pages};
    SpanCache::Map::Root root{};
    SpanCache spans{pages, own, root};
    [[nodiscard]] PageRange range() const { return pages.range(); }
    void check_empty(const HeapStatistics&) {
        EXPECT_EQ(spans.statistics().used_bytes, 0U);
        spans.check_invariants();
    }
};

template <typename Source>
struct HeapsOver {
    explicit HeapsOver(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) local.push_back(std::make_unique<LocalHeap>(central));
    }
    LocalHeap& operator[](std::size_t number) { return *local[number]; }

    void check() const {
        central.check_invariants();
        for (const auto& heap : local) heap->check_invariants();
    }
    /// Everybody ends: nothing may be left but what the heap needs for itself.
    void finish() {
        for (const auto& heap : local) heap->close();
        central.check_invariants();
        const HeapStatistics left = central.statistics();
        EXPECT_EQ(left.slab_pages.value, 0U);
        EXPECT_EQ(left.large_pages.value, 0U);
        source.check_empty(left);
        for (const auto& heap : local) heap->reopen();
    }
    [[nodiscard]] std::size_t taken() const {
        const HeapStatistics now = central.statistics();
        std::size_t blocks = now.large_blocks;
        for (const HeapClassStatistics& size : now.classes) blocks += size.taken;
        return blocks;
    }
    [[nodiscard]] std::size_t slab_pages() const { return central.statistics().slab_pages.value; }

    Source source;
    CentralHeap::Map::Root root{};
    CentralHeap central{source.spans, source.own, source.range(), root};
    std::vector<std::unique_ptr<LocalHeap>> local;
};
using Heaps = HeapsOver<PlainSource>;

constexpr std::size_t kBytes = 64;

std::uint32_t capacity() {
    return size_class(class_for(kBytes)).capacity;
}

std::vector<void*> fill(LocalHeap& heap, std::size_t slabs) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < slabs * capacity(); ++i) blocks.push_back(heap.allocate(kBytes));
    return blocks;
}

TEST(LocalHeap, WhatOneFilledAndAnotherEmptiedGoesBack) {
    Heaps heaps(2);
    const std::vector<void*> blocks = fill(heaps[0], 20);
    EXPECT_EQ(heaps.taken(), blocks.size());
    const std::size_t before = heaps.slab_pages();
    for (void* block : blocks) heaps[1].free(block);
    heaps.check();
    // The first heap has done nothing: only the slab that it allocates from may still be there.
    EXPECT_LE(heaps.slab_pages() * 20, before);
    heaps.finish();
}

TEST(LocalHeap, HalfEmptySlabsServeTheOthers) {
    Heaps heaps(3);
    const std::vector<void*> blocks = fill(heaps[0], 20);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % 4 != 0) heaps[1].free(blocks[i]);
    }
    heaps.check();
    const std::size_t before = heaps.slab_pages();
    const std::vector<void*> more = fill(heaps[2], 12);
    EXPECT_LE(heaps.slab_pages(), before + size_class(class_for(kBytes)).slab_pages);
    heaps.check();
    for (std::size_t i = 0; i < blocks.size(); i += 4) heaps[0].free(blocks[i]);
    for (void* block : more) heaps[1].free(block);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, AnOwnerFindsWhatOthersFreed) {
    Heaps heaps(2);
    std::vector<void*> blocks = fill(heaps[0], 1);
    blocks.push_back(heaps[0].allocate(kBytes));  // of a second slab
    for (int round = 0; round < 50; ++round) {
        const std::size_t before = heaps.slab_pages();
        for (void*& block : blocks) heaps[1].free(block);
        heaps[1].trim();
        for (void*& block : blocks) block = heaps[0].allocate(kBytes);
        heaps.check();
        // What was freed is found before anything new is made, but for a slab that the second heap took over half empty.
        ASSERT_LE(heaps.slab_pages(), before + 2 * size_class(class_for(kBytes)).slab_pages) << "round " << round;
        ASSERT_LE(heaps.slab_pages(), 4U * size_class(class_for(kBytes)).slab_pages) << "round " << round;
    }
    for (void* block : blocks) heaps[0].free(block);
    heaps.finish();
}

TEST(LocalHeap, ClosesWithBlocksInItsInbox) {
    Heaps heaps(3);
    void* const stays = heaps[0].allocate(kBytes);
    void* const returned = heaps[0].allocate(kBytes);
    void* const late = heaps[0].allocate(kBytes);
    void* const later = heaps[0].allocate(kBytes);
    heaps[1].free(returned);
    heaps[1].trim();
    EXPECT_EQ(heaps.taken(), 4U) << "it lies in the first one's inbox";
    heaps[2].free(late);  // noted, not yet returned
    heaps[0].close();
    EXPECT_EQ(heaps.taken(), 3U);
    heaps[2].trim();  // whose slab was it?
    EXPECT_EQ(heaps.taken(), 2U);
    heaps[1].free(later);
    EXPECT_EQ(heaps.taken(), 1U);
    heaps[0].reopen();
    heaps.check();
    void* const again = heaps[0].allocate(kBytes);
    EXPECT_EQ(heaps.slab_pages(), size_class(class_for(kBytes)).slab_pages) << "the shared slab was taken back";
    heaps[2].free(again);
    heaps[2].free(stays);
    heaps[2].trim();
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, LargeBlocksBelongToNobody) {
    Heaps heaps(2);
    void* const block = heaps[0].allocate(100'000);
    std::memset(block, 0x5A, 100'000);
    auto* const moved = static_cast<std::uint8_t*>(heaps[1].reallocate(block, 300'000));
    ASSERT_NE(moved, nullptr);
    for (std::size_t i = 0; i < 100'000; ++i) ASSERT_EQ(moved[i], 0x5A);
    heaps[0].free(moved);
    const auto* const zeroes = static_cast<std::uint8_t*>(heaps[1].allocate_zeroed(70'000));
    for (std::size_t i = 0; i < 70'000; ++i) ASSERT_EQ(zeroes[i], 0);
    heaps[0].free_sized(const_cast<std::uint8_t*>(zeroes), 70'000);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, OneThatHasNothing) {
    Heaps heaps(1);
    LocalHeap nothing;
    EXPECT_EQ(nothing.allocate_here(1), nullptr);
    EXPECT_EQ(nothing.allocate_here(kLargestBlock), nullptr);
    void* const block = heaps[0].allocate(kBytes);
    EXPECT_FALSE(nothing.free_here(block));
    EXPECT_FALSE(nothing.free_here(nullptr));
    EXPECT_FALSE(nothing.free_here(&heaps));
    heaps[0].free(block);
    heaps.finish();
}

TEST(LocalHeap, SurvivesEveryFailureOfItsSource) {
    for (std::size_t position = 1;; ++position) {
        Heaps heaps(2);
        heaps.source.spans.fail_at = position;
        std::vector<void*> blocks;
        bool whole = true;
        for (const std::size_t bytes : {16U, 64U, 2048U, 5000U, 100'000U}) {
            for (std::size_t i = 0; i < 24; ++i) {
                void* const block = i % 3 == 0 ? heaps[i % 2].allocate_zeroed(bytes) : heaps[i % 2].allocate(bytes, 64);
                whole = whole && block != nullptr;
                if (block != nullptr) blocks.push_back(block);
            }
            if (blocks.empty()) continue;
            void* const moved = heaps[1].reallocate(blocks.back(), 3 * bytes);
            whole = whole && moved != nullptr;
            if (moved != nullptr) blocks.back() = moved;
        }
        for (const std::size_t heap : {1U, 0U}) heaps[heap].trim();
        heaps.check();
        EXPECT_EQ(heaps.taken(), blocks.size());
        for (std::size_t i = 0; i < blocks.size(); ++i) heaps[i % 2].free(blocks[i]);
        heaps.check();
        heaps.finish();
        EXPECT_EQ(whole, heaps.source.spans.calls < position);
        if (whole) break;
    }
}

struct Block {
    std::size_t bytes;
    std::uint8_t fill;
};

/// Heaps and a model of what they handed out.
template <typename Source>
class Model {
public:
    explicit Model(std::uint64_t seed) : random_(seed) { heaps_.central.seed(static_cast<std::uint32_t>(seed)); }

    void step() {
        LocalHeap& heap = heaps_[random_() % kHeaps];
        const auto what = random_() % 200;
        if (what == 0) {
            heap.trim();
        } else if (what == 1) {
            heap.close();
            heap.reopen();
        } else if (what == 2) {
            grows_ = !grows_;
        } else if (blocks_.empty() || what % 10 < (grows_ ? 6U : 4U)) {
            allocate(heap);
        } else if (what % 10 == 9) {
            reallocate(heap);
        } else {
            free(heap);
        }
    }
    void check() {
        heaps_.check();
        EXPECT_GE(heaps_.taken(), blocks_.size());
    }
    void finish() {
        for (const auto& [at, block] : blocks_) require_intact(at, block, block.bytes);
        while (!blocks_.empty()) free(heaps_[random_() % kHeaps]);
        check();
        heaps_.finish();
    }

private:
    static constexpr std::size_t kHeaps = 4;

    static void require_intact(const std::uint8_t* at, const Block& block, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(at[i], block.fill);
    }
    /// Few sizes, so that slabs fill and empty; some of every other kind.
    std::size_t draw_bytes() {
        constexpr std::array<std::size_t, 4> kUsual{16, 48, 200, 1500};
        if (random_() % 8 != 0) return kUsual[random_() % kUsual.size()] - random_() % 8;
        if (random_() % 64 == 0) return 1 + random_() % 400'000;
        return 1 + random_() % (std::size_t{1} << random_() % 14);
    }
    void enter(void* place, std::size_t bytes, std::size_t alignment) {
        auto* const at = static_cast<std::uint8_t*>(place);
        ASSERT_NE(at, nullptr);
        ASSERT_EQ(reinterpret_cast<std::uintptr_t>(at) % alignment, 0U);
        const auto next = blocks_.lower_bound(at);
        ASSERT_TRUE(next == blocks_.end() || at + bytes <= next->first);
        ASSERT_TRUE(next == blocks_.begin() || std::prev(next)->first + std::prev(next)->second.bytes <= at);
        const auto fill = static_cast<std::uint8_t>(random_());
        std::memset(at, fill, bytes);
        blocks_[at] = {bytes, fill};
    }
    void allocate(LocalHeap& heap) {
        const std::size_t bytes = draw_bytes();
        if (random_() % 16 == 0) {
            const std::size_t alignment = std::size_t{1} << random_() % 13;
            enter(heap.allocate(bytes, alignment), bytes, alignment);
        } else if (random_() % 8 == 0) {
            const auto* const zeroes = static_cast<std::uint8_t*>(heap.allocate_zeroed(bytes));
            require_intact(zeroes, {bytes, 0}, bytes);
            enter(const_cast<std::uint8_t*>(zeroes), bytes, 16);
        } else {
            enter(heap.allocate(bytes), bytes, 16);
        }
    }
    std::map<std::uint8_t*, Block>::iterator draw() {
        const auto at = blocks_.lower_bound(std::next(blocks_.begin()->first, static_cast<long>(random_() % span())));
        return at == blocks_.end() ? blocks_.begin() : at;
    }
    [[nodiscard]] std::size_t span() const {
        return static_cast<std::size_t>(blocks_.rbegin()->first - blocks_.begin()->first) + 1;
    }
    void free(LocalHeap& heap) {
        const auto chosen = draw();
        require_intact(chosen->first, chosen->second, chosen->second.bytes);
        heap.free(chosen->first);
        blocks_.erase(chosen);
    }
    void reallocate(LocalHeap& heap) {
        const auto chosen = draw();
        const auto [at, block] = *chosen;
        // A large block grows by little, most of the time.
        const std::size_t bytes =
            block.bytes > kLargestBlock && random_() % 4 != 0 ? block.bytes + random_() % 20'000 : draw_bytes();
        blocks_.erase(chosen);
        auto* const moved = static_cast<std::uint8_t*>(heap.reallocate(at, bytes));
        ASSERT_NE(moved, nullptr);
        require_intact(moved, block, std::min(bytes, block.bytes));
        enter(moved, bytes, 16);
    }

    std::mt19937_64 random_;
    HeapsOver<Source> heaps_{kHeaps};
    std::map<std::uint8_t*, Block> blocks_;
    bool grows_ = true;
};

template <typename Source>
void agree(std::uint64_t seed) {
    Model<Source> model(seed);
    for (int step = 0; step < 40'000 && !testing::Test::HasFailure(); ++step) {
        model.step();
        if (step % 500 == 0) model.check();
    }
    model.finish();
}

TEST(LocalHeap, AgreesWithAModelOfEveryBlock) {
    test::Soak soak("LocalHeap.AgreesWithAModelOfEveryBlock", 4);
    while (soak.next()) agree<PlainSource>(soak.seed());
}

TEST(LocalHeap, AgreesWithAModelOverASpanCache) {
    test::Soak soak("LocalHeap.AgreesWithAModelOverASpanCache", 2);
    while (soak.next()) agree<CachedSource>(soak.seed());
}

TEST(LocalHeap, AForkFindsTheCentralHeapFree) {
    HeapsOver<CachedSource> heaps(1);
    void* const block = heaps[0].allocate(kBytes);
    heaps.central.before_fork();
    heaps.central.after_fork();
    heaps[0].free(block);
    const PageCount before = heaps.central.statistics().own_pages;
    EXPECT_NE(heaps.central.acquire_own(PageCount{3}), nullptr);
    EXPECT_EQ(heaps.central.statistics().own_pages.value, before.value + 3);
    heaps.source.pages.fail_at = heaps.source.pages.calls + 1;
    EXPECT_EQ(heaps.central.acquire_own(PageCount{1}), nullptr);
    heaps.finish();
}

TEST(LocalHeap, ALargeBlockThatCannotGrowIsAsItWas) {
    HeapsOver<CachedSource> heaps(1);
    auto* const block = static_cast<std::uint8_t*>(heaps[0].allocate(100'000));
    void* const behind = heaps[0].allocate(100'000);
    std::memset(block, 0x5A, 100'000);
    EXPECT_EQ(heaps[0].reallocate(block, ~std::size_t{0} / 2), nullptr);
    bool grown = false;
    for (std::size_t failing = 1; !grown; ++failing) {
        heaps.source.pages.fail_at = heaps.source.pages.calls + failing;
        void* const moved = heaps[0].reallocate(block, 50'000'000);
        grown = moved != nullptr;
        const auto* const at = static_cast<std::uint8_t*>(grown ? moved : block);
        for (std::size_t i = 0; i < 100'000; ++i) ASSERT_EQ(at[i], 0x5A);
        heaps.check();
        if (grown) heaps[0].free(moved);
    }
    heaps.source.pages.fail_at = 0;
    heaps[0].free(behind);
    heaps.finish();
}

/// A source that can do no more than it must says so.
TEST(LocalHeap, MostSourcesCanDoLittle) {
    TestSpans spans;
    void* const first = spans.acquire_growing(PageCount{2}, PageCount{1});
    ASSERT_NE(first, nullptr);
    EXPECT_FALSE(spans.is_zero(first, PageCount{2}));
    EXPECT_FALSE(spans.lacks_frames(first, PageCount{2}));
    spans.get_frames(first, PageCount{2});
    EXPECT_EQ(spans.rounded(PageCount{2}).value, 2U);
    EXPECT_FALSE(spans.resize(first, PageCount{2}, PageCount{1}));
    EXPECT_FALSE(spans.can_transfer());
    EXPECT_FALSE(spans.transfer(first, PageCount{1}, first, PageCount{1}));
    EXPECT_FALSE(spans.trim());
    spans.release(first, PageCount{2});
}

/// Where threads leave blocks for each other.
struct Exchange {
    static constexpr std::size_t kPlaces = 64;
    std::array<std::atomic<std::uint8_t*>, kPlaces> places{};
};

void work(LocalHeap& heap, Exchange& exchange, std::uint64_t seed, int steps) {
    std::mt19937_64 random(seed);
    for (int step = 0; step < steps; ++step) {
        constexpr std::array<std::size_t, 5> kSizes{16, 64, 200, 2000, 5000};
        const std::size_t bytes = kSizes[random() % (random() % 16 == 0 ? kSizes.size() : 3)];
        auto* block = static_cast<std::uint8_t*>(heap.allocate(bytes));
        ASSERT_NE(block, nullptr);
        // It says how long it is, and what is in the rest of it.
        const auto fill = static_cast<std::uint8_t>(random());
        std::memcpy(block, &bytes, sizeof bytes);
        std::memset(block + sizeof bytes, fill, bytes - sizeof bytes);
        block = exchange.places[random() % Exchange::kPlaces].exchange(block, std::memory_order_acq_rel);
        if (block != nullptr) {
            std::size_t found = 0;
            std::memcpy(&found, block, sizeof found);
            for (std::size_t i = sizeof found; i < found; ++i) ASSERT_EQ(block[i], block[sizeof found]);
            heap.free(block);
        }
        if (random() % 512 == 0) heap.trim();
        if (random() % 4096 == 0) {
            heap.close();
            heap.reopen();
        }
    }
    heap.close();
}

TEST(LocalHeap, ThreadsFreeEachOthersBlocks) {
    test::Soak soak("LocalHeap.ThreadsFreeEachOthersBlocks", 2);
    while (soak.next()) {
        constexpr std::size_t kThreads = 4;
        // Heaps are used again by later threads, but not all: what others return to one that stays closed must be settled too.
        Heaps heaps(kThreads + 2);
        Exchange exchange;
        for (std::size_t generation = 0; generation < 3; ++generation) {
            std::vector<std::thread> threads;
            for (std::size_t number = 0; number < kThreads; ++number) {
                threads.emplace_back([&, generation, number] {
                    LocalHeap& heap = heaps[generation + number];
                    heap.reopen();
                    work(heap, exchange, soak.seed() * 100 + generation * 10 + number, 10'000);
                });
            }
            for (std::thread& thread : threads) thread.join();
            heaps.check();
        }
        for (const auto& heap : heaps.local) heap->reopen();
        for (auto& place : exchange.places) heaps[0].free(place.exchange(nullptr));
        EXPECT_EQ(heaps.taken(), 0U) << "somebody's return was lost";
        heaps.finish();
    }
}

class LocalHeapDeath : public testing::Test {
protected:
    Heaps heaps_{3};
    std::byte* block_ = static_cast<std::byte*>(heaps_[0].allocate(kBytes));
    std::byte* other_ = static_cast<std::byte*>(heaps_[0].allocate(kBytes));
};

TEST_F(LocalHeapDeath, ADoubleFreeFromAfarIsSeen) {
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].free(block_)), "freed twice") << "before it was returned";
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].trim(), heaps_[2].free(block_), heaps_[2].trim()), "freed twice")
        << "by two, neither of them the owner";
    EXPECT_DEATH((heaps_[0].free(block_), heaps_[1].free(block_), heaps_[1].trim(), heaps_[0].trim()), "freed twice")
        << "by the owner first";
    EXPECT_DEATH((heaps_[1].free(block_), heaps_[1].trim(), heaps_[0].free(block_), heaps_[0].trim()), "freed twice")
        << "by the owner last";
    heaps_[0].close();
    heaps_[1].free(block_);
    EXPECT_DEATH(heaps_[2].free(block_), "freed twice") << "of a slab that nobody owns";
    EXPECT_DEATH((heaps_[1].free(other_), heaps_[1].free(other_)), "not its own") << "of a slab that is gone";
}

TEST_F(LocalHeapDeath, MisuseFromAfarIsSeen) {
    EXPECT_DEATH(heaps_[1].free(block_ + 1), "into the middle of a block");
    EXPECT_DEATH((void)heaps_[1].usable_size(block_ + 16), "into the middle of a block");
    EXPECT_DEATH((heaps_[1].free(block_ + kBytes * 60), heaps_[1].trim(), heaps_[0].trim()),
                 "never handed out|freed twice");
    EXPECT_DEATH(heaps_[1].free_sized(block_, 3 * kBytes), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, 5000), "freed with another size");
    EXPECT_DEATH(heaps_[1].free_sized(block_, kBytes, 4096), "freed with another size");
    heaps_[1].free_sized(nullptr, 1);
    heaps_[1].free_sized(block_, kBytes);
    heaps_[2].free_sized(other_, kBytes, 16);
}

}  // namespace
}  // namespace quire
