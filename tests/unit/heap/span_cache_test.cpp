// Spans for a program's heap, against the model; what nobody can have, and what fails.
#include "quire/heap/span_cache.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/support/soak.hpp"
#include "tests/unit/support/span_model.hpp"

namespace quire {
namespace {

using test::kMostSmall;
using test::SpanModel;

TEST(SpanCache, AgreesWithAModelOfEverySpan) {
    test::Soak soak("SpanCache.AgreesWithAModelOfEverySpan", 2);
    while (soak.next()) {
        SpanModel model(soak.seed());
        for (int step = 0; step < 2000 && !testing::Test::HasFailure(); ++step) {
            model.step();
            if (step % 200 == 0) model.check();
        }
        model.finish();
    }
}

TEST(SpanCache, SurvivesEveryFailureOfItsSource) {
    for (std::size_t position = 1; !testing::Test::HasFailure(); ++position) {
        SpanModel model(7);
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
    SpanModel model(1);
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
    constexpr PageCount kNone{};
    EXPECT_EQ(model.cache.resize(large, PageCount{kMostSmall + 1}, PageCount{kMost}, PageCount{kMost}), kNone);
    EXPECT_EQ(model.cache.resize(large, PageCount{kMostSmall + 1}, PageCount{1}, PageCount{1}), kNone)
        << "it would lie in no chunk";
    model.cache.release(large, PageCount{kMostSmall + 1});
    model.cache.release(used, kUsed);
    model.finish();
}

TEST(SpanCache, WhatIsKeptIsGivenBackBeforeAnythingIsRefused) {
    SpanModel model(1);
    constexpr PageCount kCount{kMostSmall + 1};
    void* const kept = model.cache.acquire(kCount, PageCount{1});
    std::memset(kept, 1, kCount.bytes());
    model.cache.release(kept, kCount);
    ASSERT_NE(model.cache.statistics().kept_bytes, 0U);
    // With room behind it, and without.
    model.pages.fail_at = model.pages.calls + 1;
    model.pages.failures = 2;
    constexpr PageCount kMore{20'000};  // more than the room that was mapped
    void* const larger = model.cache.acquire_growing(kMore, PageCount{1});
    EXPECT_NE(larger, nullptr);
    EXPECT_EQ(model.cache.statistics().kept_bytes, 0U);
    model.cache.release(larger, kMore);
    model.finish();
}

TEST(SpanCache, WhoeverNeedsAddressesDoesNotWaitForEver) {
    SpanModel model(1);
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

}  // namespace
}  // namespace quire
