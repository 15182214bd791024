#pragma once
/// What the kernel does once it is up: the mode that the command line names.

#include "kernel/boot/boot_info.hpp"

namespace quire::kernel {

/// Runs to the end of the machine.
[[noreturn]] void run(const BootInfo& info);

}  // namespace quire::kernel
