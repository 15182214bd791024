// The span cache over an operating system that knows of each page whether it is mapped, usable or a guard, and that forgets
// contents where it may; against a model of every span. How much is kept, and what for, is the cache's own affair: what is
// tested is that spans do not overlap, keep their bytes, are zero where that is promised, and that all comes back.
#include "quire/heap/span_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "tests/unit/support/soak.hpp"
#include "tests/unit/support/test_pages.hpp"

namespace quire {
namespace {

using test::TestOwnPages;
using test::TestPages;

constexpr std::size_t kMostSmall = SpanCache::kMostUnits * kUnitPages.value;  // pages

struct Span {
    std::size_t pages;
    std::uint8_t fill;
};

class Model {
public:
    explicit Model(std::uint64_t seed) : random_(seed) {}

    void step() {
        switch (random_() % 16) {
            case 0: pages.time += random_() % 700; break;
            case 1: resize(); break;
            case 2: transfer(); break;
            case 3:
                if (random_() % 16 == 0) trim();
                break;
            default:
                if (random_() % 400 == 0) grows_ = !grows_;
                if (spans_.empty() || (random_() % 8 < (grows_ ? 5U : 3U) && spans_.size() < 200))
                    acquire(draw_pages());
                else
                    release(draw());
        }
        check_counts();
    }
    void check_counts() {
        const SpanCacheStatistics now = cache.statistics();
        std::size_t used = 0;
        for (const auto& [first, span] : spans_) used += counted(span.pages) * kPageSize;
        EXPECT_EQ(now.used_bytes, used);
        EXPECT_LE(now.kept_bytes, now.budget_bytes);
        EXPECT_LE(now.used_bytes + now.kept_bytes, now.mapped_bytes);
    }
    void check() {
        cache.check_invariants();
        for (const auto& [first, span] : spans_) check_contents(first, span, span.pages);
    }
    void trim() {
        const SpanCacheStatistics before = cache.statistics();
        const bool any = cache.trim();
        const SpanCacheStatistics after = cache.statistics();
        // Addresses without frames go back too.
        EXPECT_TRUE(any || before.kept_bytes == 0);
        EXPECT_TRUE(!any || before.kept_bytes != 0 || after.mapped_bytes < before.mapped_bytes);
        EXPECT_EQ(after.kept_bytes, 0U);
        std::size_t used = 0;
        for (const auto& [first, span] : spans_) used += span.pages;
        EXPECT_LE(pages.written(), used) << "what is free still has frames";
    }
    void finish() {
        check();
        while (!spans_.empty()) release(draw());
        check();
        (void)cache.trim();
        EXPECT_EQ(cache.statistics().used_bytes, 0U);
        EXPECT_EQ(cache.statistics().kept_bytes, 0U);
        EXPECT_EQ(pages.written(), 0U);
        EXPECT_LE(cache.statistics().mapped_bytes, SpanCache::kChunkBytes) << "at most one chunk's addresses stay";
        EXPECT_EQ(pages.mapped(), cache.statistics().mapped_bytes / kPageSize);
        cache.check_invariants();
    }

    bool acquire(std::size_t count) {
        const std::size_t alignment =
            random_() % 8 == 0 ? std::size_t{1} << random_() % std::bit_width(TestPages::kLargestAlignment) : 1;
        const auto kind = random_() % 5;
        // A span of chunks is aligned within its chunk only.
        const PageCount align{count > kMostSmall ? alignment : std::min(alignment, kMostSmall)};
        void* first = nullptr;
        if (kind < 2) {
            const SpanSource::Roomy roomy = cache.acquire_roomy(PageCount{count}, align);
            first = roomy.first;
            EXPECT_GE(roomy.count.value, count);
            EXPECT_LE(roomy.count.value, count + (count + kUnitPages.value) / 2 + kUnitPages.value);
            count = roomy.count.value;
        } else {
            first = kind == 2   ? cache.acquire_zeroed(PageCount{count}, align)
                    : kind == 3 ? cache.acquire_growing(PageCount{count}, align)
                                : cache.acquire(PageCount{count}, align);
        }
        auto* const at = static_cast<std::uint8_t*>(first);
        const bool is_zero = at != nullptr && (kind == 2 || cache.is_zero(at, PageCount{count}));
        const bool lacks_frames = at != nullptr && cache.lacks_frames(at, PageCount{count});
        const bool given_up = at != nullptr && random_() % 16 == 0;
        if (given_up) cache.release(at, PageCount{count});
        settle();
        if (given_up) return true;
        if (at == nullptr) return false;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(at) / kPageSize % align.value, 0U);
        if (is_zero) check_contents(at, {count, 0}, count);
        if (lacks_frames) cache.get_frames(at, PageCount{count});
        enter(at, count);
        return true;
    }

