// Blocks that are ready: which one comes next, what is found out about them, and that they keep no memory from anybody.
#include "quire/heap/ready_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::Heaps;

constexpr std::size_t kBytes = 64;
constexpr std::size_t kClass = class_for(kBytes);

std::uint32_t capacity() {
    return size_class(kClass).capacity;
}

std::size_t pages() {
    return size_class(kClass).slab_pages;
}

std::vector<void*> fill(LocalHeap& heap, std::size_t slabs) {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < slabs * capacity(); ++i) blocks.push_back(heap.allocate(kBytes));
    return blocks;
}

struct Stack {
    static constexpr std::size_t kMost = 16;
    std::array<ReadyBlocks::Place, kMost> places;
    ReadyBlocks ready{places.data()};
    std::array<std::array<std::uintptr_t, 2>, kMost> blocks{};
    std::byte* block(std::size_t number) { return reinterpret_cast<std::byte*>(&blocks[number]); }
    void push(std::size_t number) {
        mark_free(block(number));
        ready.push(block(number));
    }
};

TEST(ReadyBlocks, TheLatestIsTheNext) {
    EXPECT_EQ(ReadyBlocks().pop(), nullptr);
    Stack stack;
    EXPECT_EQ(stack.ready.pop(), nullptr);
    EXPECT_TRUE(stack.ready.full()) << "until somebody says how many there may be";
    stack.ready.set_full_at(Stack::kMost);
    for (std::size_t i = 0; i < Stack::kMost; ++i) {
        EXPECT_FALSE(stack.ready.full());
        stack.push(i);
    }
    EXPECT_TRUE(stack.ready.full());
    EXPECT_EQ(stack.ready.count(), Stack::kMost);
    EXPECT_TRUE(stack.ready.has(stack.block(2)));
    for (std::size_t i = Stack::kMost; i-- > 0;) {
        EXPECT_EQ(stack.ready.pop(), stack.block(i));
        EXPECT_FALSE(is_marked_free(stack.block(i)));
    }
    EXPECT_TRUE(stack.ready.empty());
    EXPECT_FALSE(stack.ready.has(stack.block(2)));
}

TEST(ReadyBlocks, SomeArePushedAndLentAtOnce) {
    Stack stack;
    std::size_t number = 3;
    for (ReadyBlocks::Place& place : stack.ready.push_some(3)) {
        place = stack.block(--number);
        mark_free(place);
    }
    Stack other;
    stack.ready.lend(other.ready, 2);
    EXPECT_EQ(stack.ready.count(), 1U);
    EXPECT_EQ(other.ready.pop(), stack.block(0));
    EXPECT_EQ(other.ready.pop(), stack.block(1));
    EXPECT_EQ(stack.ready.pop(), stack.block(2));
}

TEST(ReadyBlocks, TheOldestMayGo) {
    Stack stack;
    stack.ready.set_full_at(3);
    for (std::size_t i = 0; i < 3; ++i) stack.push(i);
    stack.ready.drop_oldest(1);
    EXPECT_EQ(stack.ready.count(), 2U);
    EXPECT_EQ(stack.ready.pop(), stack.block(2));
    EXPECT_EQ(stack.ready.pop(), stack.block(1));
    EXPECT_TRUE(stack.ready.empty());
}

TEST(ReadyBlocks, TheyMayMove) {
    Stack stack;
    stack.ready.set_full_at(2);
    stack.push(0);
    stack.push(1);
    std::array<ReadyBlocks::Place, 4> others;
    stack.ready.move_to(others.data());
    stack.places.fill(nullptr);
    EXPECT_EQ(stack.ready.count(), 2U);
    stack.ready.set_full_at(others.size());
    stack.push(2);
    for (std::size_t i = 3; i-- > 0;) EXPECT_EQ(stack.ready.pop(), stack.block(i));
}

