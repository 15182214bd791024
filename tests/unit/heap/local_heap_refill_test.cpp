// How many blocks are ready after some were looked for, or after there were too many.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "quire/heap/local_heap.hpp"
#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::Heaps;

constexpr std::size_t kBytes = 64;
constexpr std::size_t kClass = class_for(kBytes);
constexpr std::size_t kCapacity = size_class(kClass).capacity;

/// The first blocks of so many slabs, which are full but for what was freed: none of those is ready.
std::vector<void*> one_of_each(LocalHeap& heap, std::size_t slabs) {
    std::vector<void*> firsts;
    std::vector<void*> others;
    for (std::size_t i = 0; i < slabs * kCapacity; ++i) {
        void* const block = heap.allocate(kBytes);
        (i % kCapacity == 0 ? firsts : others).push_back(block);
    }
    for (void* block : others) heap.free(block);
    heap.trim();
    return firsts;
}

TEST(LocalHeapRefill, SomeStayForWhatIsInUse) {
    constexpr std::size_t kSlabs = 40;
    Heaps heaps(1);
    std::vector<void*> blocks = one_of_each(heaps[0], kSlabs);
    std::size_t fewest = kSlabs;
    for (std::size_t in_use = kSlabs; in_use-- > 1;) {
        const std::size_t before = heaps[0].ready_blocks(kClass);
        heaps[0].free(blocks[in_use]);
        const std::size_t after = heaps[0].ready_blocks(kClass);
        ASSERT_GE(after, 1U);
        if (after <= before) fewest = std::min(fewest, after);
        heaps.check();
    }
    EXPECT_LT(fewest, kSlabs) << "once there were too many";
    heaps[0].free(blocks[0]);
    heaps.finish();
}

TEST(LocalHeapRefill, LooksIntoSeveralSlabs) {
    constexpr std::size_t kSlabs = 12;
    constexpr std::size_t kHalf = (kHeapShape.ready + 1) / 2;
    Heaps heaps(1);
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < kSlabs * kCapacity; ++i) blocks.push_back(heaps[0].allocate(kBytes));
    // A block of each slab is free, and not ready.
    for (std::size_t i = 0; i < blocks.size(); i += kCapacity) heaps[0].free(blocks[i]);
    heaps[0].trim();
    ASSERT_EQ(heaps[0].ready_blocks(kClass), 0U);
    blocks[0] = heaps[0].allocate(kBytes);
    EXPECT_EQ(heaps[0].ready_blocks(kClass), kHalf - 1) << "and no more: there may be others soon";
    heaps.check();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i == 0 || i % kCapacity != 0) heaps[0].free(blocks[i]);
    }
    heaps.finish();
}

}  // namespace
}  // namespace quire
