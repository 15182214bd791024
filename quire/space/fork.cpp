#include "quire/base/defect.hpp"
#include "quire/space/space.hpp"

namespace quire {

namespace {
using Entry = Machine::Entry;
constexpr Rights kKernelPage = Rights::read | Rights::write;
}  // namespace

/// Reserves every frame that the child needs, so that nothing has to be undone half-way (gotcha 72).
Result<void> Space::fork(Space& child) {
    require(Machine::active_directory() == directory_.frame, "a space was forked that is not active");
    const PageCount list_pages = list_.nodes().committed();
    auto frames = paging_.frames().reserve(FrameCount{list_pages.value + user_tables()});
    if (!frames) return fail(frames.error());
    if (const auto created = child.create(); !created) return created;

    copy_list_pages(child, *frames);
    child.list_.take_over(list_);
    copy_tables(child, *frames);
    child.mapping_base_ = mapping_base_;
    child.break_start_ = break_start_;
    child.break_ = break_;
    child.resident_ = resident_;
    return {};
}

std::size_t Space::user_tables() {
    std::size_t tables = 0;
    for (Page page = Machine::kUserPages.first; page < Machine::kUserPages.end;
         page = Page{(page.number / Machine::kPagesPerTable + 1) * Machine::kPagesPerTable}) {
        if (Machine::has_table(page)) ++tables;
    }
    return tables;
}

/// Nodes are linked by number, so that a copy of the pages is a copy of the list.
void Space::copy_list_pages(Space& child, FrameReservation& frames) const {
    const Machine::FrameWindow child_table(child.directory_.list_table);
    Paging::for_each_occupied(Machine::kListWindow, [&](Page page, Machine::Slot slot) {
        const Frame copy = frames.take();
        Machine::copy_frame(copy, slot.load().frame());
        Machine::slot_in(child_table, page).store(Entry::make(copy, kKernelPage));
    });
}

/// Both sides show the same frames afterwards. What is private becomes read-only on both sides, and the parent's processors
/// have forgotten that they could write before anybody runs on (gotcha 23).
void Space::copy_tables(Space& child, FrameReservation& frames) {
    FlushBatch batch(paging_.frames());
    for (Page first = Machine::kUserPages.first; first < Machine::kUserPages.end;) {
        const Page next{(first.number / Machine::kPagesPerTable + 1) * Machine::kPagesPerTable};
        if (Machine::has_table(first)) {
            const Frame table = frames.take();
            Machine::zero_frame(table);
            const Machine::FrameWindow window(table);
            Paging::for_each_occupied({first, next}, [&](Page page, Machine::Slot slot) {
                const Frame frame = slot.load().frame();
                paging_.frames().share(frame);
                const Entry copy = Entry::make(frame, entry_rights(list_.at(page), frame));
                Machine::slot_in(window, page).store(copy);
                if (copy.rights() != slot.load().rights()) batch.weakened(page, slot.exchange(copy));
            });
            Machine::link_table_in(child.directory_.frame, first, table);
        }
        first = next;
    }
    batch.finish();
}

}  // namespace quire