TEST(ReadyBlocks, ASizeThatIsShortOfPlacesGetsMore) {
    constexpr std::size_t kLarge = 1024;
    constexpr std::size_t kNumber = class_for(kLarge);
    static_assert(kNearRoom.of[kNumber] < kFarRoom.of[kNumber]);
    Heaps heaps(1);
    std::size_t most = 0;
    const auto use = [&] {
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < 50; ++i) blocks.push_back(heaps[0].allocate(kLarge));
        for (void* block : blocks) {
            heaps[0].free(block);
            most = std::max(most, heaps[0].ready_blocks(kNumber));
        }
        heaps.check();
    };
    // Who uses few blocks needs few places.
    for (int i = 0; i < 100; ++i) heaps[0].free(heaps[0].allocate(kLarge));
    EXPECT_LE(heaps[0].ready_blocks(kNumber), kNearRoom.of[kNumber]);
    for (int round = 0; round < 20; ++round) use();
    EXPECT_EQ(most, kFarRoom.of[kNumber]);
    heaps.finish();
}

TEST(ReadyBlocks, OneThatWasWrittenToIsNotHandedOut) {
    Stack stack;
    stack.ready.set_full_at(1);
    stack.push(0);
    stack.blocks[0][0] = 1;
    EXPECT_EQ(stack.ready.pop(), nullptr);
    EXPECT_DEATH(stack.ready.require_marks(), "used after it was freed");
}

TEST(ReadyBlocks, NoneIsWhenAllOfASizeAreFree) {
    Heaps heaps(1);
    std::vector<void*> blocks = fill(heaps[0], 12);
    // From both ends, so that one slab after the other is emptied, and each has blocks that are ready.
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        heaps[0].free(blocks[i % 2 == 0 ? i / 2 : blocks.size() - 1 - i / 2]);
        heaps.check();
    }
    EXPECT_EQ(heaps.slab_pages(), pages());
    heaps.finish();
}

TEST(ReadyBlocks, FewSlabsWaitForThem) {
    constexpr std::size_t kSlabs = 40;
    constexpr std::size_t kFew = 8;  // five stayed, and three more came
    Heaps heaps(1);
    std::vector<void*> blocks = fill(heaps[0], kSlabs);
    // One block of each slab lives, then those die, too, but for one.
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % capacity() != 0) heaps[0].free(blocks[i]);
    }
    heaps.check();
    heaps[0].trim();
    for (std::size_t slab = kSlabs; slab-- > 1;) {
        heaps[0].free(blocks[slab * capacity()]);
        ASSERT_LE(heaps.slab_pages() / pages(), slab + 1 + std::max(3 * slab, kFew))
            << "three quarters of what is taken are ready, and one slab stays";
    }
    heaps.check();
    heaps[0].free(blocks[0]);
    EXPECT_EQ(heaps.slab_pages(), pages());
    heaps.finish();
}

TEST(ReadyBlocks, TwoSlabsDoNotWaitForTheLastOnes) {
    Heaps heaps(1);
    std::vector<void*> blocks = fill(heaps[0], 2);
    for (std::size_t i = 2; i + 2 < blocks.size(); ++i) heaps[0].free(blocks[i]);
    heaps[0].trim();
    EXPECT_EQ(heaps.slab_pages(), 2 * pages());
    for (const std::size_t last : {std::size_t{0}, std::size_t{1}, blocks.size() - 1, blocks.size() - 2})
        heaps[0].free(blocks[last]);
    EXPECT_EQ(heaps.slab_pages(), pages());
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, NoneIsWhenOthersFreedTheRest) {
    constexpr std::size_t kSlabs = 3;
    Heaps heaps(2);
    std::vector<void*> blocks = fill(heaps[0], kSlabs);
    // Each slab is the first heap's, and has a block that is ready.
    for (std::size_t slab = 0; slab < kSlabs; ++slab) heaps[0].free(blocks[slab * capacity()]);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % capacity() != 0) heaps[1].free(blocks[i]);
    }
    heaps[1].trim();
    EXPECT_EQ(heaps.slab_pages(), kSlabs * pages());
    // It looks into its inbox when it has none of another size.
    heaps[0].free(heaps[0].allocate(2 * kBytes));
    EXPECT_EQ(heaps.slab_pages(), pages() + size_class(class_for(2 * kBytes)).slab_pages);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, NoneIsWhenASlabCameBackMeanwhile) {
    Heaps heaps(1);
    const std::vector<void*> blocks = fill(heaps[0], 1);
    heaps[0].free(heaps[0].allocate(kBytes));
    heaps.check();
    EXPECT_EQ(heaps.slab_pages(), 2 * pages()) << "a full one, which is nobody's, and one that is not in use";
    for (void* block : blocks) heaps[0].free(block);
    heaps.check();
    EXPECT_EQ(heaps.slab_pages(), pages());
    heaps.finish();
}

