// How large spans are cut from extents, and become extents again.
#include "quire/heap/large_spans.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "tests/unit/support/span_model.hpp"

namespace quire {
namespace {

using test::kMostSmall;
using test::SpanModel;

class LargeSpans : public testing::Test {
protected:
    static constexpr PageCount kUsed{8192};

    void TearDown() override {
        cache.release(used, kUsed);
        model.finish();
    }
    void do_chores() { cache.do_chores(cache.take_chores()); }
    /// All of it is written to.
    void* use(PageCount count, bool grows = false) {
        void* const first = grows ? cache.acquire_growing(count, PageCount{1}) : cache.acquire(count, PageCount{1});
        do_chores();
        std::memset(first, 1, count.bytes());
        return first;
    }
    bool grow(void* first, PageCount count, PageCount to) {
        const bool grown = cache.resize(first, count, to, to) == to;
        do_chores();
        if (grown) std::memset(first, 1, to.bytes());
        return grown;
    }
    [[nodiscard]] std::size_t mapped() const { return cache.statistics().mapped_bytes / kPageSize; }

    SpanModel model{1};
    SpanCache& cache = model.cache;
    void* const used = cache.acquire(kUsed, PageCount{1});  ///< while so much is used, as much may be kept
};

TEST_F(LargeSpans, ManyExtentsBecomeOne) {
    constexpr PageCount kPart{kMostSmall + 1};
    constexpr std::size_t kParts = 300;  // more than there is room for seams
    const PageCount whole{kParts * (cache.rounded(kPart).value + 1) - 1};
    cache.release(cache.acquire(whole, PageCount{1}), whole);
    std::vector<void*> parts;
    for (std::size_t i = 0; i < kParts; ++i) parts.push_back(cache.acquire(kPart, PageCount{1}));
    void* const first = *std::ranges::min_element(parts);
    for (void* part : parts) cache.release(part, kPart);
    cache.check_invariants();
    EXPECT_EQ(cache.acquire(whole, PageCount{1}), first);
    do_chores();
    std::memset(first, 1, whole.bytes());
    cache.release(first, whole);
}

TEST_F(LargeSpans, ASpanMayEndWhereAGuardIs) {
    const PageCount long_one = cache.up_to_guard(PageCount{20 * kUnitPages.value});
    const PageCount somewhat_shorter{18 * kUnitPages.value + 1};
    const PageCount much_shorter{11 * kUnitPages.value};
    std::vector<void*> spans;
    for (int i = 0; i < 3; ++i) spans.push_back(cache.acquire(long_one, PageCount{1}));
    for (void* span : spans) {
        std::memset(span, 1, long_one.bytes());
        cache.release(span, long_one);
    }
    do_chores();

    const auto [first, count] = cache.acquire_roomy(somewhat_shorter, PageCount{1});
    EXPECT_NE(std::ranges::find(spans, first), spans.end());
    EXPECT_EQ(count, long_one);
    EXPECT_TRUE(cache.take_chores().empty()) << "its guard was there";
    const auto [other, exact] = cache.acquire_roomy(much_shorter, PageCount{1});
    EXPECT_EQ(exact, much_shorter) << "that would be too much";
    do_chores();
    const PageCount two{2 * (long_one.value + 1) - 1 - 12 * kUnitPages.value};
    const auto [joined, both] = cache.acquire_roomy(two, PageCount{1});
    EXPECT_GE(both, two);
    do_chores();
    std::memset(joined, 1, both.bytes());
    cache.release(joined, both);
    cache.release(other, exact);
    cache.release(first, count);
}

TEST_F(LargeSpans, ManySpansAreCutOutOfOneExtent) {
    constexpr std::size_t kPairs = 100;  // more than there is room for extents
    const PageCount wanted = cache.up_to_guard(PageCount{20 * kUnitPages.value});
    const PageCount between = cache.up_to_guard(PageCount{40 * kUnitPages.value});
    const PageCount whole{kPairs * (wanted.value + between.value + 2) - 1};
    const PageCount more{whole.value * 2};
    void* const also_used = cache.acquire(more, PageCount{1});  // so much may be kept
    void* const place = cache.acquire(whole, PageCount{1});
    do_chores();
    std::memset(place, 1, whole.bytes());
    cache.release(place, whole);
    std::vector<std::pair<void*, PageCount>> spans;
    for (std::size_t i = 0; i < 2 * kPairs; ++i) {
        const PageCount count = i % 2 == 0 ? wanted : between;
        spans.emplace_back(cache.acquire(count, PageCount{1}), count);
        do_chores();
    }
    for (const auto& [first, count] : spans) cache.release(first, count);
    spans.clear();
    for (std::size_t i = 0; i < kPairs; ++i) {
        const auto [first, count] = cache.acquire_roomy(wanted, PageCount{1});
        do_chores();
        cache.check_invariants();
        spans.emplace_back(first, count);
    }
    for (const auto& [first, count] : spans) cache.release(first, count);
    cache.release(also_used, more);
}

TEST_F(LargeSpans, WhatHadFramesIsUsedAgainAndTheRestReadsAsZeroes) {
    const PageCount count = cache.up_to_guard(PageCount{4 * kMostSmall});
    void* const first = cache.acquire(count, PageCount{1});
    do_chores();
    std::memset(first, 1, count.bytes());
    cache.release(first, count);

    const PageCount longer = cache.up_to_guard(PageCount{count.value + kMostSmall});
    void* const extended = cache.acquire(longer, PageCount{1});
    EXPECT_EQ(extended, first) << "and what lies behind it";
    EXPECT_FALSE(cache.is_zero(extended, longer));
    do_chores();
    std::memset(extended, 1, longer.bytes());
    const PageCount much_longer{longer.value * 8};
    void* const fresh = cache.acquire(much_longer, PageCount{1});
    EXPECT_TRUE(cache.is_zero(fresh, much_longer)) << "the rest of the mapping";
    cache.release(extended, longer);
    void* const another = cache.acquire(PageCount{longer.value * 4}, PageCount{1});
    EXPECT_NE(another, first) << "most of it would be without frames";
    EXPECT_TRUE(cache.is_zero(another, PageCount{longer.value * 4}));
    cache.release(another, PageCount{longer.value * 4});
    cache.release(fresh, much_longer);
}

TEST_F(LargeSpans, OnesThatGrowHaveRoomAndAsMuchAsOthersNeeded) {
    constexpr PageCount kCount{2 * kMostSmall};
    constexpr PageCount kGrown{16 * kMostSmall};
    void* first = use(kCount, true);
    void* second = use(kCount);
    EXPECT_TRUE(grow(first, kCount, kGrown)) << "the other begins far behind it";
    cache.release(first, kGrown);
    cache.release(second, kCount);
    cache.check_invariants();

    first = use(kCount, true);
    second = use(kCount, true);
    EXPECT_TRUE(grow(first, kCount, kGrown));
    EXPECT_TRUE(grow(second, kCount, kGrown));
    cache.release(first, kGrown);
    cache.release(second, kGrown);

    // Where those were is room for others that grow.
    const std::size_t before = mapped();
    first = use(kCount, true);
    second = use(kCount, true);
    EXPECT_EQ(mapped(), before);
    cache.release(first, kCount);
    cache.release(second, kCount);
}

TEST_F(LargeSpans, OnesThatGrowShareWhatHasFramesWhenItIsKnownHowMuchTheyNeed) {
    constexpr PageCount kCount{2 * kMostSmall};
    const PageCount grown = cache.rounded(PageCount{16 * kMostSmall});
    void* first = use(kCount, true);
    ASSERT_TRUE(grow(first, kCount, grown));
    cache.release(first, grown);
    // Room for two of them, with frames.
    const PageCount both = cache.rounded(PageCount{2 * grown.value});
    cache.release(use(both), both);
    const std::size_t mapped_before = mapped();
    std::array<void*, 2> spans;
    for (void*& span : spans) {
        span = use(kCount, true);
        EXPECT_FALSE(cache.is_zero(span, kCount)) << "where frames are";
    }
    for (void* span : spans) EXPECT_TRUE(grow(span, kCount, grown)) << "each up to where the other begins";
    EXPECT_EQ(mapped(), mapped_before);
    cache.check_invariants();
    for (void* span : spans) cache.release(span, grown);
}

TEST_F(LargeSpans, OneGrowsByAsMuchAsThereIsRoomFor) {
    constexpr PageCount kCount{2 * kMostSmall};
    void* const first = use(kCount, true);
    const PageCount least = cache.rounded(kCount + PageCount{1});
    const PageCount most = cache.rounded(PageCount{4 * kMostSmall});
    EXPECT_EQ(cache.resize(first, kCount, least, most), most);
    do_chores();
    EXPECT_FALSE(model.pages.usable(static_cast<std::byte*>(first) + most.bytes(), PageCount{1})) << "a guard";
    // Something stands in the way of more than a little.
    void* const other = cache.acquire(kCount, PageCount{1});
    do_chores();
    const std::size_t room =
        static_cast<std::size_t>(static_cast<std::byte*>(other) - static_cast<std::byte*>(first)) / kPageSize;
    ASSERT_GT(room, most.value);
    EXPECT_EQ(cache.resize(first, most, PageCount{room}, PageCount{2 * room}).value, 0U) << "there must be a guard";
    EXPECT_EQ(cache.resize(first, most, most + PageCount{1}, PageCount{2 * room}).value, room - 1);
    do_chores();
    EXPECT_FALSE(model.pages.usable(static_cast<std::byte*>(other) - kPageSize, PageCount{1}));
    cache.check_invariants();
    cache.release(other, kCount);
    cache.release(first, PageCount{room - 1});
}

TEST_F(LargeSpans, OthersLeaveTheRoomThatHasFrames) {
    constexpr PageCount kCount{2 * kMostSmall};
    constexpr PageCount kGrown{16 * kMostSmall};
    void* first = use(kCount, true);
    EXPECT_TRUE(grow(first, kCount, kGrown));
    cache.release(first, kGrown);
    first = use(kCount, true);  // where frames are, and more behind it
    const auto [other, count] = cache.acquire_roomy(kCount, PageCount{1});
    do_chores();
    EXPECT_TRUE(grow(first, kCount, PageCount{kGrown.value / 2}));
    cache.release(other, count);
    cache.release(first, PageCount{kGrown.value / 2});
}

TEST_F(LargeSpans, RoomThatIsCutOffIsNobodys) {
    PageChores chores;
    quire::LargeSpans spans(model.pages, chores);
    const auto take = [&](PageCount count, PageCount alignment, quire::LargeSpans::Room room) {
        const quire::LargeSpans::Taken taken = spans.take(count, alignment, room);
        chores.perform(model.pages);
        chores.forget();
        return taken.first;
    };
    constexpr PageCount kGrowing{9 * kUnitPages.value};
    constexpr PageCount kBehind{20 * kUnitPages.value};
    constexpr quire::LargeSpans::Room kRoom{.mapped = PageCount{200 * kUnitPages.value}};
    std::byte* const first = take(kGrowing, PageCount{64 * kUnitPages.value}, kRoom);
    std::byte* const behind = take(kBehind, kUnitPages, kRoom);
    spans.give(first, kGrowing);
    spans.give(behind, kBehind);
    // Room with frames, and more without.
    ASSERT_EQ(take(kGrowing, kUnitPages, {.likely = PageCount{100 * kUnitPages.value}}), first);
    // Another that must be aligned is cut out of its middle.
    constexpr PageCount kCut{3 * kUnitPages.value};
    std::byte* const cut = take(kCut, PageCount{4 * kUnitPages.value}, kRoom);
    EXPECT_EQ(static_cast<std::size_t>(cut - first), 24 * kUnitBytes);
    spans.check_invariants();
    spans.give(cut, kCut);
    spans.give(first, kGrowing);
    spans.check_invariants();
    spans.keep_nothing();
    chores.perform(model.pages);
}

TEST_F(LargeSpans, OneGrowsToTheEndOfItsMapping) {
    constexpr PageCount kCount{2 * kMostSmall};
    void* const first = use(kCount);
    cache.release(use(kCount), kCount);
    // Over what has frames, and all that lies behind that.
    const PageCount others = cache.rounded(kUsed) + PageCount{2};
    const PageCount whole{mapped() - others.value};
    EXPECT_FALSE(grow(first, kCount, whole + kUnitPages));
    ASSERT_TRUE(grow(first, kCount, whole));
    cache.check_invariants();
    EXPECT_FALSE(model.pages.usable(static_cast<std::byte*>(first) + whole.bytes(), PageCount{1}));
    cache.release(first, whole);
}

TEST_F(LargeSpans, OneThatIsGivenUpAtOnceHasItsGuardAtOnce) {
    do_chores();
    constexpr PageCount kCount{kMostSmall + 1};
    cache.release(cache.acquire(kCount, PageCount{1}), kCount);
    const PageChores late = cache.take_chores();
    constexpr PageCount kLonger{2 * kMostSmall};
    void* const another = cache.acquire(kLonger, PageCount{1});
    do_chores();
    cache.do_chores(late);
    EXPECT_TRUE(model.pages.usable(another, kLonger)) << "there is a guard in its middle";
    cache.release(another, kLonger);
}

TEST_F(LargeSpans, OfOneThatIsTooMuchTheBeginningStays) {
    constexpr PageCount kCount{2 * kUsed.value};
    void* const first = use(kCount);
    cache.release(first, kCount);
    const SpanCacheStatistics now = cache.statistics();
    EXPECT_LE(now.kept_bytes, kUsed.bytes()) << "more than is used";
    EXPECT_GT(now.kept_bytes, kUsed.bytes() / 2);
    do_chores();
    EXPECT_EQ(cache.acquire(PageCount{kMostSmall + 1}, PageCount{1}), first);
    do_chores();
    cache.release(first, PageCount{kMostSmall + 1});
    constexpr PageCount kZero{14'000};  // most of it without frames
    const auto* const rest = static_cast<const std::uint8_t*>(cache.acquire(kZero, PageCount{1}));
    ASSERT_TRUE(cache.is_zero(rest, kZero));
    do_chores();
    for (std::size_t page = 0; page < kZero.value; ++page) ASSERT_EQ(rest[page * kPageSize], 0);
    cache.release(const_cast<std::uint8_t*>(rest), kZero);
}

TEST_F(LargeSpans, FewerExtentsAreMadeOfThoseWithoutFrames) {
    constexpr std::size_t kSpans = 120;  // more than there is room for extents, with what lies between them
    constexpr std::size_t kFreed = 50;   // so that as much may be kept
    constexpr PageCount kCount{1025};
    constexpr PageCount kAlignment{512};  // leaves something before each
    std::vector<void*> spans;
    for (std::size_t i = 0; i < kSpans; ++i) {
        spans.push_back(cache.acquire(kCount, kAlignment));
        do_chores();
    }
    for (std::size_t i = 0; i < 2 * kFreed; i += 2) {
        *static_cast<char*>(spans[i]) = 1;
        cache.release(spans[i], kCount);
        do_chores();
        cache.check_invariants();
    }
    EXPECT_EQ(cache.statistics().kept_bytes / kPageSize / kCount.value, kFreed) << "no extent had to go";
    for (std::size_t i = 0; i < kSpans; ++i) {
        if (i % 2 != 0 || i >= 2 * kFreed) cache.release(spans[i], kCount);
    }
}

}  // namespace
}  // namespace quire
