#include "quire/space/space.hpp"

#include "quire/base/defect.hpp"

namespace quire {

Space::Space(Paging& paging, Frame zero_frame, Page mapping_base)
    : paging_(paging),
      zero_frame_(zero_frame),
      mapping_base_(mapping_base),
      list_(paging, Machine::kListWindow, Machine::kUserPages) {}

void Space::close() {
    if (!list_.is_open()) return;
    remove_pages(Machine::kUserPages);
    list_.assign(Machine::kUserPages, RangeTraits{}, 0);
    remove_empty_tables(Machine::kUserPages);
    require(resident_.value == 0, "I13: pages are counted as resident in an empty space");
    list_.close();
}

SpaceStatistics Space::statistics() const {
    SpaceStatistics result;
    result.resident = resident_;
    result.faults = faults_;
    if (!list_.is_open()) return result;
    list_.visit(Machine::kUserPages, [&](const RangeNode& node) {
        const PageCount count = node.pages().count();
        if (!node.is_gap()) result.allocated += count;
        const bool anonymous = node.kind == RangeKind::mapped && node.object == nullptr;
        if ((node.kind == RangeKind::heap || anonymous) && node.granted().include(Rights::write)) result.heap += count;
        return true;
    });
    return result;
}

void Space::remove_pages(PageRange range) {
    FlushBatch batch(paging_.frames());
    resident_ -= paging_.clear(range, batch);
    batch.finish();
}

/// Frees the tables that `range`, now part of a gap, has left without any region.
void Space::remove_empty_tables(PageRange range) {
    constexpr std::uintptr_t kSpan = Machine::kPagesPerTable;
    PageRange empty = list_.at(range.first).pages();
    // The pages below the first user page belong to nobody, so they do not keep the first table.
    if (empty.first == Machine::kUserPages.first) empty.first = Page{0};
    // Tables of the gap that `range` does not reach are gone already.
    const Page first{range.first.number / kSpan * kSpan};
    const Page end{(range.end.number + kSpan - 1) / kSpan * kSpan};
    FlushBatch batch(paging_.frames());
    paging_.remove_tables({first < empty.first ? empty.first : first, end < empty.end ? end : empty.end}, batch);
    batch.finish();
}

/// What an entry for `frame` may let through: the region's rights, but no writing to a frame that others share, unless
/// the
/// region is there to share it.
Rights Space::entry_rights(const RangeNode& region, Frame frame) const {
    const Rights rights = region.granted() | Rights::user;
    if (!rights.include(Rights::write) || region.shared) return rights;
    return paging_.frames().shares(frame) == 1 ? rights : rights.without(Rights::write);
}

void Space::check_invariants() const {
    if (!list_.is_open()) return;
    list_.check_invariants();
    PageCount resident{};
    Paging::for_each_occupied(Machine::kUserPages, [&](Page page, Machine::Slot slot) {
        const Machine::Entry entry = slot.load();
        const RangeNode& region = list_.at(page);
        require(!region.is_gap(), "I13: a page-table entry outside all regions");
        if (entry.present()) {
            require(entry.rights().include(Rights::user), "I14: a user page that programs cannot use");
            require((region.granted() | Rights::user | Rights::execute).include(entry.rights()),
                    "I14: a page-table entry grants more than its region");
            const bool writable = entry.rights().include(Rights::write);
            require(!(writable && entry.frame() == zero_frame_), "I15: the zero frame is writable");
            require(!writable || region.shared || paging_.frames().shares(entry.frame()) == 1,
                    "I16: a private page is writable while its frame is shared");
        }
        resident += PageCount{1};
    });
    require(resident == resident_, "I13: resident pages have drifted");
}

}  // namespace quire
