#pragma once
/// From the firmware's memory map to the kernel's memory (kernel/memory/memory.hpp).

#include "kernel/boot/boot_info.hpp"

namespace quire::kernel {

/// Sets up memory(): frame allocator with its bitmap at 0xFFB0'0000 and its records at 0xFF00'0000, paging with the
/// directory of boot, kernel space. Ends with a fatal line if there is too little memory or the boot module does not
/// lie in it. Once, after switch_to_final_tables().
void init_memory(const BootInfo& info);

}  // namespace quire::kernel
