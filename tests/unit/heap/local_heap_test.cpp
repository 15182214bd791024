// Several local heaps over one central heap, case by case: whatever one allocates another may free, and heaps come and go.
#include "quire/heap/local_heap.hpp"

#include <gtest/gtest.h>

#include <array>
#include <utility>
#include <vector>

#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::CachedSource;
using test::Heaps;
using test::HeapsOver;

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
    EXPECT_EQ(heaps.taken(), 2U) << "nobody's blocks are noted first, too: one lock for many";
    heaps[1].trim();
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

TEST(LocalHeap, WhatWasResizedHasTheSizeAskedForLast) {
    Heaps heaps(1);
    for (const auto& [first, then] :
         {std::pair<std::size_t, std::size_t>{1000, 1100}, {1000, 600}, {600, 3000}, {3000, 1600}}) {
        void* const block = heaps[0].reallocate(heaps[0].allocate(first), then);
        heaps[0].free_sized(block, then, 0, Resized::perhaps);
    }
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, WhatFitsWellStaysWhereItLies) {
    Heaps heaps(2);
    void* const block = heaps[0].allocate(kBytes);
    const std::size_t usable = heaps[0].usable_size(block);
    for (std::size_t bytes = usable / 2 + 1; bytes <= usable; ++bytes)
        ASSERT_EQ(heaps[0].reallocate_here(block, bytes), block);
    EXPECT_EQ(heaps[0].reallocate_here(block, usable / 2), nullptr) << "half of it would be wasted";
    EXPECT_EQ(heaps[0].reallocate_here(block, 0), nullptr);
    EXPECT_EQ(heaps[0].reallocate_here(block, usable + 1), nullptr);
    EXPECT_EQ(heaps[0].reallocate_here(static_cast<std::byte*>(block) + 16, usable), nullptr);
    EXPECT_EQ(heaps[1].reallocate_here(block, usable), nullptr) << "another's takes longer to find";
    EXPECT_EQ(heaps[1].reallocate(block, usable), block);
    EXPECT_EQ(heaps[0].reallocate_here(nullptr, usable), nullptr);
    heaps[0].free(block);
    EXPECT_EQ(heaps[0].reallocate_here(block, usable), nullptr) << "it is free";
    EXPECT_DEATH(static_cast<void>(heaps[0].reallocate(block, usable)), "freed twice");
    heaps.finish();
}

TEST(LocalHeap, ASizeThatIsAlwaysShortGetsBlocksOfItsOwn) {
    constexpr std::size_t kClass = class_for(kBytes);
    Heaps heaps(1);
    LocalHeap& heap = heaps[0];
    std::vector<void*> larger;
    for (std::size_t i = 0; i < 2 * size_class(kClass + 1).capacity; ++i)
        larger.push_back(heap.allocate_exactly(kClass + 1));
    for (std::size_t i = 1; i < larger.size(); i += 2) heap.free(larger[i]);
    std::size_t borrowed = 0;
    for (bool short_of_blocks = true; short_of_blocks && borrowed < 100'000;) {
        void* const block = heap.allocate(kBytes);
        short_of_blocks = heap.usable_size(block) != kBytes;
        heap.free(block);
        if (short_of_blocks) ++borrowed;
    }
    EXPECT_GT(borrowed, 4 * size_class(kClass).capacity) << "it is patient,";
    EXPECT_LT(borrowed, 100'000U) << "but not without end";
    for (std::size_t i = 0; i < larger.size(); i += 2) heap.free(larger[i]);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, ASizeThatRunsOutTakesWhatItsNeighbourFreed) {
    constexpr std::size_t kLarger = size_class(class_for(kBytes) + 1).bytes;
    Heaps heaps(1);
    LocalHeap& heap = heaps[0];
    std::vector<void*> larger;
    // More than are remembered, and a whole slab of them: they are found in the slab, too.
    for (std::size_t i = 0; i < 3 * size_class(class_for(kLarger)).capacity; ++i)
        larger.push_back(heap.allocate(kLarger));
    for (std::size_t i = 1; i < larger.size(); i += 2) heap.free(larger[i]);
    const std::size_t before = heaps.slab_pages();
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < larger.size() / 3; ++i) {
        blocks.push_back(heap.allocate(kBytes));
        EXPECT_EQ(heap.usable_size(blocks.back()), kLarger);
    }
    EXPECT_EQ(heaps.slab_pages(), before) << "no new pages";
    heaps.check();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % 2 == 0)
            heap.free_sized(blocks[i], kBytes);
        else
            heap.free_sized(blocks[i], kBytes, kBlockGranule);
    }
    void* const borrowed = heap.allocate(kBytes);  // others that are ready come with it
    EXPECT_EQ(heap.usable_size(borrowed), kLarger);
    void* const aligned = heap.allocate(kBytes, kBytes);
    EXPECT_EQ(heap.usable_size(aligned), kBytes) << "others would not be aligned";
    heap.free(borrowed);
    void* const exact = heap.allocate_exactly(class_for(kBytes));
    EXPECT_EQ(heap.usable_size(exact), kBytes);
    heap.free_sized(aligned, kBytes, kBytes);
    heap.free(exact);
    for (std::size_t i = 0; i < larger.size(); i += 2) heap.free(larger[i]);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, WhoOnlyFreesCollectsWhatOthersReturn) {
    Heaps heaps(3);
    const std::vector<void*> blocks = fill(heaps[0], 3);
    heaps[1].free(blocks[0]);  // a full slab: it is the second one's now
    heaps[2].free(blocks[1]);
    heaps[2].trim();
    EXPECT_EQ(heaps.taken(), blocks.size() - 1) << "it lies in the second one's inbox";
    heaps[1].free(blocks[capacity()]);
    EXPECT_EQ(heaps.taken(), blocks.size() - 3);
    for (std::size_t i = 2; i < blocks.size(); ++i) {
        if (i != capacity()) heaps[1].free(blocks[i]);
    }
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, WhatIsFreedFromAfarIsNotedBySizes) {
    Heaps heaps(2);
    constexpr std::size_t kOther = 2 * kBytes;
    constexpr std::size_t kBlocks = 10;
    std::array<void*, 2 * kBlocks> blocks;
    for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = heaps[0].allocate(i % 2 == 0 ? kBytes : kOther);
    for (void* block : blocks) heaps[1].free(block);
    heaps[0].trim();
    EXPECT_EQ(heaps.taken(), blocks.size()) << "nothing was returned, although the sizes took turns";
    heaps[1].trim();
    heaps[0].trim();
    EXPECT_EQ(heaps.taken(), 0U);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, NotManyBytesAreNoted) {
    Heaps heaps(2);
    std::array<void*, 8> blocks;
    for (void*& block : blocks) block = heaps[0].allocate(1024);
    std::size_t noted = 0;
    for (; heaps.taken() == blocks.size(); ++noted) {
        ASSERT_LT(noted, blocks.size());
        heaps[1].free(blocks[noted]);
        heaps[0].trim();
    }
    EXPECT_EQ(noted, 4U) << "4 KiB";
    for (std::size_t i = noted; i < blocks.size(); ++i) heaps[0].free(blocks[i]);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, WhatHasFramesIsUsedBeforeLargerBlocks) {
    constexpr std::size_t kSize = 1792;
    constexpr std::size_t kLarger = size_class(class_for(kSize) + 1).bytes;
    Heaps heaps(1);
    std::vector<void*> larger;
    for (std::size_t i = 0; i < 2 * size_class(class_for(kLarger)).capacity; ++i)
        larger.push_back(heaps[0].allocate(kLarger));
    std::vector<void*> blocks{heaps[0].allocate_exactly(class_for(kSize))};
    for (std::size_t i = 0; i < larger.size(); i += 2) heaps[0].free(larger[i]);
    for (std::size_t i = 1; i < size_class(class_for(kSize)).capacity; ++i) {
        blocks.push_back(heaps[0].allocate(kSize));
        EXPECT_EQ(heaps[0].usable_size(blocks.back()), kSize);
    }
    for (std::size_t i = 1; i < larger.size(); i += 2) heaps[0].free(larger[i]);
    for (void* block : blocks) heaps[0].free(block);
    heaps.check();
    heaps.finish();
}

