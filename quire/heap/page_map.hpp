#pragma once
/// From an address to the slab it lies in: two levels over the heap's page numbers, the second made when first needed.
/// This is
/// how the heap tells its own blocks from everything else (gotcha 57).
///
///      page - first ─┬─ high part ──▶ root[…] ──▶ leaf (one page of pointers)
///                    └─ low part  ───────────────▶ leaf[…] ──▶ Slab, or nullptr

#include <array>
#include <cstddef>

#include "quire/base/address.hpp"
#include "quire/heap/slab.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

/// Not locked: the heap locks.
class PageMap {
public:
    static constexpr std::size_t kLeafEntries = kPageSize / sizeof(Slab*);
    static constexpr std::size_t kMaxLeaves = 512;  ///< 2 GiB of addresses on a 32-bit machine

    /// For pages of `range`, at most kMaxLeaves * kLeafEntries of them. Leaves come from `source`.
    PageMap(SpanSource& source, PageRange range) : source_(source), range_(range) {}

    [[nodiscard]] Slab* find(Page page) const {
        if (!range_.contains(page)) return nullptr;
        const std::size_t index = (page - range_.first).value;
        Slab* const* const leaf = leaves_[index / kLeafEntries];
        return leaf == nullptr ? nullptr : leaf[index % kLeafEntries];
    }

    /// Makes the leaves for a range of pages. False if there is no memory or the range is not the heap's.
    [[nodiscard]] bool prepare(PageRange pages);
    /// After prepare(): all pages of the range belong to `slab` (nullptr: to nobody).
    void set(PageRange pages, Slab* slab);

    [[nodiscard]] PageRange range() const { return range_; }
    /// Pages that the leaves take.
    [[nodiscard]] PageCount own_pages() const { return own_pages_; }

private:
    SpanSource& source_;
    PageRange range_;
    PageCount own_pages_{};
    std::array<Slab**, kMaxLeaves> leaves_{};
};

}  // namespace quire
