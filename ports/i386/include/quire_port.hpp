#pragma once
/// The i386 machine, 32-bit paging without PAE: what quire/port.hpp asks for. Everything here is inlined into the
/// library. How the addresses are laid out: quire_i386/layout.hpp. Manual: Intel SDM volume 3, chapter 4.

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/defect.hpp"
#include "quire/base/rights.hpp"
#include "quire/heap/shape.hpp"
#include "quire_i386/entry.hpp"
#include "quire_i386/frame_window.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/lock.hpp"
#include "quire_i386/processor.hpp"

// ports/i386/frame_memory.S
extern "C" [[gnu::regparm(1)]] void quire_clear_frame(void* frame);
extern "C" [[gnu::regparm(2)]] void quire_copy_frame(void* to, const void* from);

namespace quire::port {

class Machine {
public:
    using Entry = port::Entry;
    using Slot = port::Slot;
    using FrameWindow = port::FrameWindow;
    using Lock = port::Lock;

    static constexpr PageRange kUserPages{{0x10}, {0xC0000}};
    /// 0xFF80'0000 … 0xFFAF'EFFF: the last page before the bitmap stays empty, so that a list that grew too far would
    /// fault and not write into the bitmap.
    static constexpr PageRange kListWindow{{0xFF800}, {0xFFAFF}};
    static constexpr PageRange kKernelPages{{0xC0400}, {0xFEC00}};
    static constexpr std::size_t kPagesPerTable = kEntriesPerTable;
    static constexpr HeapShape kHeapShape = kKernelHeapShape;

    [[nodiscard]] static std::byte* pointer(VirtualAddress address) {
        return reinterpret_cast<std::byte*>(address.value);
    }

    // Tables of the active space, through the recursive entry: the directory is its own table number 1023, so table n
    // shows up as page n of the last 4 MiB.

    [[nodiscard]] static bool has_table(Page page) { return directory_slot(page).load().present(); }
    [[nodiscard]] static Slot slot(Page page) {
        return Slot(reinterpret_cast<std::uint32_t*>(kTables.value) + page.number);
    }

    [[nodiscard]] static Slot slot_in(const FrameWindow& table, Page page) {
        return Slot(table.words() + page.number % kPagesPerTable);
    }

    static void link_table(Page page, Frame frame) {
        directory_slot(page).store(table_entry(page, frame));
        forget_window(page);
    }
    [[nodiscard]] static Frame table_frame(Page page) { return directory_slot(page).load().frame(); }
    [[nodiscard]] static Frame unlink_table(Page page) {
        const Entry old = directory_slot(page).exchange(Entry());
        forget_window(page);
        return old.frame();
    }
    static void link_table_in(Frame directory, Page page, Frame frame) {
        const FrameWindow window(directory);
        Slot(window.words() + directory_index(page)).store(table_entry(page, frame));
    }

    /// The kernel half is copied from the active directory; PD[1022] and PD[1023] are the new directory's own.
    static void make_directory(Frame directory, Frame list_table) {
        {
            const FrameWindow window(list_table);
            const auto* const active =
                reinterpret_cast<const std::uint32_t*>(kTables.value) + kListTable * kEntriesPerTable;
            fill_words(window.words(), kBitmapFirstSlot);
            copy_words(window.words() + kBitmapFirstSlot, active + kBitmapFirstSlot,
                       kEntriesPerTable - kBitmapFirstSlot);
        }
        const FrameWindow window(directory);
        const auto* const active = reinterpret_cast<const std::uint32_t*>(kDirectory.value);
        fill_words(window.words(), kFirstKernelTable);
        copy_words(window.words() + kFirstKernelTable, active + kFirstKernelTable, kListTable - kFirstKernelTable);
        window.words()[kListTable] = table_entry(kListArea.page(), list_table).word();
        window.words()[kRecursiveSlot] = table_entry(kTables.page(), directory).word();
    }

    [[nodiscard]] static Frame active_directory() { return {read_cr3() >> kPageShift}; }
    static void activate(Frame directory) { write_cr3(directory.number << kPageShift); }

    static void flush(Page page) { invalidate(address_of(page)); }
    static void flush_user() { write_cr3(read_cr3()); }

    static void zero_frame(Frame frame) {
        const FrameWindow window(frame);
        quire_clear_frame(window.words());
    }
    static void copy_frame(Frame to, Frame from) {
        const FrameWindow source(from);
        const FrameWindow target(to);
        quire_copy_frame(target.words(), source.words());
    }

    /// One processor so far; everything that would be one per processor asks here.
    [[nodiscard]] static constexpr unsigned processor() { return 0; }

private:
    [[nodiscard]] static Slot directory_slot(Page page) {
        return Slot(reinterpret_cast<std::uint32_t*>(kDirectory.value) + directory_index(page));
    }

    /// Rights are ANDed over the levels (SDM volume 3, 4.6): a directory entry grants everything its side may have, the
    /// policy is in the tables (gotcha 6). No kernel entry, the recursive one included, is for programs.
    [[nodiscard]] static constexpr Entry table_entry(Page page, Frame frame) {
        const Rights both = Rights::read | Rights::write;
        return Entry::make(
            frame, kUserPages.contains(page) || page.number < kUserPages.first.number ? both | Rights::user : both);
    }

    /// A changed directory entry changes what the table's page in the recursive window shows (gotcha 3).
    static void forget_window(Page page) { invalidate({kTables.value + directory_index(page) * kPageSize}); }

    static void fill_words(std::uint32_t* words, std::size_t count) {
        asm volatile("rep stosl" : "+D"(words), "+c"(count) : "a"(0) : "memory");
    }
    static void copy_words(std::uint32_t* to, const std::uint32_t* from, std::size_t count) {
        asm volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
    }
};

}  // namespace quire::port
