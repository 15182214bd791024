#include "quire/heap/heap.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <vector>

#include "quire/base/checked.hpp"
#include "tests/unit/support/test_spans.hpp"

namespace quire {
namespace {

using test::TestSpans;

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

struct HeapWorld {
    TestSpans spans;
    Heap heap{spans, spans.range()};
};

TEST(SizeClasses, WasteLittle) {
    for (std::size_t bytes = 1; bytes <= kLargestBlock; ++bytes) {
        const SizeClass& chosen = size_class(class_for(bytes));
        EXPECT_GE(chosen.bytes, bytes);
        if (bytes > 64) EXPECT_LE(chosen.bytes - bytes, bytes / 4 + 16);
        EXPECT_LE(chosen.slab_pages * kPageSize - std::size_t{chosen.capacity} * chosen.bytes,
                  chosen.slab_pages * kPageSize / 8);
        if (class_for(bytes) > 0) EXPECT_LT(size_class(class_for(bytes) - 1).bytes, bytes);
    }
}

TEST(Heap, EverySmallSizeAndAlignment) {
    HeapWorld w;
    std::vector<void*> blocks;
    for (std::size_t bytes = 0; bytes < 4200; bytes += bytes < 300 ? 1 : 37) {
        for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
            void* const block = w.heap.allocate(bytes, alignment);
            ASSERT_NE(block, nullptr);
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % std::max<std::size_t>(alignment, 16), 0U);
            ASSERT_GE(w.heap.usable_size(block), bytes);
            std::memset(block, 0xAB, bytes);
            blocks.push_back(block);
        }
    }
    w.heap.check_invariants();
    for (void* block : blocks) w.heap.free(block);
    w.heap.check_invariants();
}

TEST(Heap, OddRequests) {
    HeapWorld w;
    void* const one = w.heap.allocate(0);
    void* const two = w.heap.allocate(0);
    EXPECT_NE(one, nullptr);
    EXPECT_NE(one, two);
    w.heap.free(nullptr);
    EXPECT_EQ(w.heap.allocate(kMost), nullptr);
    EXPECT_EQ(w.heap.allocate(kMost - 4095), nullptr);
    EXPECT_EQ(w.heap.allocate(kMost / 2), nullptr);
    EXPECT_EQ(w.heap.allocate(1, 3), nullptr);
    EXPECT_EQ(w.heap.allocate(1, 0), nullptr);
    EXPECT_EQ(w.heap.allocate(1, std::size_t{8} << 20U), nullptr);
    void* const huge = w.heap.allocate(1, std::size_t{4} << 20U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(huge) % (std::size_t{4} << 20U), 0U);
    EXPECT_EQ(w.heap.reallocate(one, kMost), nullptr);
    for (void* block : {one, two, huge}) w.heap.free(block);
    w.heap.check_invariants();
}

TEST(Heap, BlocksKeepTheirBytes) {
    struct Block {
        std::size_t bytes;
        std::uint8_t fill;
    };
    HeapWorld w;
    std::map<std::uint8_t*, Block> blocks;
    std::mt19937 random(3);
    const auto intact = [](const std::uint8_t* at, const Block& block) {
        for (std::size_t i = 0; i < block.bytes; ++i) {
            if (at[i] != block.fill) return false;
        }
        return true;
    };
    for (int step = 0; step < 60000; ++step) {
        const std::size_t bytes = std::size_t{1} + random() % (std::size_t{1} << random() % 15);
        const auto fill = static_cast<std::uint8_t>(random());
        if (blocks.size() < 500 && random() % 5 < 3) {
            auto* const at = static_cast<std::uint8_t*>(w.heap.allocate(bytes, std::size_t{1} << random() % 8));
            ASSERT_NE(at, nullptr);
            const auto next = blocks.lower_bound(at);
            ASSERT_TRUE(next == blocks.end() || at + bytes <= next->first);
            ASSERT_TRUE(next == blocks.begin() || std::prev(next)->first + std::prev(next)->second.bytes <= at);
            std::memset(at, fill, bytes);
            blocks[at] = {bytes, fill};
        } else if (!blocks.empty()) {
            auto chosen = std::next(blocks.begin(), static_cast<std::ptrdiff_t>(random() % blocks.size()));
            const auto [at, block] = *chosen;
            ASSERT_TRUE(intact(at, block));
            blocks.erase(chosen);
            if (random() % 4 == 0) {
                auto* const moved = static_cast<std::uint8_t*>(w.heap.reallocate(at, bytes));
                ASSERT_NE(moved, nullptr);
                ASSERT_TRUE(intact(moved, {std::min(bytes, block.bytes), block.fill}));
                std::memset(moved, block.fill, bytes);
                blocks[moved] = {bytes, block.fill};
            } else {
                w.heap.free(at);
            }
        }
        if (step % 2000 == 0) w.heap.check_invariants();
    }
    for (const auto& [at, block] : blocks) {
        ASSERT_TRUE(intact(at, block));
        w.heap.free(at);
    }
    w.heap.check_invariants();
}

