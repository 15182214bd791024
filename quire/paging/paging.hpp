#pragma once
/// What the page tables say. Everything here acts on the *active* space; the kernel's tables are the same in all.
///
/// A table of user pages comes with the first page that needs it and goes with the last range above it. A table of
/// kernel
/// pages, once made, stays: it is entered into every directory before its first use (gotcha 1), and
/// never taken out, so there is nothing to keep in step later.
///
/// Locking: the caller holds off other users of the same address range (the space's owner for user pages, KernelSpace
/// for
/// kernel pages). The list of directories has its own lock.

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/lock.hpp"
#include "quire/base/rights.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/paging/flush_batch.hpp"
#include "quire/port.hpp"

namespace quire {

/// A page directory and the table of its list window: what a port needs to have a space. Member of Space.
struct Directory {
    Frame frame{};       ///< the directory itself
    Frame list_table{};  ///< the table of the list window
    Directory* next = nullptr;
    Directory* previous = nullptr;
};

class Paging {
public:
    explicit Paging(FrameAllocator& frames) : frames_(frames) {}
    Paging(const Paging&) = delete;
    Paging& operator=(const Paging&) = delete;

    [[nodiscard]] FrameAllocator& frames() const { return frames_; }

    // -- directories ------------------------------------------------------------------------------------------------

    /// Takes over the directory that the machine booted with, so that new kernel tables reach it too.
    void adopt(Directory& directory) QUIRE_EXCLUDES(directories_lock_);
    /// Makes a directory with an empty user half and an empty list window. no_frames leaves nothing behind.
    [[nodiscard]] Result<void> create(Directory& directory) QUIRE_EXCLUDES(directories_lock_);
    /// Frees a directory whose user half and list window are empty and which is active nowhere (gotcha 66).
    void destroy(Directory& directory) QUIRE_EXCLUDES(directories_lock_);

    // -- user pages ---------------------------------------------------------------------------------------------------

    /// Makes sure that `page` has a table. no_frames.
    [[nodiscard]] Result<void> ensure_table(Page page);

    /// Empties the entries of `range` into the batch. Returns how many held a frame.
    PageCount clear(PageRange range, FlushBatch& batch);

    /// Takes out the table of `page` again, which ensure_table() has just made and which is still empty.
    void drop_new_table(Page page);

    /// Calls `visit(Page, Machine::Slot)` for every slot of `range` whose entry holds a frame, in address order. Pages
    /// without
    /// a table cost one test a table.
    template <typename Visitor>
    static void for_each_occupied(PageRange range, Visitor&& visit);

    /// Takes out the tables that lie wholly within `empty`, a range without regions, whose pages clear() has put into the batch or
    /// an earlier one: a processor may go on walking through a table until the batch flushes, and its frame is kept as long.
    void remove_tables(PageRange empty, FlushBatch& batch);

    // -- kernel pages (list window, kernel space) -----------------------------------------------------------------

    /// Shows a new frame at each page of `range`, readable and writable for the kernel; contents undefined. All or
    /// nothing: no_frames. The pages must not be mapped.
    [[nodiscard]] Result<void> map_new(PageRange range);

    /// Shows frames from `first` on, one a page, with one share each taken for the mapping. All or nothing: no_frames
    /// (for a
    /// table). The pages must not be mapped.
    [[nodiscard]] Result<void> map_frames(PageRange range, Frame first, Rights rights);

    /// Takes the pages of `range` away again, at once.
    void unmap(PageRange range);

private:
    [[nodiscard]] Result<void> ensure_kernel_tables(PageRange range) QUIRE_EXCLUDES(directories_lock_);
    [[nodiscard]] Result<void> ensure_kernel_table(Page page) QUIRE_EXCLUDES(directories_lock_);
    [[nodiscard]] Result<Frame> zeroed_frame();

    FrameAllocator& frames_;
    Machine::Lock directories_lock_;
    Directory* directories_ QUIRE_GUARDED_BY(directories_lock_) = nullptr;
};

template <typename Visitor>
void Paging::for_each_occupied(PageRange range, Visitor&& visit) {
    for (Page page = range.first; page < range.end;) {
        const Page next_table{(page.number / Machine::kPagesPerTable + 1) * Machine::kPagesPerTable};
        const Page stop = next_table < range.end ? next_table : range.end;
        if (!Machine::has_table(page)) {
            page = stop;
            continue;
        }
        for (auto slot = Machine::slot(page);; slot = slot.next()) {
            if (slot.load().occupied()) visit(page, slot);
            page = page + PageCount{1};
            if (page == stop) break;  // before next(): it must not leave the table
        }
    }
}

}  // namespace quire
