#pragma once
/// Several local heaps over one central heap, and that over spans of either kind.

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "quire/heap/local_heap.hpp"
#include "quire/heap/span_cache.hpp"
#include "tests/unit/support/test_pages.hpp"
#include "tests/unit/support/test_spans.hpp"

namespace quire::test {

/// Spans that come and go with their slabs, as in a kernel.
struct PlainSource {
    TestSpans spans;
    SpanSource& own = spans;
    [[nodiscard]] PageRange range() const { return spans.range(); }
    void check_empty(const HeapStatistics& left) const { EXPECT_EQ(spans.pages, left.own_pages.value); }
};

/// Spans from a cache, as in a program; what the heap knows lies elsewhere.
struct CachedSource {
    TestPages pages;
    TestOwnPages own{pages};
    SpanCache::Map::Root root{};
    SpanCache spans{pages, own, root};
    [[nodiscard]] PageRange range() const { return pages.range(); }
    void check_empty(const HeapStatistics&) {
        EXPECT_EQ(spans.statistics().used_bytes, 0U);
        spans.check_invariants();
    }
};

template <typename Source>
struct HeapsOver {
    explicit HeapsOver(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) local.push_back(std::make_unique<LocalHeap>(central));
    }
    LocalHeap& operator[](std::size_t number) { return *local[number]; }

    void check() const {
        central.check_invariants();
        for (const auto& heap : local) heap->check_invariants();
    }
    /// Everybody ends: nothing may be left but what the heap needs for itself.
    void finish() {
        for (const auto& heap : local) heap->close();
        central.check_invariants();
        const HeapStatistics left = central.statistics();
        EXPECT_EQ(left.slab_pages.value, 0U);
        EXPECT_EQ(left.large_pages.value, 0U);
        source.check_empty(left);
        for (const auto& heap : local) heap->reopen();
    }
    [[nodiscard]] std::size_t taken() const {
        const HeapStatistics now = central.statistics();
        std::size_t blocks = now.large_blocks;
        for (std::size_t i = 0; i < kSizeClasses; ++i) {
            blocks += now.classes[i].taken;
            for (const auto& heap : local) blocks -= heap->ready_blocks(i);
        }
        return blocks;
    }
    [[nodiscard]] std::size_t slab_pages() const { return central.statistics().slab_pages.value; }

    Source source;
    CentralHeap::Map::Root root{};
    CentralHeap central{source.spans, source.own, source.range(), root};
    std::vector<std::unique_ptr<LocalHeap>> local;
};
using Heaps = HeapsOver<PlainSource>;

}  // namespace quire::test
