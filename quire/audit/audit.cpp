#include "quire/audit/audit.hpp"

#include <algorithm>

#include "quire/base/defect.hpp"

namespace quire {

Audit::Audit(const FrameAllocator& frames, std::span<std::uint32_t> tally) : frames_(frames), tally_(tally) {
    require(tally.size() >= frames.end().number, "the audit was given too small a tally");
    std::ranges::fill(tally_, 0U);
}

void Audit::own(Frame frame) {
    if (frame < frames_.end()) ++tally_[frame.number];
}

void Audit::own_mapped(PageRange range) {
    Paging::for_each_occupied(range, [&](Page, Machine::Slot slot) { own(slot.load().frame()); });
}

void Audit::own_tables(PageRange range) {
    for (Page page = range.first; page < range.end;
         page = Page{(page.number / Machine::kPagesPerTable + 1) * Machine::kPagesPerTable}) {
        if (Machine::has_table(page)) own(Machine::table_frame(page));
    }
}

void Audit::add(const KernelSpace& space) {
    space.check_invariants();
    own_mapped(space.list().pages());
    own_tables(space.list().pages());
    own_mapped(space.list().nodes().window());
    own_tables(space.list().nodes().window());
}

void Audit::add(const Space& space) {
    require(Machine::active_directory() == space.directory(), "a space was audited that is not active");
    space.check_invariants();
    own(space.frames_of_directory().frame);
    own(space.frames_of_directory().list_table);
    own_mapped(Machine::kUserPages);
    own_tables(Machine::kUserPages);
    own_mapped(Machine::kListWindow);
}

void Audit::finish() const {
    frames_.check_invariants();
    for (Frame frame{0}; frame < frames_.end(); frame = frame + FrameCount{1}) {
        const std::uint32_t shares = frames_.shares(frame);
        if (shares == FrameAllocator::kExempt) continue;
        const std::uint32_t owners = tally_[frame.number];
        require(owners >= shares, "I5: a frame is leaked: it has more shares than owners");
        require(owners <= shares, "I5: a frame is used without a share: it has more owners than shares");
    }
}

}  // namespace quire
