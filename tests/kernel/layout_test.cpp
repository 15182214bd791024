/// Every row of the address layout, as the running processor sees it: from CR3 through the tables. The tables are read
/// through a frame window, not through the recursive entry, so that the recursive entry is tested too.

#include <array>
#include <cstdint>

#include "kernel/boot/boot_info.hpp"
#include "kernel/boot/image.hpp"
#include "kernel/memory/memory.hpp"
#include "quire/frames/frame_bitmap.hpp"
#include "quire/port.hpp"
#include "quire_i386/entry.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/processor.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

using port::Entry;

/// A word of any frame.
Entry entry_of(Frame table, std::size_t index) {
    const Machine::FrameWindow window(table);
    return Entry::from_word(window.words()[index]);
}
Entry directory_entry(std::size_t index) {
    return entry_of(Machine::active_directory(), index);
}
Entry page_entry(Page page) {
    const Entry table = directory_entry(port::directory_index(page));
    return table.present() ? entry_of(table.frame(), port::table_index(page)) : Entry();
}

void physical_order() {
    const Frame directory = frame_of(quire_page_directory);
    const FrameCount one{1};
    check(physical_of(quire_image_start).value == 0x10'0000, "the kernel is loaded at 1 MiB");
    check(reinterpret_cast<std::uintptr_t>(quire_image_start) == 0xC010'0000, "and linked at 0xC0100000");
    check(memory().boot_directory.frame == directory, "the directory of boot is the image's");
    check(frame_of(quire_boot_stack_top) == directory, "the page directory follows the kernel");
    check(directory_entry(768).frame() == directory + one, "the first page table follows the directory");
    check(page_entry(port::kFrameBitmap.page()).frame() == directory + one + one, "the bitmap follows the table");
    check(frame_of(quire_bitmap) == directory + one + one, "the bitmap's place is known");
    check(frame_of(quire_image_end) - frame_of(quire_bitmap) == FrameCount{34},
          "there is room for 4 GiB and summaries");
}

void no_large_pages_and_flags() {
    for (std::size_t i = 768; i < 1024; ++i) {
        const Entry entry = directory_entry(i);
        if (!entry.present()) continue;
        check((entry.word() & 0x80U) == 0, "no kernel entry is a 4 MiB page");
        check(!entry.rights().include(Rights::user), "no kernel entry is for programs");
    }
    check((port::read_cr0() & port::kCr0WriteProtect) != 0, "CR0.WP is on");
    check((port::read_cr0() & port::kCr0Paging) != 0, "paging is on");
    check((port::read_cr4() & port::kCr4LargePages) == 0, "4 MiB pages are off again");
}

void identity_mapping_is_gone() {
    for (std::size_t i = 0; i < 768; ++i) {
        if (!check(!entry_of(memory().boot_directory.frame, i).present(), "user half of the boot directory is empty"))
            return;
    }
}

void image_rights() {
    const auto text = page_entry(page_at(quire_image_start));
    check(text.present() && text.rights() == Rights::read, "text is read-only");
    for (const std::byte* at = quire_image_start; at < quire_page_directory; at += kPageSize) {
        const Entry entry = page_entry(page_at(at));
        if (at >= quire_boot_stack_guard && at < quire_boot_stack) {
            check(!entry.present(), "the boot stack's guard is not mapped");
            continue;
        }
        const Rights expected = at < quire_read_only_end ? Rights::read : Rights::read | Rights::write;
        if (!check(entry.present() && entry.frame() == frame_of(at), "the image lies where it is linked")) return;
        if (!check(entry.rights() == expected, "an image page has its section's rights")) return;
    }
    check(page_entry(page_at(quire_page_directory)).rights() == (Rights::read | Rights::write), "directory is mapped");
    check(page_entry(page_at(quire_first_table)).rights() == (Rights::read | Rights::write), "first table is mapped");
    check(!page_entry(page_at(quire_bitmap)).present(), "the bitmap is not mapped a second time");
    check(!page_entry(port::kKernelBase.page()).present(), "physical frame 0 is not mapped");
    check((page_entry(Page{0xC00B8}).word() & Entry::kUncached) != 0, "video memory is not cached");
}

void recursive_entry() {
    const Frame directory = Machine::active_directory();
    const Entry entry = directory_entry(1023);
    check(entry.frame() == directory && entry.rights() == (Rights::read | Rights::write), "PD[1023] is the directory");
    const auto* const through = reinterpret_cast<const std::uint32_t*>(0xFFFF'F000U);
    check((through[768] & Entry::kFrameMask) == (directory_entry(768).word() & Entry::kFrameMask),
          "seen at 0xFFFFF000");
    const auto* const first = reinterpret_cast<const std::uint32_t*>(0xFFC0'0000U + 768 * kPageSize);
    check((first[256] & Entry::kFrameMask) == 0x10'0000, "table 768 seen at 0xFFF00000");
}

void bitmap_rows() {
    const Frame end = memory().frames.end();
    const PageCount needed{(FrameBitmap::words_needed(end) * 4 + kPageSize - 1) / kPageSize};
    for (std::size_t i = 0; i < 256; ++i) {
        const Page page = port::kFrameBitmap.page() + PageCount{i};
        const Entry entry = page_entry(page);
        const bool expected = i < needed.value;
        if (!check(entry.present() == expected, "as much of the bitmap is mapped as memory needs")) return;
        if (expected) check(entry.frame() == frame_of(quire_bitmap) + FrameCount{i}, "the bitmap is one piece");
    }
    const Entry list_guard = page_entry(Page{0xFFAFF});
    check(!list_guard.present() && !Machine::kListWindow.contains(Page{0xFFAFF}), "a guard page before the bitmap");
}

/// The first MiB, kernel, tables, used bitmap and module are never free; what the bitmap did not need is the
/// allocator's.
void never_handed_out() {
    const auto& frames = memory().frames;
    const Frame end = frames.end();
    const PageCount bitmap{(FrameBitmap::words_needed(end) * 4 + kPageSize - 1) / kPageSize};
    const Frame used_end = frame_of(quire_bitmap) + FrameCount{bitmap.value};
    for (Frame frame{}; frame < used_end; frame = frame + FrameCount{1}) {
        if (!check(frames.shares(frame) == FrameAllocator::kExempt, "low memory and kernel are exempt")) return;
    }
    if (used_end < frame_of(quire_image_end)) {
        check(frames.shares(used_end) != FrameAllocator::kExempt, "frames that the bitmap does not need are managed");
    }
    const PhysicalAddress module_end{boot_info().module_start.value + boot_info().module_bytes - 1};
    for (Frame frame = boot_info().module_start.frame(); frame <= module_end.frame(); frame = frame + FrameCount{1}) {
        if (!check(frames.shares(frame) == FrameAllocator::kExempt, "the boot module is exempt")) return;
    }
    check(frames.shares(page_entry(port::kFrameRecords.page()).frame()) == FrameAllocator::kExempt,
          "records are exempt");
}

/// A second directory: the same kernel half and bitmap, its own list window and recursive entry, an empty user half.
/// Also for a kernel table that comes later (gotcha 1).
void second_directory() {
    Directory other;
    if (!check(memory().paging.create(other).has_value(), "a directory")) return;
    const Page late = address_of(Page{Machine::kKernelPages.end.number - 1024}).page();
    const bool had_table = Machine::has_table(late);
    check(memory().paging.map_new(range_of(late, PageCount{1})).has_value(), "a kernel page in a table of its own");
    check(!had_table, "the table is new");
    for (std::size_t i = 0; i < 1024; ++i) {
        const Entry mine = directory_entry(i);
        const Entry its = entry_of(other.frame, i);
        if (i < 768)
            check(!its.present(), "the user half is empty");
        else if (i < 1022)
            check(its.present() == mine.present() && its.frame() == mine.frame(), "the kernel half is shared");
    }
    check(entry_of(other.frame, 1022).frame() == other.list_table, "PD[1022] is its own");
    check(entry_of(other.frame, 1023).frame() == other.frame, "PD[1023] is its own");
    const Frame own_list = directory_entry(1022).frame();
    for (std::size_t i = 0; i < 1024; ++i) {
        const Entry its = entry_of(other.list_table, i);
        if (i < 768)
            check(!its.occupied(), "the list window is empty");
        else
            check(its.frame() == entry_of(own_list, i).frame(), "the bitmap is the same");
    }
    memory().paging.unmap(range_of(late, PageCount{1}));
    memory().paging.destroy(other);
}

/// A page of the recursive window shows another table as soon as the directory says so, not what was cached (gotcha 3).
void table_window_follows() {
    const auto first = memory().frames.take();
    const auto second = memory().frames.take();
    if (!check(first && second, "two frames")) return;
    const Page page{0x4000};  // nothing of boot's user half is in use
    Machine::zero_frame(*first);
    Machine::zero_frame(*second);
    Machine::link_table(page, *first);
    check(Machine::has_table(page) && Machine::table_frame(page) == *first, "the first table is there");
    Machine::slot(page).store(Entry::from_word(Entry::kOccupied));
    check(Machine::unlink_table(page) == *first && !Machine::has_table(page), "and gone");
    Machine::link_table(page, *second);
    check(!Machine::slot(page).load().occupied(), "the second one is empty");
    check(Machine::unlink_table(page) == *second, "and gone, too");
    memory().frames.drop(*first);
    memory().frames.drop(*second);
}

void windows_nest() {
    const auto first = memory().frames.take();
    const auto second = memory().frames.take();
    if (!check(first && second, "two frames")) return;
    {
        const Machine::FrameWindow one(*first);
        one.words()[0] = 1;
        {
            const Machine::FrameWindow two(*second);
            two.words()[0] = 2;
            check(one.words()[0] == 1 && one.data() != two.data(), "each window shows its own frame");
        }
        const Machine::FrameWindow again(*second);
        check(again.words()[0] == 2 && one.words()[0] == 1, "a window that was released is usable again");
    }
    Machine::zero_frame(*first);
    Machine::copy_frame(*second, *first);
    const Machine::FrameWindow window(*second);
    bool zero = true;
    for (std::size_t i = 0; i < kPageSize / 4; ++i) zero = zero && window.words()[i] == 0;
    check(zero, "a copy of a zeroed frame is zero");
    memory().frames.drop(*first);
    memory().frames.drop(*second);
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"layout_physical_order", physical_order},
    {"layout_no_large_pages", no_large_pages_and_flags},
    {"layout_identity_is_gone", identity_mapping_is_gone},
    {"layout_image_rights", image_rights},
    {"layout_recursive_entry", recursive_entry},
    {"layout_bitmap", bitmap_rows},
    {"layout_never_handed_out", never_handed_out},
    {"layout_second_directory", second_directory},
    {"port_table_window_follows", table_window_follows},
    {"port_windows_nest", windows_nest},
};

}  // namespace
}  // namespace quire::kernel