    /// Does the chores. Others may use the cache before they are done.
    void settle() {
        const PageChores chores = cache.take_chores();
        if (!nested_ && random_() % 4 == 0) {
            nested_ = true;
            if (spans_.empty() || random_() % 2 == 0)
                acquire(draw_pages());
            else
                release(draw());
            nested_ = false;
        }
        cache.do_chores(chores);
    }

    TestPages pages;
    TestOwnPages own{pages};
    SpanCache::Map::Root root{};
    SpanCache cache{pages, own, root};

private:
    using Place = std::map<std::uint8_t*, Span>::iterator;

    /// What a span counts for: of a chunk, whole units.
    [[nodiscard]] static std::size_t counted(std::size_t count) {
        return count > kMostSmall ? count : (count + kUnitPages.value - 1) / kUnitPages.value * kUnitPages.value;
    }
    std::size_t draw_pages() {
        const auto kind = random_() % 8;
        if (kind < 5) return 1 + random_() % kMostSmall;
        return kMostSmall + 1 + random_() % (kind < 7 ? 40 : 600);
    }
    Place draw() { return std::next(spans_.begin(), static_cast<long>(random_() % spans_.size())); }

    void check_contents(const std::uint8_t* at, const Span& span, std::size_t count) {
        EXPECT_TRUE(pages.usable(at, PageCount{count}));
        if (span.pages > kMostSmall) {
            const std::size_t units = span.pages / kUnitPages.value + 1;
            EXPECT_FALSE(pages.usable(at + units * kUnitBytes - kPageSize, PageCount{1}))
                << "a large span has no guard";
            // That may be another's, whose chores are not done yet.
            if (!nested_)
                EXPECT_FALSE(pages.usable(at - kPageSize, PageCount{1})) << "there is no guard before a large span";
        }
        // Every page at both ends, and a line in it.
        for (std::size_t page = 0; page < count; ++page) {
            for (const std::size_t offset : {std::size_t{0}, (page * 64) % kPageSize, kPageSize - 1})
                ASSERT_EQ(at[page * kPageSize + offset], span.fill) << "page " << page << " of " << count;
        }
    }
    void enter(std::uint8_t* at, std::size_t count) {
        const auto next = spans_.lower_bound(at);
        ASSERT_TRUE(next == spans_.end() || at + count * kPageSize <= next->first);
        ASSERT_TRUE(next == spans_.begin() || std::prev(next)->first + std::prev(next)->second.pages * kPageSize <= at);
        const auto fill = static_cast<std::uint8_t>(1 + random_() % 255);
        std::memset(at, fill, count * kPageSize);
        spans_[at] = {count, fill};
    }
    void release(Place chosen) {
        const auto [at, span] = *chosen;
        check_contents(at, span, span.pages);
        spans_.erase(chosen);
        cache.release(at, PageCount{span.pages});
        settle();
    }
    void resize() {
        if (spans_.empty()) return;
        const Place chosen = draw();
        const auto [at, span] = *chosen;
        const std::size_t count = random_() % 2 == 0 ? draw_pages() : 1 + span.pages / 2 + random_() % span.pages;
        const PageCount roomy = cache.rounded(PageCount{span.pages});
        EXPECT_GE(roomy.value, span.pages);
        spans_.erase(chosen);
        const bool resized = cache.resize(at, PageCount{span.pages}, PageCount{count});
        settle();
        if (resized) {
            const std::size_t common = std::min(span.pages, count);
            for (std::size_t page = 0; page < common; ++page) ASSERT_EQ(at[page * kPageSize], span.fill);
            enter(at, count);
        } else {
            check_contents(at, span, span.pages);
            spans_[at] = span;
        }
    }
    void transfer() {
        if (spans_.empty()) return;
        const Place chosen = draw();
        const auto [from, span] = *chosen;
        const std::size_t count = span.pages + random_() % 20;
        EXPECT_EQ(cache.can_transfer(PageCount{span.pages}, PageCount{count}), span.pages > kMostSmall);
        if (span.pages <= kMostSmall) return;
        auto* const to = static_cast<std::uint8_t*>(cache.acquire_growing(PageCount{count}, PageCount{1}));
        const bool is_zero = to != nullptr && cache.is_zero(to, PageCount{count});
        spans_.erase(chosen);
        settle();
        if (is_zero && cache.transfer(from, PageCount{span.pages}, to)) {
            cache.release_empty(from, PageCount{span.pages});
            settle();
            for (std::size_t page = 0; page < span.pages; ++page) ASSERT_EQ(to[page * kPageSize], span.fill);
            enter(to, count);
        } else {
            check_contents(from, span, span.pages);
            spans_[from] = span;
            if (to == nullptr) return;
            cache.release(to, PageCount{count});
            settle();
        }
    }

