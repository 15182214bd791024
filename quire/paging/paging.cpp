#include "quire/paging/paging.hpp"

#include "quire/base/defect.hpp"

namespace quire {

namespace {
using Entry = Machine::Entry;

/// First page of the table after the one that describes `page`.
constexpr Page next_table(Page page) {
    return {(page.number / Machine::kPagesPerTable + 1) * Machine::kPagesPerTable};
}

/// First page described by the first table that starts at or after `page`.
constexpr Page table_at_or_after(Page page) {
    return {(page.number + Machine::kPagesPerTable - 1) / Machine::kPagesPerTable * Machine::kPagesPerTable};
}
}  // namespace

Result<Frame> Paging::zeroed_frame() {
    const auto frame = frames_.take();
    if (frame) Machine::zero_frame(*frame);
    return frame;
}

void Paging::adopt(Directory& directory) {
    const Guard guard(directories_lock_);
    directory.previous = nullptr;
    directory.next = directories_;
    if (directories_ != nullptr) directories_->previous = &directory;
    directories_ = &directory;
}

Result<void> Paging::create(Directory& directory) {
    auto frames = frames_.reserve(FrameCount{2});
    if (!frames) return fail(frames.error());
    directory.frame = frames->take();
    directory.list_table = frames->take();
    {
        // Under the lock, so that no kernel table comes between the copy of the kernel half and the list.
        const Guard guard(directories_lock_);
        Machine::make_directory(directory.frame, directory.list_table);
        directory.previous = nullptr;
        directory.next = directories_;
        if (directories_ != nullptr) directories_->previous = &directory;
        directories_ = &directory;
    }
    return {};
}

void Paging::destroy(Directory& directory) {
    require(Machine::active_directory() != directory.frame, "I7: the active page directory was destroyed");
    {
        const Guard guard(directories_lock_);
        if (directory.next != nullptr) directory.next->previous = directory.previous;
        if (directory.previous != nullptr) {
            directory.previous->next = directory.next;
        } else {
            directories_ = directory.next;
        }
    }
    frames_.drop(directory.list_table);
    frames_.drop(directory.frame);
    directory = {};
}

Result<void> Paging::ensure_table(Page page) {
    if (Machine::has_table(page)) return {};
    const auto table = zeroed_frame();
    if (!table) return fail(table.error());
    Machine::link_table(page, *table);
    return {};
}

void Paging::drop_new_table(Page page) {
    frames_.drop(Machine::unlink_table(page));
}

PageCount Paging::clear(PageRange range, FlushBatch& batch) {
    PageCount cleared{};
    for_each_occupied(range, [&](Page page, Machine::Slot slot) {
        batch.removed(page, slot.exchange(Entry{}));
        cleared += PageCount{1};
    });
    return cleared;
}

void Paging::remove_tables(PageRange empty, FlushBatch& batch) {
    for (Page page = table_at_or_after(empty.first); next_table(page) <= empty.end; page = next_table(page)) {
        if (!Machine::has_table(page)) continue;
        batch.removed_table(Machine::unlink_table(page));
    }
}

Result<void> Paging::ensure_kernel_table(Page page) {
    if (Machine::has_table(page)) return {};
    const auto table = zeroed_frame();
    if (!table) return fail(table.error());
    const Guard guard(directories_lock_);
    const Frame active = Machine::active_directory();
    for (const Directory* other = directories_; other != nullptr; other = other->next) {
        if (other->frame != active) Machine::link_table_in(other->frame, page, *table);
    }
    Machine::link_table(page, *table);
    return {};
}

/// A table that was made stays even if a later one cannot be: it is empty and will be used again.
Result<void> Paging::ensure_kernel_tables(PageRange range) {
    for (Page page = range.first; page < range.end; page = next_table(page)) {
        if (const auto table = ensure_kernel_table(page); !table) return table;
    }
    return {};
}

Result<void> Paging::map_new(PageRange range) {
    if (const auto tables = ensure_kernel_tables(range); !tables) return tables;
    auto frames = frames_.reserve(FrameCount{range.count().value});
    if (!frames) return fail(frames.error());
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) {
        const auto slot = Machine::slot(page);
        require(!slot.load().occupied(), "I8: a kernel page was mapped twice");
        slot.store(Entry::make(frames->take(), Rights::read | Rights::write));
    }
    return {};
}

Result<void> Paging::map_frames(PageRange range, Frame first, Rights rights) {
    if (const auto tables = ensure_kernel_tables(range); !tables) return tables;
    for (Page page = range.first; page < range.end; page = page + PageCount{1}) {
        const auto slot = Machine::slot(page);
        require(!slot.load().occupied(), "I8: a kernel page was mapped twice");
        const Frame frame = first + FrameCount{(page - range.first).value};
        frames_.share(frame);
        slot.store(Entry::make(frame, rights));
    }
    return {};
}

void Paging::unmap(PageRange range) {
    FlushBatch batch(frames_);
    clear(range, batch);
    batch.finish();
}

}  // namespace quire
