// How many empty slabs a local heap keeps for the next time, and how it learns that.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <vector>

#include "quire/heap/local_heap.hpp"
#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::Heaps;

/// Slabs that are asked for while a heap fills two of each of several sizes, and is emptied again.
std::size_t slabs_asked_for(Heaps& heaps, std::size_t first_class, std::size_t classes) {
    const std::size_t before = heaps.source.spans.calls;
    std::vector<void*> blocks;
    for (std::size_t i = first_class; i < first_class + classes; ++i) {
        for (std::size_t block = 0; block < 2 * size_class(i).capacity; ++block)
            blocks.push_back(heaps[0].allocate_exactly(i));
    }
    for (void* block : blocks) heaps[0].free(block);
    heaps.check();
    return heaps.source.spans.calls - before;
}

TEST(LocalHeapIdle, LearnsHowMuchMayBe) {
    constexpr std::size_t kSizes = 8;  // four times as many bytes, in two slabs of each, as may be idle at first
    Heaps heaps(1);
    static_cast<void>(slabs_asked_for(heaps, 0, kSizes));
    EXPECT_LE(heaps.slab_pages() * kPageSize, kHeapShape.idle_bytes) << "nothing was missed yet";
    for (int round = 0; round < 4; ++round) static_cast<void>(slabs_asked_for(heaps, 0, kSizes));
    EXPECT_EQ(slabs_asked_for(heaps, 0, kSizes), 0U) << "all are wanted each time, and stay";
    // More sizes than that may stay for.
    for (std::size_t round = 0; round < 9; ++round) {
        static_cast<void>(slabs_asked_for(heaps, round % 3 * kSizes, kSizes));
        EXPECT_LE(heaps.slab_pages() * kPageSize, 5 * kHeapShape.idle_bytes) << "round " << round;
    }
    heaps[0].trim();
    EXPECT_EQ(heaps.slab_pages(), 0U);
    heaps.finish();
}

TEST(LocalHeapIdle, MakesWayForOtherSizes) {
    constexpr std::size_t kSizes = 4;
    Heaps heaps(1);
    const auto bytes_of = [&](std::size_t group) {
        std::size_t pages = 0;
        for (std::size_t i = group * kSizes; i < (group + 1) * kSizes; ++i) pages += 2 * size_class(i).slab_pages;
        return pages * kPageSize;
    };
    for (std::size_t round = 0; round < 24; ++round) {
        const std::size_t before = heaps.slab_pages() * kPageSize;
        static_cast<void>(slabs_asked_for(heaps, round / 4 * kSizes, kSizes));
        EXPECT_LE(heaps.slab_pages() * kPageSize,
                  std::max(before, bytes_of(round / 4)) + kHeapShape.idle_bytes + bytes_of(round / 4) / 16)
            << "round " << round;
    }
    heaps.finish();
}

TEST(LocalHeapIdle, OtherSizesTakeSlabsOverOrTheirPlace) {
    constexpr std::size_t kSizes = 8;
    std::size_t takers = 0;
    for (std::size_t taker = kSizes; taker < kSizeClasses; ++taker) {
        Heaps heaps(1);
        for (int round = 0; round < 4; ++round) static_cast<void>(slabs_asked_for(heaps, 0, kSizes));
        const std::size_t before = heaps.source.spans.calls;
        const std::size_t pages = heaps.slab_pages();
        ASSERT_GT(pages * kPageSize, 3 * kHeapShape.idle_bytes);
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < size_class(taker).capacity; ++i) {
            blocks.push_back(heaps[0].allocate_exactly(taker));
            std::memset(blocks.back(), static_cast<int>(i), size_class(taker).bytes);
        }
        heaps.check();
        EXPECT_LE(heaps.slab_pages(), pages) << "as much went as was asked for, if anything was";
        if (heaps.source.spans.calls == before) ++takers;
        for (std::size_t i = 0; i < blocks.size(); ++i) {
            EXPECT_EQ(*static_cast<unsigned char*>(blocks[i]), static_cast<unsigned char>(i));
            heaps[0].free(blocks[i]);
        }
        heaps.check();
        heaps.finish();
    }
    EXPECT_GT(takers, 0U) << "no other size has slabs that are like those of these";
}

TEST(LocalHeapIdle, SizesThatLendEachOtherBlocksTakeSlabsOver) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Heaps heaps(1);
        std::mt19937 random(seed);
        const auto below = [&](std::uint32_t end) { return random() % end; };
        std::array<std::vector<void*>, 6> blocks;
        const std::size_t first = kSizeClasses - blocks.size();
        for (int step = 0; step < 400; ++step) {
            const std::size_t size = below(blocks.size());
            std::vector<void*>& some = blocks[size];
            if (below(2) == 0) {
                for (std::uint32_t i = below(80); i > 0; --i)
                    some.push_back(heaps[0].allocate(size_class(first + size).bytes));
            } else {
                const std::size_t stay = below(3) == 0 ? below(4) : 0;
                for (; some.size() > stay; some.pop_back()) heaps[0].free(some.back());
            }
            if (step % 8 == 0) heaps.check();
        }
        for (const std::vector<void*>& some : blocks) {
            for (void* block : some) heaps[0].free(block);
        }
        heaps.check();
        heaps.finish();
    }
}

TEST(LocalHeapIdle, WhatIsNeverNeededGoes) {
    constexpr std::size_t kSizes = 8;
    Heaps heaps(1);
    for (int round = 0; round < 4; ++round) static_cast<void>(slabs_asked_for(heaps, 0, kSizes));
    EXPECT_GT(heaps.slab_pages() * kPageSize, 3 * kHeapShape.idle_bytes);
    // For as long as it takes to look for blocks often, of a single size.
    std::vector<void*> blocks(4 * size_class(0).capacity);
    for (int round = 0; round < 500; ++round) {
        for (void*& block : blocks) block = heaps[0].allocate_exactly(0);
        for (void* block : blocks) heaps[0].free(block);
    }
    heaps.check();
    EXPECT_LE(heaps.slab_pages() * kPageSize, 2 * kHeapShape.idle_bytes);
    heaps.finish();
}

TEST(LocalHeapIdle, ForgetsHowMuchMayBe) {
    constexpr std::size_t kSizes = 8;
    Heaps heaps(1);
    for (int round = 0; round < 4; ++round) static_cast<void>(slabs_asked_for(heaps, 0, kSizes));
    EXPECT_GT(heaps.slab_pages() * kPageSize, 3 * kHeapShape.idle_bytes);
    std::array<std::vector<void*>, 6> groups;
    for (std::vector<void*>& blocks : groups) {
        for (std::size_t i = 0; i < kSizes; ++i) {
            for (std::size_t block = 0; block < 2 * size_class(i).capacity; ++block)
                blocks.push_back(heaps[0].allocate_exactly(i));
        }
    }
    // Of much that goes each time, a single slab is missed.
    std::vector<void*> missed;
    for (const std::vector<void*>& blocks : groups) {
        for (void* block : blocks) heaps[0].free(block);
        missed.push_back(heaps[0].allocate_exactly(kSizes + missed.size()));
    }
    for (void* block : missed) heaps[0].free(block);
    heaps.check();
    EXPECT_LE(heaps.slab_pages() * kPageSize, 2 * kHeapShape.idle_bytes);
    heaps.finish();
}

}  // namespace
}  // namespace quire
