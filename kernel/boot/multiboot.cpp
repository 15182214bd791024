#include "kernel/boot/multiboot.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernel/console/exit.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint32_t kMagic = 0x2BAD'B002;

struct Information {
    std::uint32_t flags;
    std::uint32_t memory_lower;  // KiB from 0
    std::uint32_t memory_upper;  // KiB from 1 MiB, up to the first hole
    std::uint32_t boot_device;
    std::uint32_t command_line;
    std::uint32_t module_count;
    std::uint32_t modules;
    std::uint32_t symbols[4];
    std::uint32_t map_bytes;
    std::uint32_t map;
};
static_assert(offsetof(Information, map) == 48);
constexpr std::uint32_t kHasMemory = 1U << 0;
constexpr std::uint32_t kHasCommandLine = 1U << 2;
constexpr std::uint32_t kHasModules = 1U << 3;
constexpr std::uint32_t kHasMap = 1U << 6;

struct Module {
    std::uint32_t start;
    std::uint32_t end;
    std::uint32_t text;
    std::uint32_t reserved;
};

/// An entry of the memory map, behind its `size` field, which does not count itself (gotcha 42).
struct MapEntry {
    std::uint32_t start_low;
    std::uint32_t start_high;
    std::uint32_t bytes_low;
    std::uint32_t bytes_high;
    std::uint32_t type;
};
constexpr std::uint32_t kUsable = 1;

/// Memory is mapped where it is, but for the 4 MiB that the kernel's own half hides; nothing a boot loader says lies
/// there.
template <typename T>
T read_physical(std::uint32_t address) {
    T value;
    std::memcpy(&value, reinterpret_cast<const void*>(static_cast<std::uintptr_t>(address)), sizeof value);
    return value;
}

void add_memory(BootInfo& info, std::uint64_t start, std::uint64_t bytes, bool usable) {
    if (info.memory_count == BootInfo::kMaxMemory)
        fatal("the memory map has more than {} entries", BootInfo::kMaxMemory);
    info.memory_entries[info.memory_count++] = {{start}, bytes, usable};
}

void copy_memory_map(BootInfo& info, const Information& source) {
    if ((source.flags & kHasMap) != 0) {
        for (std::uint32_t at = 0; at + sizeof(std::uint32_t) + sizeof(MapEntry) <= source.map_bytes;) {
            const auto size = read_physical<std::uint32_t>(source.map + at);
            if (size < sizeof(MapEntry) || size > source.map_bytes) fatal("the memory map is malformed");
            const auto entry = read_physical<MapEntry>(source.map + at + sizeof size);
            add_memory(info, std::uint64_t{entry.start_high} << 32 | entry.start_low,
                       std::uint64_t{entry.bytes_high} << 32 | entry.bytes_low, entry.type == kUsable);
            at += size + sizeof size;
        }
    } else if ((source.flags & kHasMemory) != 0) {
        add_memory(info, 0, std::uint64_t{source.memory_lower} << 10, true);
        add_memory(info, 0x10'0000, std::uint64_t{source.memory_upper} << 10, true);
    }
    if (std::ranges::none_of(info.memory(), &BootInfo::Memory::usable)) fatal("the boot loader names no usable memory");
}

void copy_command_line(BootInfo& info, const Information& source) {
    if ((source.flags & kHasCommandLine) == 0) return;
    for (std::uint32_t at = source.command_line;; ++at) {
        const char c = read_physical<char>(at);
        if (c == '\0') return;
        if (info.command_line_length == info.command_line_bytes.size()) {
            fatal("the command line is longer than {} bytes", info.command_line_bytes.size());
        }
        info.command_line_bytes[info.command_line_length++] = c;
    }
}

void copy_module(BootInfo& info, const Information& source) {
    const std::uint32_t count = (source.flags & kHasModules) != 0 ? source.module_count : 0;
    if (count == 0) fatal("there is no boot module: the initial file system is missing");
    if (count > 1) fatal("there are {} boot modules, one is expected", count);
    const auto module = read_physical<Module>(source.modules);
    if (module.end <= module.start) fatal("the boot module is empty");
    info.module_start = {module.start};
    info.module_bytes = module.end - module.start;
}

}  // namespace

void copy_boot_info(BootInfo& info, std::uint32_t magic, std::uint32_t information) {
    if (magic != kMagic) fatal("not started by a Multiboot boot loader (eax {:#010x})", magic);
    const auto source = read_physical<Information>(information);
    copy_command_line(info, source);
    copy_memory_map(info, source);
    copy_module(info, source);
}

}  // namespace quire::kernel
