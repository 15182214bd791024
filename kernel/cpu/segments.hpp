#pragma once
/// The descriptor table: flat code and data for kernel and programs, two task states, and three descriptors that the
/// running program chooses (set_thread_area). Paging protects memory; segments are only what the processor insists on,
/// and how C libraries reach their thread's data (gs).
///
///     index  selector
///       1     0x08     kernel code            6..8   0x33 0x3B 0x43   the program's own (the numbers that Linux uses)
///       2     0x10     kernel stack           9      0x48             task state of the double fault
///       3     0x1B     user code
///       4     0x23     user data; also ds and es of the kernel
///       5     0x28     task state of everything else
///
/// The kernel runs with ds = es = user data: the descriptor is flat, and privilege 0 may use it (SDM volume 3, 5.5). So
/// entering and leaving the kernel need not load any segment register unless the program changed its own.

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"

namespace quire::kernel {

inline constexpr std::uint16_t kKernelCode = 0x08;
inline constexpr std::uint16_t kKernelStack = 0x10;
inline constexpr std::uint16_t kUserCode = 0x1B;
inline constexpr std::uint16_t kUserData = 0x23;
inline constexpr std::uint16_t kTaskState = 0x28;
inline constexpr std::uint16_t kDoubleFaultTask = 0x48;

/// The descriptors of set_thread_area: entry numbers kFirstThreadEntry .. + kThreadEntries - 1, selector = number * 8
/// + 3.
inline constexpr std::uint32_t kFirstThreadEntry = 6;
inline constexpr std::uint32_t kThreadEntries = 3;

/// A descriptor of the table. Intel SDM volume 3, 3.4.5. All zero: not present, a selector to it cannot be loaded.
struct Descriptor {
    std::uint64_t bits = 0;
    constexpr bool operator==(const Descriptor&) const = default;
};

/// What a program may ask for: data segments of its own privilege.
struct ThreadSegment {
    VirtualAddress base;
    std::uint32_t limit = 0;  ///< last valid offset, in bytes or, with limit_in_pages, in 4 KiB pages; 20 bits
    bool limit_in_pages = false;
    bool writable = true;
    bool expand_down = false;
    bool big = true;  ///< 32-bit offsets
};
/// Never a descriptor that could do harm: privilege 3, data, present.
[[nodiscard]] Descriptor make_descriptor(const ThreadSegment& segment);

/// What belongs to a process: its descriptors and the selectors in fs and gs. Default: none, null selectors.
struct UserSegments {
    std::array<Descriptor, kThreadEntries> entries{};
    std::uint16_t fs = 0;
    std::uint16_t gs = 0;
};

/// Reads the running program's fs and gs into `segments` (`entries` is the process's own truth and is not read back).
void save_user_segments(UserSegments& segments);
/// Puts the descriptors into the table and loads fs and gs; a selector that cannot be loaded becomes 0.
void load_user_segments(const UserSegments& segments);

/// Where traps from user mode put their frame: the end of the running process's kernel stack (TSS.esp0, gotcha 69).
void set_kernel_stack(std::byte* stack_top);

/// Builds and loads the table and the task register. `directory`: physical address of a page directory that always
/// exists, for the double-fault task (gotcha 68). Once, by boot.
void init_segments(PhysicalAddress directory);

}  // namespace quire::kernel
