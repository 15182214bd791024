#include "kernel/boot/memory.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include "kernel/boot/image.hpp"
#include "kernel/console/exit.hpp"
#include "kernel/memory/kmalloc.hpp"
#include "kernel/memory/memory.hpp"
#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"
#include "quire/frames/boot_map.hpp"
#include "quire/frames/frame_bitmap.hpp"

namespace quire::kernel {

namespace {

constexpr Frame kLimit{1U << 20};                   // 4 GiB: what 32-bit paging reaches
constexpr PhysicalAddress kFirmwareEnd{0x10'0000};  // nothing below 1 MiB is ever handed out (gotcha 43)
constexpr FrameCount kSmallest{512};                // 2 MiB: one small program and its tables
constexpr Rights kReadWrite = Rights::read | Rights::write;

alignas(kPageSize) constinit const std::array<std::byte, kPageSize> zero_page{};

/// Room for memory(), which cannot be built before the frames are known and is never destroyed.
union Storage {
    constexpr Storage() : nothing{} {}
    constexpr ~Storage() {}
    char nothing;
    Memory memory;
};
constinit Storage storage;

// Used once, too big for the stack.
constinit BootMap map{};
constinit std::array<FrameRange, 2 * BootMap::kCapacity> ranges{};

void must_fit(Result<void> result) {
    if (!result) fatal("the memory map has more than {} entries", BootMap::kCapacity);
}

std::uint64_t end_of(PhysicalAddress start, std::uint64_t bytes) {
    return start.value + bytes;
}

/// The bitmap's frames were laid out for 4 GiB; so many of them are needed for memory up to `end`.
PageCount bitmap_pages(Frame end) {
    return pages_for(FrameBitmap::words_needed(end) * sizeof(std::uint32_t));
}

/// The module is where the boot loader put it: in memory, not over the kernel, not over anything that is no memory.
void check_module(const BootInfo& info, Frame end) {
    const std::uint64_t first = info.module_start.value;
    const std::uint64_t last = end_of(info.module_start, info.module_bytes) - 1;
    const auto hits = [first, last](std::uint64_t start, std::uint64_t bytes) {
        if (start > last) return false;
        return start >= first ? bytes != 0 : first - start < bytes;  // no sum that could wrap round
    };
    bool bad = last >= address_of(end).value;
    const PhysicalAddress image = physical_of(quire_image_start);
    bad = bad || hits(image.value, physical_of(quire_image_end).value - image.value);
    for (const BootInfo::Memory& entry : info.memory())
        bad = bad || (!entry.usable && hits(entry.start.value, entry.bytes));
    if (bad) fatal("the boot module at {:#x} to {:#x} does not lie in free memory", first, last);
}

/// Fills `map` and returns the frames that are free.
std::span<FrameRange> find_free_frames(const BootInfo& info, Frame end) {
    const PhysicalAddress image = physical_of(quire_image_start);
    const PhysicalAddress bitmap_end{physical_of(quire_bitmap).value + bitmap_pages(end).bytes()};
    must_fit(map.reserve({0}, kFirmwareEnd.value));
    must_fit(map.reserve(image, bitmap_end.value - image.value));
    must_fit(map.reserve(info.module_start, info.module_bytes));
    const auto found = map.usable_frames(kLimit, ranges);
    require(found.has_value(), "the memory map was checked to fit");
    return *found;
}

void read_memory_map(const BootInfo& info) {
    for (const BootInfo::Memory& entry : info.memory()) {
        must_fit(entry.usable ? map.add_usable(entry.start, entry.bytes) : map.reserve(entry.start, entry.bytes));
    }
}

void map_page(Page page, Frame frame) {
    Machine::slot(page).store(Machine::Entry::make(frame, kReadWrite));
}

/// Shows the bitmap's frames at 0xFFB0'0000. The table is the list window's; every later directory copies these
/// entries.
std::span<std::uint32_t> map_bitmap(Frame end) {
    const Page first = port::kFrameBitmap.page();
    for (PageCount i{}; i < bitmap_pages(end); i += PageCount{1}) {
        map_page(first + i, frame_of(quire_bitmap) + FrameCount{i.value});
    }
    return {reinterpret_cast<std::uint32_t*>(port::kFrameBitmap.value), FrameBitmap::words_needed(end)};
}

/// Takes frames for the records off the end of the highest ranges (low memory is for devices) and shows them at
/// 0xFF00'0000. They are never handed to the allocator.
std::span<std::uint32_t> map_records(std::span<FrameRange> free, Frame end) {
    const Page first = port::kFrameRecords.page();
    PageCount missing = pages_for(std::size_t{end.number} * sizeof(std::uint32_t));
    for (std::size_t i = free.size(); i-- > 0;) {
        FrameRange& range = free[i];
        while (missing.value != 0 && !range.empty()) {
            range.end.number -= 1;
            missing -= PageCount{1};
            map_page(first + missing, range.end);
        }
    }
    require(missing.value == 0, "the frame records were checked to fit");
    return {reinterpret_cast<std::uint32_t*>(port::kFrameRecords.value), end.number};
}

void check_enough(std::span<const FrameRange> free, Frame end) {
    FrameCount total{};
    for (const FrameRange& range : free) total += range.count();
    const FrameCount needed = kSmallest + FrameCount{pages_for(std::size_t{end.number} * sizeof(std::uint32_t)).value};
    if (total < needed) {
        fatal("too little memory: {} KiB are free beside kernel and boot module, {} KiB are needed",
              total.bytes() >> 10, needed.bytes() >> 10);
    }
}

/// The firmware ran at the top of memory. An emulator keeps its translations of that code, and until they are
/// overwritten every
/// write to such a page is tens of times slower: clear what SeaBIOS (70 KiB) may have left, with room to spare.
void clear_firmware_remains(std::span<const FrameRange> free) {
    FrameCount left{64};
    for (std::size_t i = free.size(); i-- > 0;) {
        for (Frame frame = free[i].end; frame > free[i].first && left.value != 0; left -= FrameCount{1}) {
            frame.number -= 1;
            Machine::zero_frame(frame);
        }
    }
}

}  // namespace

Memory::Memory()
    : kernel_space(paging, {port::kKernelNodes.page(), port::kFrameRecords.page()}, Machine::kKernelPages),
      zero_frame(frame_of(zero_page.data())) {}

Memory& memory() {
    return storage.memory;
}

void init_memory(const BootInfo& info) {
    read_memory_map(info);
    const Frame end = map.end_of_memory(kLimit);
    check_module(info, end);
    const auto free = find_free_frames(info, end);
    check_enough(free, end);

    Memory& memory = *std::construct_at(&storage.memory);
    const auto bitmap = map_bitmap(end);
    const auto records = map_records(free, end);
    clear_firmware_remains(free);
    memory.frames.attach(bitmap, records, end);
    for (const FrameRange& range : free) {
        if (!range.empty()) memory.frames.manage(range);
    }
    memory.boot_directory.frame = Machine::active_directory();
    memory.boot_directory.list_table = Machine::table_frame(port::kListArea.page());
    memory.paging.adopt(memory.boot_directory);
    if (!memory.kernel_space.open()) fatal("too little memory for the kernel's own range list");
    init_kernel_heap();
}

}  // namespace quire::kernel
