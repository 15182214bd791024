#include "quire/space/range_list.hpp"

#include "quire/base/defect.hpp"

namespace quire {

Result<void> RangeList::open() {
    if (const auto reserved = pool_.reserve(1 + kNodesPerAssign); !reserved) {
        pool_.close();
        return reserved;
    }
    const NodeNumber number = pool_.take();
    RangeNode& node = pool_[number];
    node.first = pages_.first.number;
    node.count = pages_.count().value;
    tree_.insert(number);
    return {};
}

void RangeList::take_over(const RangeList& other) {
    pool_.take_over(other.pool_);
    tree_.take_over(other.tree_);
    other.visit(pages_, [](const RangeNode& node) {
        if (node.object != nullptr) node.object->retain();
        return true;
    });
}

void RangeList::close() {
    if (!is_open()) return;
    require(at(pages_.first).pages() == pages_ && at(pages_.first).is_gap(),
            "I11: a range list was closed with regions in it");
    tree_.clear();
    pool_.close();
}

const RangeNode& RangeList::at(Page page) const {
    return pool_[tree_.find(page)];
}

Result<Page> RangeList::first_fit(PageCount count, Page from) const {
    const NodeNumber gap = tree_.first_gap(count, from);
    if (gap == kNoNode) return fail(Error::no_addresses);
    const Page first{pool_[gap].first};
    return first < from ? from : first;
}

void RangeList::split_at(Page page) {
    const NodeNumber left_number = tree_.find(page);
    RangeNode& left = pool_[left_number];
    if (left.first == page.number) return;
    const NodeNumber right_number = pool_.take();
    RangeNode& right = pool_[right_number];
    const std::uintptr_t left_count = page.number - left.first;
    right.set_traits(left.traits());
    right.first = page.number;
    right.count = left.count - left_count;
    right.object_page = left.object == nullptr ? 0 : left.object_page + left_count;
    if (right.object != nullptr) right.object->retain();
    left.count = left_count;
    if (left.is_gap()) tree_.refresh(Page{left.first});
    tree_.insert(right_number);
}

bool RangeList::one_range(const RangeNode& left, const RangeNode& right) {
    return left.traits() == right.traits() &&
           (left.object == nullptr || left.object_page + left.count == right.object_page);
}

void RangeList::join_before(Page page) {
    if (page == pages_.first || page == pages_.end) return;
    const NodeNumber left_number = tree_.find(page - PageCount{1});
    const NodeNumber right_number = tree_.find(page);
    RangeNode& left = pool_[left_number];
    RangeNode& right = pool_[right_number];
    if (!one_range(left, right)) return;
    tree_.erase(page);
    left.count += right.count;
    if (left.is_gap()) tree_.refresh(Page{left.first});
    forget(right_number);
}

void RangeList::forget(NodeNumber number) {
    MemoryObject* const object = pool_[number].object;
    pool_.give_back(number);
    if (object != nullptr) object->release();  // last: it may do anything
}

/// The common allocation: first fit hands out the front of a gap. The gap moves its beginning and keeps its place in the tree.
///
///      before   ├─ region ─┤──────── gap ────────┤
///      after    ├─ region ─┼─ range ─┤─── gap ───┤      one node more, or none if the region before goes on
bool RangeList::take_front_of_gap(PageRange range, const RangeTraits& traits, std::uintptr_t object_page, Merge merge) {
    RangeNode& gap = pool_[tree_.find(range.first)];
    if (traits.kind == RangeKind::gap || !gap.is_gap() || gap.pages().first != range.first) return false;
    if (!(range.end < gap.pages().end)) return false;
    gap.first += range.count().value;
    gap.count -= range.count().value;
    tree_.refresh(range.end);

    RangeNode added;
    added.first = range.first.number;
    added.count = range.count().value;
    added.set_traits(traits);
    added.object_page = traits.object == nullptr ? 0 : object_page;
    if (merge == Merge::yes && range.first != pages_.first) {
        RangeNode& before = pool_[tree_.find(range.first - PageCount{1})];
        if (one_range(before, added)) {
            before.count += added.count;
            return true;
        }
    }
    const NodeNumber number = pool_.take();
    pool_[number] = added;
    if (traits.object != nullptr) traits.object->retain();
    tree_.insert(number);
    return true;
}

/// The common release: a region, or its end, goes to the gap behind it.
///
///      before   ├──── region ────┤──── gap ────┤
///      after    ├ region ┤──────── gap ────────┤        one node less if nothing is left of the region
bool RangeList::give_to_gap_behind(PageRange range, const RangeTraits& traits) {
    if (traits.kind != RangeKind::gap || range.end == pages_.end) return false;
    const NodeNumber number = tree_.find(range.first);
    RangeNode& region = pool_[number];
    if (region.is_gap() || region.pages().end != range.end) return false;
    RangeNode& gap = pool_[tree_.find(range.end)];
    if (!gap.is_gap()) return false;
    const bool whole = region.pages().first == range.first;
    if (whole) {
        tree_.erase(range.first);
    } else {
        region.count -= range.count().value;
    }
    gap.first = range.first.number;
    gap.count += range.count().value;
    tree_.refresh(range.first);
    if (whole) {
        join_before(range.first);
        forget(number);
    }
    return true;
}

void RangeList::assign(PageRange range, const RangeTraits& traits, std::uintptr_t object_page, Merge merge) {
    require(!range.empty() && pages_.contains(range), "I11: a range outside its list was assigned");
    if (traits.kind == RangeKind::gap && at(range.first).is_gap() && at(range.first).pages().contains(range)) return;
    if (take_front_of_gap(range, traits, object_page, merge) || give_to_gap_behind(range, traits)) return;
    // In the middle of something else there is no neighbour to unite with.
    const RangeNode& around = at(range.first);
    const bool enclosed =
        around.pages().first < range.first && range.end < around.pages().end && around.traits() != traits;
    if (traits.object != nullptr) traits.object->retain();
    split_at(range.first);
    if (range.end != pages_.end) split_at(range.end);

    // The first of the tiles that make up the range becomes the whole of it; the others go.
    const NodeNumber number = tree_.find(range.first);
    for (Page next = pool_[number].pages().end; next < range.end;) {
        const NodeNumber covered = tree_.find(next);
        next = pool_[covered].pages().end;
        tree_.erase(pool_[covered].pages().first);
        forget(covered);
    }
    RangeNode& node = pool_[number];
    MemoryObject* const replaced = node.object;
    node.count = range.count().value;
    node.set_traits(traits);
    node.object_page = traits.object == nullptr ? 0 : object_page;
    tree_.refresh(range.first);
    if (replaced != nullptr) replaced->release();

    if (!enclosed && (merge == Merge::yes || node.is_gap())) {
        join_before(range.end);
        join_before(range.first);
    }
}

void RangeList::set_guard(Page first, PageCount guard) {
    pool_[tree_.find(first)].object_page = guard.value;
}

void RangeList::check_invariants() const {
    if (!is_open()) return;
    const std::size_t linked = tree_.check_invariants();
    require(linked == pool_.used(), "I12: range nodes are taken but not in the tree");
    std::size_t visited = 0;
    Page expected = pages_.first;
    bool after_gap = false;
    visit(pages_, [&](const RangeNode& node) {
        require(node.pages().first == expected, "I11: range nodes do not tile the space");
        require(!(after_gap && node.is_gap()), "I11: two gaps touch");
        after_gap = node.is_gap();
        expected = node.pages().end;
        ++visited;
        return true;
    });
    require(expected == pages_.end && visited == linked, "I11: range nodes do not tile the space");
    const std::size_t all = pool_.committed().value * NodePool::kNodesPerPage - 1;
    require(pool_.used() + pool_.free() == all, "I12: range nodes are lost");
}

}  // namespace quire
