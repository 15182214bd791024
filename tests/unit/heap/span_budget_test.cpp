// How much of what is free is kept, and what is learned about that.
#include "quire/heap/span_cache.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "tests/unit/support/span_model.hpp"

namespace quire {
namespace {

using test::kMostSmall;
using test::SpanModel;

TEST(SpanBudget, WhatIsWantedAgainSoonIsKept) {
    SpanModel model(1);
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
    EXPECT_LE(model.cache.statistics().budget_bytes, at_first + 2 * kUnitBytes) << "nobody wanted more than one unit";
    model.finish();
}

TEST(SpanBudget, GrowthIsNoMistake) {
    constexpr PageCount kCount{kMostSmall + 100};
    const auto budget_after = [](PageCount given_back, PageCount wanted) {
        SpanModel model(1);
        if (given_back.value != 0) {
            void* const first = model.cache.acquire(given_back, PageCount{1});
            model.cache.do_chores(model.cache.take_chores());
            std::memset(first, 1, given_back.bytes());
            model.cache.release(first, given_back);
            (void)model.cache.trim();
        }
        void* const second = model.cache.acquire(wanted, PageCount{1});
        model.cache.do_chores(model.cache.take_chores());
        model.cache.release(second, wanted);
        const std::size_t budget = model.cache.statistics().budget_bytes;
        model.finish();
        return budget;
    };
    EXPECT_EQ(budget_after(kCount, kCount), budget_after({}, kCount) + kCount.bytes()) << "that was to be kept";
    const PageCount more{2 * kCount.value};
    EXPECT_EQ(budget_after(kCount, more), budget_after({}, more)) << "that would not have been enough";
}

TEST(SpanBudget, WhatNobodyNeedsForASecondGoesBack) {
    SpanModel model(1);
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

/// So many spans are used, and given back; all of that was a mistake, if there are to be some.
void come_and_go(SpanModel& model, PageCount count, std::size_t spans, int mistakes) {
    for (int i = 0; i <= mistakes; ++i) {
        std::vector<void*> used;
        for (std::size_t span = 0; span < spans; ++span) {
            used.push_back(model.cache.acquire(count, PageCount{1}));
            model.cache.do_chores(model.cache.take_chores());
            std::memset(used.back(), 1, count.bytes());
        }
        for (void* span : used) model.cache.release(span, count);
        model.cache.do_chores(model.cache.take_chores());
        if (i < mistakes) (void)model.cache.trim();
    }
}

TEST(SpanBudget, NoMoreIsKeptThanWasNeededLately) {
    SpanModel model(1);
    SpanCache& cache = model.cache;
    constexpr PageCount kCount{8 * kMostSmall};
    const std::size_t at_first = cache.statistics().budget_bytes;
    come_and_go(model, kCount, 8, 50);
    EXPECT_GT(cache.statistics().budget_bytes, at_first + 4 * kCount.bytes());
    EXPECT_LE(cache.statistics().budget_bytes, at_first + 13 * kCount.bytes());
    // The seconds in which so much was needed pass.
    for (int i = 0; i < 2; ++i) {
        model.pages.time += 1001;
        come_and_go(model, kCount, 1, 0);
    }
    EXPECT_LE(cache.statistics().budget_bytes, at_first + 2 * kCount.bytes());
    model.finish();
}

TEST(SpanBudget, WhatWasLearnedKeepsNoSurplus) {
    SpanModel model(1);
    SpanCache& cache = model.cache;
    constexpr PageCount kCount{8 * kMostSmall};
    constexpr std::size_t kUsed = 40;  // so much is not little
    come_and_go(model, kCount, kUsed, 50);
    std::vector<void*> spans;
    for (std::size_t i = 0; i < 2 * kUsed; ++i) {
        spans.push_back(cache.acquire(kCount, PageCount{1}));
        cache.do_chores(cache.take_chores());
    }
    for (; spans.size() > kUsed; spans.pop_back()) cache.release(spans.back(), kCount);
    const std::size_t kept = cache.statistics().kept_bytes;
    for (int i = 0; i < 3; ++i) {
        model.pages.time += 1001;
        come_and_go(model, PageCount{1}, 1, 0);
    }
    EXPECT_LT(cache.statistics().kept_bytes, kept - kept / 4);
    for (void* span : spans) cache.release(span, kCount);
    model.finish();
}

/// While so many spans are given back one by one, the budget is what it is said to be, and what it allows stays.
void shrink(PageCount count, bool large) {
    SpanModel model(1);
    SpanCache& cache = model.cache;
    const std::size_t most_spans = 4 * kHeapShape.kept_besides / count.bytes();
    std::vector<void*> spans;
    for (std::size_t i = 0; i < most_spans; ++i) {
        spans.push_back(cache.acquire(count, PageCount{1}));
        cache.do_chores(cache.take_chores());
    }
    for (; !spans.empty(); spans.pop_back()) {
        const SpanCacheStatistics now = cache.statistics();
        const bool much = now.used_bytes >= kHeapShape.much_used;
        const std::size_t besides = large ? std::min({2 * now.used_bytes, kHeapShape.kept_besides, now.kept_bytes}) : 0;
        const std::size_t most =
            much ? now.used_bytes + besides : std::max(kHeapShape.first_budget, now.used_bytes / 8);
        EXPECT_EQ(now.budget_bytes, most) << now.used_bytes << " bytes are used";
        EXPECT_LE(now.kept_bytes, most);
        const std::size_t freed = (most_spans - spans.size()) * count.bytes();
        if (freed <= most) EXPECT_EQ(now.kept_bytes, freed) << "nothing goes back so soon";
        cache.release(spans.back(), count);
    }
    model.finish();
}

TEST(SpanBudget, OfLargeSpansMoreIsKept) {
    shrink(PageCount{kMostSmall + 1}, true);
    shrink(PageCount{kMostSmall}, false);
}

TEST(SpanBudget, WhatIsKeptAndUsedAgainIsReasonToKeepMore) {
    for (const PageCount count : {PageCount{kMostSmall}, PageCount{8 * kMostSmall}}) {
        SpanModel model(1);
        SpanCache& cache = model.cache;
        const std::size_t stays = (std::size_t{16} << 20U) / count.bytes();
        std::vector<void*> spans;
        for (std::size_t i = 0; i < stays; ++i) {
            spans.push_back(cache.acquire(count, PageCount{1}));
            cache.do_chores(cache.take_chores());
        }
        // As much as is used may be kept in any case, so none of this is given back.
        for (int i = 0; i < 8; ++i) come_and_go(model, count, stays / 2, 0);
        const SpanCacheStatistics then = cache.statistics();
        EXPECT_GE(then.budget_bytes, then.used_bytes + stays / 2 * count.bytes());
        constexpr std::size_t kBesides = kHeapShape.kept_besides;
        EXPECT_LE(then.budget_bytes, then.used_bytes + kBesides + 3 * stays / 2 * count.bytes())
            << "no more than was used lately, and a half";
        for (int i = 0; i < 30; ++i) {
            model.pages.time += 1001;
            cache.release(spans.back(), count);
            spans.pop_back();
        }
        EXPECT_LE(cache.statistics().budget_bytes, then.used_bytes + kBesides + count.bytes())
            << "nobody has used it again";
        for (void* span : spans) cache.release(span, count);
        model.finish();
    }
}

}  // namespace
}  // namespace quire
