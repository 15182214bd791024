#pragma once
/// The seed's list, whole: a window of pages tiled by regions and gaps, kept in address order, split on allocation and
/// coalesced at once on free. One verb changes it: assign() says what a range of pages is from now on.
///
///      before   ├──── A ────┤──── gap ────┤──── A ────┤
///      assign        [        gap        )
///      after    ├ A ┤────────── gap ───────────┤─ A ──┤        split at both ends, what lay between is gone, neighbours
///                                                              with the same traits are one node
///
/// Not locked: belongs to one space, whose owner serialises. O(log n) for each node touched.

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/space/memory_object.hpp"
#include "quire/space/node_pool.hpp"
#include "quire/space/range_tree.hpp"

namespace quire {

/// Whether equal neighbours become one range. The kernel's spans stay apart so that each can be released by its
/// address.
enum class Merge : bool { no, yes };

class RangeList {
public:
    /// How many nodes one assign() can need: two splits.
    static constexpr std::size_t kNodesPerAssign = 2;

    RangeList(Paging& paging, PageRange node_window, PageRange pages)
        : pool_(paging, node_window), tree_(pool_), pages_(pages) {}
    RangeList(const RangeList&) = delete;
    RangeList& operator=(const RangeList&) = delete;

    /// Commits the first page of the node window and begins with one gap. no_frames.
    [[nodiscard]] Result<void> open();
    /// Gives all node pages back. Every range is a gap by then.
    void close();
    [[nodiscard]] bool is_open() const { return !tree_.empty(); }

    /// Becomes the same list as `other`, which is of the active space and whose window's pages have been copied to this one's.
    /// Takes a reference to each object for each node that shows it. O(n).
    void take_over(const RangeList& other);

    [[nodiscard]] PageRange pages() const { return pages_; }

    /// The node that `page` belongs to. `page` lies within pages(). Valid until the next change of the list.
    [[nodiscard]] const RangeNode& at(Page page) const;

    /// The lowest place at or after `from` where `count` pages are free. no_addresses.
    [[nodiscard]] Result<Page> first_fit(PageCount count, Page from) const;

    /// Makes assign() possible without failure, `times` times. no_frames, list_full.
    [[nodiscard]] Result<void> reserve(std::size_t times = 1) { return pool_.reserve(times * kNodesPerAssign); }

    /// From now on `range` (not empty, within pages()) is what `traits` says and shows its object from `object_page`
    /// on.
    /// Takes a reference to the object for each node that shows it, and gives back those of the nodes it replaces.
    void assign(PageRange range, const RangeTraits& traits, std::uintptr_t object_page, Merge merge = Merge::yes);

    /// Notes that the first `guard` pages of the object-less region that begins at `first` are its guard.
    void set_guard(Page first, PageCount guard);

    /// Calls `visit(const RangeNode&)` for each node that overlaps `range`, in address order, until it returns false.
    template <typename Visitor>
    void visit(PageRange range, Visitor&& visitor) const {
        for (Page page = range.first; page < range.end;) {
            const RangeNode& node = at(page);
            const Page next = node.pages().end;
            if (!visitor(node)) return;
            page = next;
        }
    }

    [[nodiscard]] const NodePool& nodes() const { return pool_; }

    /// The tree is sound, the nodes tile pages(), no two gaps touch, node counts agree (I10 to I12). O(n log n).
    void check_invariants() const;

private:
    // The two ways in which almost every list changes, each with a fraction of the work of the general one: false if the case is
    // another.
    [[nodiscard]] bool take_front_of_gap(PageRange range, const RangeTraits& traits, std::uintptr_t object_page,
                                         Merge merge);
    [[nodiscard]] bool give_to_gap_behind(PageRange range, const RangeTraits& traits);

    /// Makes `page` the first page of a node by splitting the one it lies in.
    void split_at(Page page);
    /// Unites the node that begins at `page` with the one before it if they are one range.
    void join_before(Page page);
    [[nodiscard]] static bool one_range(const RangeNode& left, const RangeNode& right);
    void forget(NodeNumber number);

    NodePool pool_;
    RangeTree tree_;
    PageRange pages_;
};

}  // namespace quire
