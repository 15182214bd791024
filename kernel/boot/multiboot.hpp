#pragma once
/// The boot loader's information, copied out. https://www.gnu.org/software/grub/manual/multiboot/multiboot.html, 3.3.

#include <cstdint>

#include "kernel/boot/boot_info.hpp"

namespace quire::kernel {

/// Fills `info` from what the boot loader left at physical address `information`; works while all of memory
/// is mapped where it is. Ends with a fatal line if the kernel was not started by a Multiboot boot loader, or what it
/// says cannot be used: no memory, no module, several modules, a command line that is too long.
void copy_boot_info(BootInfo& info, std::uint32_t magic, std::uint32_t information);

}  // namespace quire::kernel
