#pragma once
/// The address layout of the i386 kernel. Fixed: docs/layout.md explains it, tests/kernel/layout_test.cpp checks it on
/// the running machine.
///
///     0x0000'0000  PD[0]          never mapped: a null pointer must fault
///     0x0001'0000  PD[0..767]     programs, one directory each
///     0xC000'0000  PD[768]        first 4 MiB of memory: kernel image, page directory, first page table, VGA text
///     0xC040'0000  PD[769..1018]  kernel spans: heap, stacks
///     0xFEC0'0000  PD[1019]       the kernel's own range nodes
///     0xFF00'0000  PD[1020]       frame records, 4 bytes a frame
///     0xFF40'0000  PD[1021]       frame windows, in its last pages
///     0xFF80'0000  PD[1022]       this space's range list; its last page stays empty as a guard
///     0xFFB0'0000                 the frame bitmap and its summaries, the same frames in every space
///     0xFFC0'0000  PD[1023]       recursive: table n at 0xFFC0'0000 + n * 4 KiB, the directory at 0xFFFF'F000

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"

namespace quire::port {

inline constexpr std::size_t kEntriesPerTable = 1024;
inline constexpr unsigned kTableShift = 10;  ///< page number >> kTableShift = index in the directory

inline constexpr VirtualAddress kKernelBase{0xC000'0000};  ///< shows physical address 0
inline constexpr VirtualAddress kKernelNodes{0xFEC0'0000};
inline constexpr VirtualAddress kFrameRecords{0xFF00'0000};
inline constexpr VirtualAddress kWindowArea{0xFF40'0000};
inline constexpr VirtualAddress kListArea{0xFF80'0000};
inline constexpr VirtualAddress kFrameBitmap{0xFFB0'0000};
inline constexpr VirtualAddress kTables{0xFFC0'0000};
inline constexpr VirtualAddress kDirectory{0xFFFF'F000};

/// Index in the page directory of the table that describes `page`.
[[nodiscard]] constexpr std::size_t directory_index(Page page) {
    return page.number >> kTableShift;
}
/// Index of `page` in its table.
[[nodiscard]] constexpr std::size_t table_index(Page page) {
    return page.number & (kEntriesPerTable - 1);
}

inline constexpr std::size_t kFirstKernelTable = directory_index(kKernelBase.page());  // 768
inline constexpr std::size_t kListTable = directory_index(kListArea.page());           // 1022
inline constexpr std::size_t kRecursiveSlot = directory_index(kTables.page());         // 1023
inline constexpr std::size_t kBitmapFirstSlot = table_index(kFrameBitmap.page());      // 768, in the list table

static_assert(kFirstKernelTable == 768 && kListTable == 1022 && kRecursiveSlot == 1023 && kBitmapFirstSlot == 768);
static_assert(directory_index(kFrameBitmap.page()) == kListTable, "list and bitmap share a table");
static_assert(kDirectory.value == kTables.value + kRecursiveSlot * kPageSize,
              "the recursive entry shows the directory");

}  // namespace quire::port