    std::mt19937_64 random_;
    std::map<std::uint8_t*, Span> spans_;
    bool grows_ = true;
    bool nested_ = false;
};

TEST(SpanCache, AgreesWithAModelOfEverySpan) {
    test::Soak soak("SpanCache.AgreesWithAModelOfEverySpan", 2);
    while (soak.next()) {
        Model model(soak.seed());
        for (int step = 0; step < 2000 && !testing::Test::HasFailure(); ++step) {
            model.step();
            if (step % 200 == 0) model.check();
        }
        model.finish();
    }
}

TEST(SpanCache, SurvivesEveryFailureOfItsSource) {
    for (std::size_t position = 1; !testing::Test::HasFailure(); ++position) {
        Model model(7);
        model.pages.fail_at = position;
        for (int step = 0; step < 100; ++step) model.step();
        const bool failed = model.pages.calls >= position;
        model.check();
        EXPECT_TRUE(model.acquire(1) && model.acquire(kMostSmall + 1)) << "a retry succeeds";
        model.finish();
        if (!failed) break;
    }
}

TEST(SpanCache, WhatNobodyCanHave) {
    Model model(1);
    constexpr std::size_t kMost = ~std::size_t{0} / kPageSize;
    constexpr PageCount kUsed{8192};  // while so much is used, as much may be kept
    void* const used = model.cache.acquire(kUsed, PageCount{1});
    void* const kept = model.cache.acquire(PageCount{4 * kMostSmall}, PageCount{1});
    std::memset(kept, 1, 4 * kMostSmall * kPageSize);
    model.cache.release(kept, PageCount{4 * kMostSmall});
    for (const std::size_t count : {kMost, kMost / 2, kMost / 4, std::size_t{1} << 40U}) {
        EXPECT_EQ(model.cache.acquire_roomy(PageCount{count}, PageCount{1}).first, nullptr)
            << "nor is too little taken";
        EXPECT_EQ(model.cache.acquire(PageCount{count}, PageCount{1}), nullptr);
        EXPECT_EQ(model.cache.acquire_growing(PageCount{count}, PageCount{1}), nullptr);
    }
    void* const large = model.cache.acquire(PageCount{kMostSmall + 1}, PageCount{1});
    EXPECT_FALSE(model.cache.resize(large, PageCount{kMostSmall + 1}, PageCount{kMost}));
    EXPECT_FALSE(model.cache.resize(large, PageCount{kMostSmall + 1}, PageCount{1})) << "it would lie in no chunk";
    model.cache.release(large, PageCount{kMostSmall + 1});
    model.cache.release(used, kUsed);
    model.finish();
}

TEST(SpanCache, WhatIsKeptIsGivenBackBeforeAnythingIsRefused) {
    Model model(1);
    constexpr PageCount kCount{kMostSmall + 1};
    void* const kept = model.cache.acquire(kCount, PageCount{1});
    std::memset(kept, 1, kCount.bytes());
    model.cache.release(kept, kCount);
    ASSERT_NE(model.cache.statistics().kept_bytes, 0U);
    // With room behind it, and without.
    model.pages.fail_at = model.pages.calls + 1;
    model.pages.failures = 2;
    constexpr PageCount kMore{4 * kMostSmall};
    void* const larger = model.cache.acquire_growing(kMore, PageCount{1});
    EXPECT_NE(larger, nullptr);
    EXPECT_EQ(model.cache.statistics().kept_bytes, 0U);
    model.cache.release(larger, kMore);
    model.finish();
}

TEST(SpanCache, WhoeverNeedsAddressesDoesNotWaitForEver) {
    Model model(1);
    constexpr PageCount kCount{kMostSmall + 1};
    void* const first = model.cache.acquire_growing(kCount, PageCount{1});
    // Somebody has taken them and been stopped.
    const PageChores another = model.cache.take_chores();
    EXPECT_FALSE(another.empty());
    EXPECT_TRUE(model.cache.trim()) << "there was something to wait for";
    model.cache.do_chores(another);
    model.cache.release(first, kCount);
    model.finish();
}

TEST(SpanCache, ManyExtentsBecomeOne) {
    Model model(1);
    constexpr PageCount kPart{kMostSmall + 1};
    constexpr std::size_t kParts = 300;  // more than there is room for seams
    const PageCount whole{kParts * (model.cache.rounded(kPart).value + 1) - 1};
    constexpr PageCount kUsed{8192};  // while so much is used, as much may be kept
    void* const used = model.cache.acquire(kUsed, PageCount{1});
    model.cache.release(model.cache.acquire(whole, PageCount{1}), whole);
    std::vector<void*> parts;
    for (std::size_t i = 0; i < kParts; ++i) parts.push_back(model.cache.acquire(kPart, PageCount{1}));
    void* const first = *std::ranges::min_element(parts);
    for (void* part : parts) model.cache.release(part, kPart);
    model.cache.check_invariants();
    EXPECT_EQ(model.cache.acquire(whole, PageCount{1}), first);
    model.cache.do_chores(model.cache.take_chores());
    std::memset(first, 1, whole.bytes());
    model.cache.release(first, whole);
    model.cache.release(used, kUsed);
    model.finish();
}

TEST(SpanCache, ASpanMayEndWhereAGuardIs) {
    Model model(1);
    SpanCache& cache = model.cache;
    const PageCount long_one = cache.up_to_guard(PageCount{20 * kUnitPages.value});
    const PageCount somewhat_shorter{18 * kUnitPages.value + 1};
    const PageCount much_shorter{11 * kUnitPages.value};
    std::vector<void*> spans;
    for (int i = 0; i < 3; ++i) spans.push_back(cache.acquire(long_one, PageCount{1}));
    void* const used = cache.acquire(PageCount{8192}, PageCount{1});  // while so much is used, as much may be kept
    for (void* span : spans) {
        std::memset(span, 1, long_one.bytes());
        cache.release(span, long_one);
    }
    cache.do_chores(cache.take_chores());

    const auto [first, count] = cache.acquire_roomy(somewhat_shorter, PageCount{1});
    EXPECT_NE(std::ranges::find(spans, first), spans.end());
    EXPECT_EQ(count, long_one);
    EXPECT_TRUE(cache.take_chores().empty()) << "its guard was there";
    const auto [other, exact] = cache.acquire_roomy(much_shorter, PageCount{1});
    EXPECT_EQ(exact, much_shorter) << "that would be too much";
    cache.do_chores(cache.take_chores());
    const PageCount two{2 * (long_one.value + 1) - 1 - 12 * kUnitPages.value};
    const auto [joined, both] = cache.acquire_roomy(two, PageCount{1});
    EXPECT_GE(both, two);
    cache.do_chores(cache.take_chores());
    std::memset(joined, 1, both.bytes());
    cache.release(joined, both);
    cache.release(other, exact);
    cache.release(first, count);
    cache.release(used, PageCount{8192});
    model.finish();
}

TEST(SpanCache, ManySpansAreCutOutOfOneExtent) {
    Model model(1);
    SpanCache& cache = model.cache;
    constexpr std::size_t kPairs = 100;  // more than there is room for extents
    const PageCount wanted = cache.up_to_guard(PageCount{20 * kUnitPages.value});
    const PageCount between = cache.up_to_guard(PageCount{40 * kUnitPages.value});
    const PageCount whole{kPairs * (wanted.value + between.value + 2) - 1};
    void* const used = cache.acquire(PageCount{whole.value * 2}, PageCount{1});  // so much may be kept
    void* const place = cache.acquire(whole, PageCount{1});
    cache.do_chores(cache.take_chores());
    std::memset(place, 1, whole.bytes());
    cache.release(place, whole);
    std::vector<std::pair<void*, PageCount>> spans;
    for (std::size_t i = 0; i < 2 * kPairs; ++i) {
        const PageCount count = i % 2 == 0 ? wanted : between;
        spans.emplace_back(cache.acquire(count, PageCount{1}), count);
        cache.do_chores(cache.take_chores());
    }
    for (const auto& [first, count] : spans) cache.release(first, count);
    spans.clear();
    for (std::size_t i = 0; i < kPairs; ++i) {
        const auto [first, count] = cache.acquire_roomy(wanted, PageCount{1});
        cache.do_chores(cache.take_chores());
        cache.check_invariants();
        spans.emplace_back(first, count);
    }
    for (const auto& [first, count] : spans) cache.release(first, count);
    cache.release(used, PageCount{whole.value * 2});
    model.finish();
}

TEST(SpanCache, WhatIsWantedAgainSoonIsKept) {
    Model model(1);
    const std::size_t at_first = model.cache.statistics().budget_bytes;
    constexpr PageCount kCount{8};
    const auto use = [&](std::uint64_t pause) {
        std::vector<void*> spans;
        for (int i = 0; i < 200; ++i) {
            spans.push_back(model.cache.acquire(kCount, PageCount{1}));
            std::memset(spans.back(), 1, kCount.value * kPageSize);
        }
        for (void* span : spans) model.cache.release(span, kCount);
        model.pages.time += pause;
    };
    use(10);
    (void)model.cache.trim();
    use(10);
    EXPECT_GT(model.cache.statistics().budget_bytes, at_first) << "giving back was a mistake";
    for (int i = 0; i < 100; ++i) {
        model.pages.time += 1500;
        model.cache.release(model.cache.acquire(PageCount{1}, PageCount{1}), PageCount{1});
    }
    EXPECT_EQ(model.cache.statistics().budget_bytes, at_first) << "nobody wanted it";
    model.finish();
}

TEST(SpanCache, GrowthIsNoMistake) {
    constexpr PageCount kCount{kMostSmall + 100};
    const auto budget_after = [](PageCount given_back, PageCount wanted) {
        Model model(1);
        if (given_back.value != 0) {
            void* const first = model.cache.acquire(given_back, PageCount{1});
            model.cache.do_chores(model.cache.take_chores());
            std::memset(first, 1, given_back.bytes());
            model.cache.release(first, given_back);
            (void)model.cache.trim();
        }
        void* const second = model.cache.acquire(wanted, PageCount{1});
        model.cache.do_chores(model.cache.take_chores());
        const std::size_t budget = model.cache.statistics().budget_bytes;
        model.cache.release(second, wanted);
        model.finish();
        return budget;
    };
    EXPECT_EQ(budget_after(kCount, kCount), budget_after({}, kCount) + kCount.bytes()) << "that was to be kept";
    const PageCount more{2 * kCount.value};
    EXPECT_EQ(budget_after(kCount, more), budget_after({}, more)) << "that would not have been enough";
}

TEST(SpanCache, WhatNobodyNeedsForASecondGoesBack) {
    Model model(1);
    constexpr PageCount kCount{8};
    constexpr std::size_t kSpans = 1000;
    std::vector<void*> spans;
    for (std::size_t i = 0; i < 2 * kSpans; ++i) {
        spans.push_back(model.cache.acquire(kCount, PageCount{1}));
        std::memset(spans.back(), 1, kCount.value * kPageSize);
    }
    for (; spans.size() > kSpans; spans.pop_back()) model.cache.release(spans.back(), kCount);
    const std::size_t kept = model.cache.statistics().kept_bytes;
    EXPECT_GT(kept, kSpans * kCount.value * kPageSize / 2) << "as much as is used may be kept";
    const auto come_and_go = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) spans.push_back(model.cache.acquire(kCount, PageCount{1}));
        for (std::size_t i = 0; i < count; ++i, spans.pop_back()) model.cache.release(spans.back(), kCount);
    };
    for (int i = 0; i < 3; ++i, model.pages.time += 1500) come_and_go(kSpans / 4);
    const std::size_t then = model.cache.statistics().kept_bytes;
    EXPECT_GE(then, kSpans / 5 * kCount.value * kPageSize) << "this is needed each time";
    EXPECT_LT(then, kept - kept / 4) << "and the rest is not";
    for (void* span : spans) model.cache.release(span, kCount);
    model.finish();
}

}  // namespace
}  // namespace quire