TEST(ReadyBlocks, NoneIsWhenASmallerSizeBorrowedSome) {
    static_assert(kHeapShape.borrowed != 0);
    constexpr std::size_t kLarger = size_class(kClass + 1).bytes;
    Heaps heaps(1);
    std::vector<void*> larger;
    for (std::size_t i = 0; i < 2 * size_class(kClass + 1).capacity; ++i) larger.push_back(heaps[0].allocate(kLarger));
    for (std::size_t i = 0; i < 4; ++i) heaps[0].free(larger[i]);
    void* const block = heaps[0].allocate(kBytes);
    ASSERT_EQ(heaps[0].usable_size(block), kLarger) << "it borrowed that one, and one more is ready";
    heaps[0].free(block);
    for (std::size_t i = 4; i < larger.size(); ++i) heaps[0].free(larger[i]);
    heaps.check();
    EXPECT_EQ(heaps.slab_pages(), size_class(kClass + 1).slab_pages);
    heaps.finish();
}

TEST(ReadyBlocks, WhatWasNeverHandedOutIsNotLent) {
    constexpr std::size_t kLarger = size_class(kClass + 1).bytes;
    Heaps heaps(1);
    void* const larger = heaps[0].allocate(kLarger);
    void* const another = heaps[0].allocate(kLarger);
    EXPECT_GT(heaps[0].ready_blocks(kClass + 1), 2U);
    void* const block = heaps[0].allocate(kBytes);
    EXPECT_EQ(heaps[0].usable_size(block), kBytes) << "to lend what was carved would take new pages, too";
    heaps[0].free(larger);
    std::vector<void*> blocks{block};
    while (blocks.size() <= capacity()) {
        blocks.push_back(heaps[0].allocate(kBytes));
        if (heaps[0].usable_size(blocks.back()) != kBytes) break;
    }
    EXPECT_EQ(blocks.back(), larger) << "but what was freed";
    for (void* one : blocks) heaps[0].free(one);
    heaps[0].free(another);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, AnEmptySlabIsUsedAgain) {
    Heaps heaps(1);
    void* const first = heaps[0].allocate(kBytes);
    const std::size_t all = heaps[0].ready_blocks(kClass) + 1;
    heaps[0].free(first);
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 2 * all; ++i) {
        blocks.push_back(heaps[0].allocate(kBytes));
        heaps.check();
    }
    for (void* block : blocks) heaps[0].free(block);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, WhatAnotherFilledDoesNotWait) {
    Heaps heaps(2);
    const std::vector<void*> blocks = fill(heaps[0], 2);
    void* const own = heaps[1].allocate(kBytes);
    void* const another = heaps[1].allocate(kBytes);
    const std::size_t ready = heaps[1].ready_blocks(kClass);
    for (std::size_t i = 0; i < capacity() / 2 - 1; ++i) heaps[1].free(blocks[i]);
    EXPECT_EQ(heaps[1].ready_blocks(kClass), ready);
    heaps[1].free(another);
    EXPECT_EQ(heaps[1].ready_blocks(kClass), ready + 1) << "but what it filled itself";
    heaps[1].free(own);
    heaps[0].free(blocks.back());
    EXPECT_EQ(heaps[0].ready_blocks(kClass), 1U);
    for (std::size_t i = capacity() / 2 - 1; i + 1 < blocks.size(); ++i) heaps[1].free(blocks[i]);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, AFullSlabBelongsToNobodyAfterAWhile) {
    Heaps heaps(2);
    std::vector<void*> blocks = fill(heaps[0], 2);
    heaps[0].free(blocks[0]);
    EXPECT_EQ(heaps[0].allocate(kBytes), blocks[0]) << "its slab is this heap's again, and full";
    const std::vector<void*> more = fill(heaps[0], 12);
    heaps.check();
    heaps[1].free(blocks[0]);
    EXPECT_EQ(heaps.taken(), blocks.size() + more.size() - 1)
        << "the second heap's now: it need not wait for the first one";
    for (std::size_t i = 1; i < blocks.size(); ++i) heaps[1].free(blocks[i]);
    for (void* block : more) heaps[0].free(block);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, WhatWasBorrowedIsNotLent) {
    Heaps heaps(1);
    LocalHeap& heap = heaps[0];
    constexpr std::size_t kLargest = kClass + 2 * kHeapShape.borrowed;
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < 8 * size_class(kLargest).capacity; ++i)
        blocks.push_back(heap.allocate_exactly(kLargest));
    for (std::size_t i = 0; i < blocks.size(); i += 2) heap.free(blocks[i]);
    // Each size borrows from the larger ones, before the next smaller one does.
    std::vector<std::pair<void*, std::size_t>> smaller;
    for (std::size_t number = kLargest; number-- > kClass;) {
        for (int i = 0; i < 3; ++i)
            smaller.emplace_back(heap.allocate(size_class(number).bytes), size_class(number).bytes);
        heaps.check();
    }
    for (const auto& [block, bytes] : smaller) heap.free_sized(block, bytes);
    for (std::size_t i = 1; i < blocks.size(); i += 2) heap.free(blocks[i]);
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, ABlockMayLookFree) {
    Heaps heaps(2);
    void* const block = heaps[0].allocate(kBytes);
    void* const other = heaps[0].allocate(kBytes);
    mark_free(block);
    EXPECT_EQ(heaps[0].usable_size(block), kBytes);
    EXPECT_FALSE(heaps[0].free_here(block)) << "somebody has to look";
    heaps[0].free(block);
    mark_free(other);
    heaps[1].free(other);
    heaps[1].trim();
    heaps.check();
    heaps.finish();
}