TEST(Heap, MemoryGoesBack) {
    HeapWorld w;
    std::vector<void*> blocks;
    for (std::size_t bytes = 0; bytes < std::size_t{64} << 20U; bytes += 96) blocks.push_back(w.heap.allocate(96));
    EXPECT_GT(w.spans.pages, std::size_t{64} << 8U);
    for (void* block : blocks) w.heap.free(block);
    const HeapStatistics left = w.heap.statistics();
    EXPECT_EQ(left.slab_pages.value, 1U) << "one empty slab stays";
    EXPECT_EQ(w.spans.pages, left.slab_pages.value + left.own_pages.value);
    // Descriptors: one of 64 bytes for each page that was a slab.
    EXPECT_LT(left.own_pages.bytes(), std::size_t{3} << 20U);
}

TEST(Heap, SurvivesEveryFailureOfItsSource) {
    const auto scenario = [](Heap& heap) {
        std::vector<void*> blocks;
        bool whole = true;
        for (const std::size_t bytes : {1U, 24U, 100U, 2000U, 2049U, 70000U, 24U}) {
            for (int i = 0; i < 40; ++i) {
                void* const block = heap.allocate(bytes);
                if (block == nullptr)
                    whole = false;
                else
                    blocks.push_back(block);
            }
        }
        heap.check_invariants();
        for (void* block : blocks) heap.free(block);
        heap.check_invariants();
        return whole;
    };
    for (std::size_t position = 1;; ++position) {
        HeapWorld w;
        w.spans.fail_at = position;
        const bool whole = scenario(w.heap);
        EXPECT_EQ(whole, w.spans.calls < position);
        const HeapStatistics left = w.heap.statistics();
        EXPECT_EQ(w.spans.pages, (left.slab_pages + left.large_pages + left.own_pages).value);
        w.spans.fail_at = 0;
        EXPECT_TRUE(scenario(w.heap)) << "a retry succeeds";
        if (whole) break;
    }
}

TEST(HeapDeath, MisuseIsADefect) {
    HeapWorld w;
    auto* const small = static_cast<std::byte*>(w.heap.allocate(24));
    auto* const large = static_cast<std::byte*>(w.heap.allocate(10000));
    (void)w.heap.allocate(24);
    int local = 0;
    EXPECT_DEATH(w.heap.free(&local), "not its own");
    EXPECT_DEATH(w.heap.free(small + 1), "into the middle of a block");
    EXPECT_DEATH(w.heap.free(small + 16), "into the middle of a block");
    EXPECT_DEATH(w.heap.free(large + 16), "into the middle of a block");
    EXPECT_DEATH(w.heap.free(large + kPageSize), "not its own");
    EXPECT_DEATH(w.heap.free(small + 64), "freed twice");  // a free block of the slab
    auto* const first = static_cast<std::byte*>(w.heap.allocate(16));
    EXPECT_DEATH(w.heap.free(first + 2048), "never handed out");
    w.heap.free(small);
    EXPECT_DEATH(w.heap.free(small), "freed twice");
    EXPECT_DEATH((void)w.heap.reallocate(small, 5), "freed twice");
    w.heap.free(large);
    EXPECT_DEATH(w.heap.free(large), "not its own");
}

}  // namespace
}  // namespace quire
