#include "kernel/boot/tables.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/boot/image.hpp"
#include "quire_i386/entry.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/processor.hpp"

namespace quire::kernel {

namespace {

using port::Entry;
using Table = std::array<std::uint32_t, port::kEntriesPerTable>;

constexpr Rights kReadWrite = Rights::read | Rights::write;

// Tables that must be there before there is an allocator. Zero until then, like all of bss.
alignas(kPageSize) constinit Table list_table{};
alignas(kPageSize) constinit Table window_table{};
alignas(kPageSize) constinit Table record_table{};

Table& table_at(std::byte* address) {
    return *reinterpret_cast<Table*>(address);
}

std::uint32_t entry_for(const void* table, Rights rights) {
    return Entry::make(frame_of(static_cast<const std::byte*>(table)), rights).word();
}

/// Shows [first, end) of the image at its own addresses.
void show(Table& table, const std::byte* first, const std::byte* end, Rights rights) {
    for (const std::byte* at = first; at < end; at += kPageSize)
        table[port::table_index(page_at(at))] = entry_for(at, rights);
}

}  // namespace

void switch_to_final_tables() {
    Table& first = table_at(quire_first_table);
    show(first, quire_image_start, quire_read_only_end, Rights::read);
    show(first, quire_read_only_end, quire_boot_stack_guard, kReadWrite);
    show(first, quire_boot_stack, quire_bitmap, kReadWrite);  // stack, directory, this table
    constexpr FrameRange kVgaText{{0xB8}, {0xC0}};
    for (Frame frame = kVgaText.first; frame < kVgaText.end; frame = frame + FrameCount{1}) {
        first[frame.number] = Entry::make(frame, kReadWrite).word() | Entry::kUncached;
    }

    // The processor may use old and new entries side by side until CR3 is loaded: they say the same about what runs
    // here.
    Table& directory = table_at(quire_page_directory);
    directory[port::kFirstKernelTable] = entry_for(&first, kReadWrite);
    std::ranges::fill(std::span(directory).first(port::kFirstKernelTable), 0);
    std::ranges::fill(std::span(directory).subspan(port::kFirstKernelTable + 1), 0);
    directory[port::directory_index(port::kFrameRecords.page())] = entry_for(&record_table, kReadWrite);
    directory[port::directory_index(port::kWindowArea.page())] = entry_for(&window_table, kReadWrite);
    directory[port::kListTable] = entry_for(&list_table, kReadWrite);
    directory[port::kRecursiveSlot] = entry_for(&directory, kReadWrite);
    port::write_cr3(port::read_cr3());
    port::write_cr4(port::read_cr4() & ~port::kCr4LargePages);
}

}  // namespace quire::kernel
