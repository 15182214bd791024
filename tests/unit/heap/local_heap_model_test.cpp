// Several local heaps against a model that knows every block and every byte, in a fixed order; and with threads, for the
// data-race check.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/support/local_heaps.hpp"
#include "tests/unit/support/soak.hpp"

namespace quire {
namespace {

using test::CachedSource;
using test::Heaps;
using test::HeapsOver;
using test::PlainSource;

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
        heaps[0].trim();
        EXPECT_EQ(heaps.taken(), 0U) << "somebody's return was lost";
        heaps.finish();
    }
}

}  // namespace
}  // namespace quire
