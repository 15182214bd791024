#include "quire/base/defect.hpp"
#include "quire/space/space.hpp"

namespace quire {

namespace {
using Entry = Machine::Entry;
}

Result<FaultKind> Space::handle_fault(VirtualAddress address, Access access) {
    const Page page = address.page();
    if (!Machine::kUserPages.contains(page)) return fail(Error::not_mapped);
    const RangeNode& region = list_.at(page);
    if (region.is_gap()) return fail(Error::not_mapped);
    if (!region.granted().include(needed_for(access))) return fail(Error::denied);

    Result<FaultKind> kind = FaultKind::spurious;
    const Entry entry = Machine::has_table(page) ? Machine::slot(page).load() : Entry{};
    if (!entry.occupied()) {
        kind = fill(page, region, access);
    } else if (access == Access::write && !entry.rights().include(Rights::write)) {
        kind = make_writable(page, region);
    } else {
        Machine::flush(page);
    }
    if (kind) ++faults_[static_cast<std::size_t>(*kind)];
    return kind;
}

/// Gives an empty slot its first frame; makes the table for it, and takes it back if there is no frame.
Result<FaultKind> Space::fill(Page page, const RangeNode& region, Access access) {
    const bool had_table = Machine::has_table(page);
    if (const auto table = paging_.ensure_table(page); !table) return fail(table.error());
    const auto kind =
        region.object == nullptr ? fill_with_zeroes(page, region, access) : fill_from_object(page, region, access);
    if (!kind && !had_table) paging_.drop_new_table(page);
    return kind;
}

Result<FaultKind> Space::fill_with_zeroes(Page page, const RangeNode& region, Access access) {
    if (access != Access::write) {
        const Rights rights = (region.granted() | Rights::user).without(Rights::write);
        Machine::slot(page).store(Entry::make(zero_frame_, rights));
        resident_ += PageCount{1};
        return FaultKind::shared_zero;
    }
    const auto frame = paging_.frames().take();
    if (!frame) return fail(frame.error());
    Machine::zero_frame(*frame);  // before anybody can see it (gotcha 50)
    Machine::slot(page).store(Entry::make(*frame, region.granted() | Rights::user));
    resident_ += PageCount{1};
    return FaultKind::zero_filled;
}

Result<FaultKind> Space::fill_from_object(Page page, const RangeNode& region, Access access) {
    const auto frame = region.object->page(region.object_page + (page - region.pages().first).value);
    if (!frame) return fail(frame.error());
    if (region.shared || access != Access::write) {
        Machine::slot(page).store(Entry::make(*frame, entry_rights(region, *frame)));
        resident_ += PageCount{1};
        return FaultKind::object_page;
    }
    // A write to a private page: its copy at once, instead of a second fault.
    const auto copy = paging_.frames().take();
    if (copy) {
        Machine::copy_frame(*copy, *frame);
        Machine::slot(page).store(Entry::make(*copy, region.granted() | Rights::user));
        resident_ += PageCount{1};
    }
    paging_.frames().drop(*frame);
    if (!copy) return fail(copy.error());
    return FaultKind::copied;
}

/// A write to a page whose entry only lets reads through, in a region that grants writing: copy-on-write.
Result<FaultKind> Space::make_writable(Page page, const RangeNode& region) {
    const auto slot = Machine::slot(page);
    const Frame shared = slot.load().frame();
    const Rights rights = region.granted() | Rights::user;
    if (entry_rights(region, shared) == rights) {
        slot.store(Entry::make(shared, rights));
        Machine::flush(page);
        return FaultKind::reused;
    }
    const auto copy = paging_.frames().take();
    if (!copy) return fail(copy.error());
    if (shared == zero_frame_) {
        Machine::zero_frame(*copy);
    } else {
        Machine::copy_frame(*copy, shared);
    }
    FlushBatch batch(paging_.frames());
    batch.removed(page, slot.exchange(Entry::make(*copy, rights)));
    batch.finish();
    return shared == zero_frame_ ? FaultKind::zero_filled : FaultKind::copied;
}

}  // namespace quire
