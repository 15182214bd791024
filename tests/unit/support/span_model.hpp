#pragma once
// The span cache over an operating system that knows of each page whether it is mapped, usable or a guard, and that forgets
// contents where it may; against a model of every span. How much is kept, and what for, is the cache's own affair: what is
// tested is that spans do not overlap, keep their bytes, are zero where that is promised, and that all comes back.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>

#include "quire/heap/span_cache.hpp"
#include "tests/unit/support/test_pages.hpp"

namespace quire::test {

inline constexpr std::size_t kMostSmall = SpanCache::kMostUnits * kUnitPages.value;  // pages

struct Span {
    std::size_t pages;
    std::uint8_t fill;
};

class SpanModel {
public:
    explicit SpanModel(std::uint64_t seed) : random_(seed) {}

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
        EXPECT_LE(cache.statistics().kept_bytes, cache.statistics().budget_bytes);
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
        const std::size_t most = count <= span.pages ? count : count + random_() % count;
        const PageCount resized = cache.resize(at, PageCount{span.pages}, PageCount{count}, PageCount{most});
        settle();
        if (resized.value != 0) {
            EXPECT_GE(resized.value, count);
            EXPECT_LE(resized.value, most);
            const std::size_t common = std::min(span.pages, count);
            for (std::size_t page = 0; page < common; ++page) ASSERT_EQ(at[page * kPageSize], span.fill);
            enter(at, resized.value);
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

}  // namespace quire::test