TEST(LocalHeap, OneThatHasNothing) {
    Heaps heaps(1);
    LocalHeap nothing;
    EXPECT_EQ(nothing.allocate_here(1), nullptr);
    EXPECT_EQ(nothing.allocate_here(kLargestBlock), nullptr);
    EXPECT_EQ(nothing.allocate_here(1, kLargestBlock), nullptr);
    void* const block = heaps[0].allocate(kBytes);
    EXPECT_FALSE(nothing.free_here(block));
    EXPECT_FALSE(nothing.free_here(nullptr));
    EXPECT_FALSE(nothing.free_here(&heaps));
    EXPECT_EQ(nothing.reallocate_here(nullptr, 1), nullptr);
    EXPECT_EQ(nothing.reallocate_here(block, kBytes), nullptr);
    EXPECT_LT(LocalHeap::often_used(), sizeof nothing) << "larger blocks are remembered at its end";
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

TEST(LocalHeap, DescriptorsGoBackWhileNobodyElseCanLookAtThem) {
    for (const bool takes_back : {false, true}) {
        HeapsOver<CachedSource> heaps(1);
        heaps.source.own.takes_back = takes_back;
        for (int round = 0; round < 3; ++round) {
            const std::vector<void*> blocks = fill(heaps[0], 500);
            const std::size_t full = heaps.source.own.pages();
            for (void* block : blocks) heaps[0].free(block);
            heaps.check();
            EXPECT_EQ(heaps.source.own.pages() + 10 < full, takes_back) << "of 500 slabs";
        }
        heaps.finish();
    }
}

TEST(LocalHeap, WhatOthersReturnWhileAHeapEndsHasAnOwner) {
    // The current slab of the heap is full. While it ends, and has looked into its inbox already, another returns some blocks of it, or all.
    const std::size_t capacity = size_class(class_for(16)).capacity;
    for (const std::size_t returned : {std::size_t{2}, capacity}) {
        Heaps heaps(2);
        std::vector<void*> blocks;
        for (std::size_t i = 0; i < capacity; ++i) blocks.push_back(heaps[0].allocate(16));
        heaps[0].free(heaps[0].allocate(1000));  // an empty slab, which is given back then
        heaps.source.spans.on_release = [&] {
            for (std::size_t i = 0; i < returned; ++i) heaps[1].free(blocks[i]);
            heaps[1].trim();
        };
        heaps[0].close();
        EXPECT_FALSE(heaps.source.spans.on_release) << "it was called";
        heaps.check();
        for (std::size_t i = returned; i < blocks.size(); ++i) heaps[1].free(blocks[i]);
        heaps[1].trim();
        heaps.check();
        heaps[0].reopen();
        heaps.finish();
    }
}

TEST(LocalHeap, AForkFindsTheCentralHeapFree) {
    Heaps without_chores(1);
    without_chores.central.before_fork();
    without_chores.central.after_fork();
    without_chores[0].free(without_chores[0].allocate(kBytes));
    without_chores.finish();

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

}  // namespace
}  // namespace quire