TEST(ReadyBlocks, TheSizeIsComparedWhereThatIsQuick) {
    Heaps heaps(1);
    void* const block = heaps[0].allocate(kBytes);
    heaps[0].free(heaps[0].allocate(kBytes));
    EXPECT_FALSE(heaps[0].free_here(block, 3 * kBytes));
    EXPECT_FALSE(heaps[0].free_here(block, kLargestBlock + 1));
    EXPECT_FALSE(heaps[0].free_here(&heaps, kBytes));
    heaps[0].free_sized(block, kBytes);
    void* const again = heaps[0].allocate(kBytes);
    EXPECT_TRUE(heaps[0].free_here(again, kBytes));
    heaps.check();
    heaps.finish();
}

class ReadyBlocksDeath : public testing::Test {
protected:
    void overwrite(void* block) { *static_cast<std::uintptr_t*>(block) = 1; }
    void use_up() {
        for (std::size_t i = 0; i < capacity(); ++i) overwrite(heap_.allocate(kBytes));
    }
    Heaps heaps_{2};
    LocalHeap& heap_ = heaps_[0];
    void* block_ = heap_.allocate(kBytes);
    void* other_ = heap_.allocate(kBytes);
};

TEST_F(ReadyBlocksDeath, AWriteAfterFreeIsSeen) {
    EXPECT_DEATH((heap_.free(block_), overwrite(block_), (void)heap_.allocate(kBytes)), "used after it was freed");
}

TEST_F(ReadyBlocksDeath, ASecondFreeIsSeen) {
    EXPECT_DEATH((heap_.free(block_), heap_.free(other_), heap_.free(block_)), "freed twice");
    EXPECT_DEATH((heap_.free(block_), (void)heap_.usable_size(block_)), "freed twice");
    EXPECT_DEATH((heap_.free(block_), (void)heap_.reallocate(block_, 1)), "freed twice");
    EXPECT_DEATH((heap_.free(block_), heap_.trim(), heap_.free(block_)), "freed twice") << "it is in its slab again";
    EXPECT_DEATH((heap_.free(block_), heap_.trim(), (void)heap_.usable_size(block_)), "freed twice");
}

TEST_F(ReadyBlocksDeath, ASecondFreeWithAWriteBetweenIsSeenBeforeTwoHaveTheBlock) {
    EXPECT_DEATH((heap_.free(block_), overwrite(block_), heap_.free(block_), heap_.trim()), "freed twice")
        << "when it is put back";
    EXPECT_DEATH((heap_.free(block_), overwrite(block_), heap_.free(block_), use_up()), "freed twice")
        << "when it is handed out again";
    EXPECT_DEATH((heap_.free(block_), heap_.trim(), overwrite(block_), heap_.free(block_), heap_.trim()),
                 "freed twice");
}

}  // namespace
}  // namespace quire
