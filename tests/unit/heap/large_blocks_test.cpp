// Blocks that have pages of their own: they belong to nobody, grow where they lie or move, and get frames ahead of time where that pays.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "quire/heap/local_heap.hpp"
#include "tests/unit/support/local_heaps.hpp"

namespace quire {
namespace {

using test::CachedSource;
using test::Heaps;
using test::HeapsOver;
using test::TestSpans;

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

/// A block of so many bytes grows while its source fails, at the given call from now on and so many times: it has moved whole, or is as
/// it was.
void grow_while_source_fails(std::size_t bytes, std::size_t failing, std::size_t failures) {
    HeapsOver<CachedSource> heaps(1);
    auto* const block = static_cast<std::uint8_t*>(heaps[0].allocate(bytes));
    void* const behind = heaps[0].allocate(bytes);
    std::memset(block, 0x5A, bytes);
    EXPECT_EQ(heaps[0].reallocate(block, ~std::size_t{0} / 2), nullptr);
    heaps.source.pages.fail_at = heaps.source.pages.calls + failing;
    heaps.source.pages.failures = failures;
    auto* const moved = static_cast<std::uint8_t*>(heaps[0].reallocate(block, 50'000'000));
    heaps.source.pages.fail_at = 0;
    heaps.check();
    if (moved != nullptr && moved != block) EXPECT_EQ(heaps.central.find(block), nullptr) << "nobody's any more";
    const std::uint8_t* const at = moved != nullptr ? moved : block;
    for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(at[i], 0x5A);
    heaps[0].free(moved != nullptr ? moved : block);
    heaps[0].free(behind);
    heaps.finish();
}

TEST(LocalHeap, ALargeBlockThatCannotGrowIsAsItWas) {
    // Short ones are copied by the local heap; long ones move by their frames, or by a copy if the system cannot.
    for (const std::size_t bytes : {100'000U, 1'000'000U}) {
        for (std::size_t failing = 1; failing <= 6; ++failing) {
            grow_while_source_fails(bytes, failing, 1);
            grow_while_source_fails(bytes, failing, 100);
        }
    }
}

/// As many pages of a block get frames ahead of time.
constexpr std::size_t pages_ahead(std::size_t bytes) {
    return std::min(pages_for(bytes), CentralHeap::kMostAtOnce).value;
}

/// How many of `count` blocks, one after another, got their frames ahead of time.
std::size_t foreseen(HeapsOver<CachedSource>& heaps, std::size_t bytes, std::size_t count) {
    const std::size_t before = heaps.source.pages.populated;
    for (std::size_t i = 0; i < count; ++i) {
        void* const block = heaps[0].allocate(bytes);
        heaps[0].free(block);
        // What is kept has frames already.
        (void)heaps.central.trim();
    }
    heaps.check();
    return (heaps.source.pages.populated - before) / pages_ahead(bytes);
}

TEST(LocalHeap, LargeBlocksGetFramesAheadOfTimeWhereOthersWereUsed) {
    HeapsOver<CachedSource> heaps(1);
    constexpr std::size_t kLarge = 20 * kPageSize;
    constexpr std::size_t kHuge = 1000 * kPageSize;
    EXPECT_EQ(foreseen(heaps, kLarge, 2), 0U) << "nothing is known yet";
    EXPECT_EQ(foreseen(heaps, kLarge, 10), 10U);
    EXPECT_EQ(foreseen(heaps, kHuge, 2), 0U) << "of other sizes nothing is known";
    EXPECT_EQ(foreseen(heaps, kHuge, 10), 10U);
    heaps.source.pages.used = false;
    EXPECT_LT(foreseen(heaps, kLarge, 16), 16U) << "now and then it looks again";
    EXPECT_EQ(foreseen(heaps, kLarge, 10), 0U) << "and learns";
    EXPECT_EQ(foreseen(heaps, kHuge, 5), 5U) << "of these it has not looked at one since";
    heaps.finish();
}

TEST(LocalHeap, BeforeAnotherIsMadeALiveBlockIsLookedAt) {
    constexpr std::size_t kLarge = 3000 * kPageSize;
    for (const bool used : {true, false}) {
        HeapsOver<CachedSource> heaps(1);
        heaps.source.pages.used = used;
        std::array<void*, 5> blocks;
        for (void*& block : blocks) block = heaps[0].allocate(kLarge);
        EXPECT_EQ(heaps.source.pages.populated, used ? 3 * pages_ahead(kLarge) : 0U) << "two were used";
        if (!used) {
            heaps.source.pages.used = true;
            // Not of that size any more: nobody looks at it, and it may move.
            for (void*& block : blocks) block = heaps[0].reallocate(block, 3 * kLarge);
            const std::size_t before = heaps.source.pages.populated;
            for (int i = 0; i < 2; ++i) heaps[0].free(heaps[0].allocate(kLarge));
            EXPECT_EQ(heaps.source.pages.populated, before);
        }
        for (void* block : blocks) heaps[0].free(block);
        heaps.check();
        heaps.finish();
    }
}

TEST(LocalHeap, ABlockThatHasEndedIsNotLookedAt) {
    HeapsOver<CachedSource> heaps(1);
    EXPECT_EQ(foreseen(heaps, 3000 * kPageSize, 3), 1U);
    heaps.finish();
}

TEST(LocalHeap, ALargeBlockWithFramesSaysNothing) {
    HeapsOver<CachedSource> heaps(1);
    constexpr std::size_t kLarge = 20 * kPageSize;
    void* const block = heaps[0].allocate(kLarge);
    heaps[0].free(block);
    // Twice where frames are kept: only the first was watched.
    heaps[0].free(heaps[0].allocate(kLarge));
    heaps[0].free(heaps[0].allocate(kLarge));
    (void)heaps.central.trim();
    EXPECT_EQ(foreseen(heaps, kLarge, 1), 0U);
    EXPECT_EQ(foreseen(heaps, kLarge, 1), 1U);
    heaps.finish();
}

TEST(LocalHeap, ABlockThatGrowsGetsItsFrames) {
    HeapsOver<CachedSource> heaps(1);
    void* block = heaps[0].allocate(kLargestBlock);
    const std::size_t before = heaps.source.pages.populated;
    block = heaps[0].reallocate(block, kLargestBlock + 1);
    const std::size_t usable = heaps[0].usable_size(block);
    EXPECT_EQ(heaps.source.pages.populated - before, usable / kPageSize);
    bool moved = false;
    for (std::size_t bytes = usable; bytes < 4000 * kPageSize; bytes = heaps[0].usable_size(block)) {
        const std::size_t at = heaps.source.pages.populated;
        void* const old = block;
        block = heaps[0].reallocate(block, bytes + 1);
        EXPECT_NE(heaps.source.pages.populated, at);
        heaps.check();
        if (block == old) continue;
        moved = true;
        EXPECT_EQ(heaps.central.find(old), nullptr) << "nobody's now";
    }
    EXPECT_TRUE(moved);
    heaps[0].free(block);
    heaps.finish();
}

TEST(LocalHeap, ABlockThatGrowsWhereItLiesGetsAddressesForMuchAndFramesForALittle) {
    HeapsOver<CachedSource> heaps(1);
    constexpr std::size_t kFirst = 300 * kPageSize;
    void* const block = heaps[0].reallocate(heaps[0].allocate(kLargestBlock), kFirst);
    const std::size_t first = heaps[0].usable_size(block);
    std::size_t populated = heaps.source.pages.populated;
    ASSERT_EQ(heaps[0].reallocate(block, first + 1), block);
    const std::size_t usable = heaps[0].usable_size(block);
    EXPECT_GE(usable, 2 * first);
    // Small steps: no call to the system but for frames, an eighth each time.
    std::size_t bytes = first + 1;
    for (; bytes <= usable; bytes += kPageSize) {
        ASSERT_EQ(heaps[0].reallocate(block, bytes), block);
        const std::size_t got = heaps.source.pages.populated - populated;
        EXPECT_GE(got * kPageSize, bytes - first);
        EXPECT_LE(got * kPageSize, bytes - first + bytes / 8 + kPageSize);
        heaps.check();
    }
    EXPECT_EQ(heaps[0].usable_size(block), usable);
    // It shrinks when half of what it has used would be wasted, not of its addresses.
    ASSERT_EQ(heaps[0].reallocate(block, bytes), block);
    ASSERT_GT(heaps[0].usable_size(block), usable);
    ASSERT_EQ(heaps[0].reallocate(block, usable * 3 / 4), block);
    EXPECT_GT(heaps[0].usable_size(block), usable);
    ASSERT_EQ(heaps[0].reallocate(block, usable / 3), block);
    EXPECT_LT(heaps[0].usable_size(block), usable / 2);
    heaps.check();
    heaps[0].free(block);
    heaps.finish();
}

/// A source that can do no more than it must says so.
TEST(LocalHeap, MostSourcesCanDoLittle) {
    TestSpans spans;
    void* const first = spans.acquire_growing(PageCount{2}, PageCount{1});
    ASSERT_NE(first, nullptr);
    EXPECT_FALSE(spans.is_zero(first, PageCount{2}));
    EXPECT_FALSE(spans.lacks_frames(first, PageCount{2}));
    EXPECT_TRUE(spans.have_frames(first, PageCount{2}));
    spans.get_frames(first, PageCount{2});
    EXPECT_EQ(spans.rounded(PageCount{2}).value, 2U);
    EXPECT_EQ(spans.resize(first, PageCount{2}, PageCount{1}, PageCount{1}).value, 0U);
    EXPECT_FALSE(spans.can_transfer(PageCount{1}, PageCount{2}));
    EXPECT_FALSE(spans.transfer(first, PageCount{1}, first));
    EXPECT_FALSE(spans.trim());
    spans.release_empty(first, PageCount{2});
}

}  // namespace
}  // namespace quire
