#include "kernel/memory/initial_files.hpp"

#include <new>

#include "kernel/console/exit.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/memory/memory.hpp"

namespace quire::kernel {

namespace {

constinit FileSystem* file_system = nullptr;

std::int64_t unix_seconds() {
    return static_cast<std::int64_t>(unix_nanoseconds() / 1'000'000'000);
}

/// The module's bytes, readable at kernel addresses. Its frames are not the allocator's, so showing them costs only
/// tables.
std::span<const std::byte> show_module(const BootInfo& info) {
    if (info.module_bytes == 0) fatal("the boot module is empty");
    const PhysicalAddress last{info.module_start.value + info.module_bytes - 1};
    const FrameRange frames{info.module_start.frame(), last.frame() + FrameCount{1}};
    const auto first = memory().kernel_space.show(frames, Rights::read);
    if (!first) fatal("too little memory to show the boot module: {}", name(first.error()));
    const std::size_t inside = static_cast<std::size_t>(info.module_start.value & kPageOffsetMask);
    return {Machine::pointer(address_of(*first)) + inside, info.module_bytes};
}

}  // namespace

void init_files(const BootInfo& info) {
    const auto archive = show_module(info);
    file_system = new (std::nothrow) FileSystem(memory().frames);
    if (file_system == nullptr) fatal("too little memory for the initial file system");
    file_system->set_clock(unix_seconds);
    if (!file_system->open()) fatal("too little memory for the initial file system");
    if (const auto filled = file_system->fill(archive); !filled) {
        fatal("the initial file system is damaged at byte {}: {}", filled.error().offset, filled.error().what);
    }
}

FileSystem& files() {
    return *file_system;
}
bool files_exist() {
    return file_system != nullptr;
}

}  // namespace quire::kernel
