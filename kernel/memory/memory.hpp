#pragma once
/// The kernel's memory, put together from the library's layers; built once by boot, bottom to top.
///
///      frames ──▶ paging ──▶ kernel_space ──▶ heap (kmalloc, new)
///                    └─────▶ one Space for each process

#include "quire/base/address.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/paging/paging.hpp"
#include "quire/space/kernel_space.hpp"
#include "quire/space/space.hpp"

namespace quire::kernel {

/// What belongs to the machine as a whole. One object for ever: memory().
struct Memory {
    FrameAllocator frames;
    Paging paging{frames};
    KernelSpace kernel_space;
    Directory boot_directory;  ///< the directory of boot, of the idle kernel and of process-less moments
    Frame zero_frame;          ///< a page of zeroes in the kernel image: exempt from share counts

    Memory();
};
[[nodiscard]] Memory& memory();

/// Where mmap looks first: a third of the way up user space, as Linux/i386 has it, so that brk has room above the
/// program.
inline constexpr Page kMappingBase{0x40000};
/// The highest page of a program's stack, and how much of it is allocated (not: backed). One page below 3 GiB stays
/// free.
inline constexpr Page kStackEnd{0xBFFFF};
inline constexpr PageCount kStackPages{2048};  // 8 MiB, Linux's default limit

}  // namespace quire::kernel
