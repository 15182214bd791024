#pragma once
/// The initial file system, filled from the boot module.

#include "kernel/boot/boot_info.hpp"
#include "kernel/fs/file_system.hpp"

namespace quire::kernel {

/// Shows the boot module in kernel space and fills the file system from it. Ends with a fatal line if the archive is
/// damaged or
/// does not fit. Once, after init_memory() and init_timer().
void init_files(const BootInfo& info);

/// The one file system, after init_files().
[[nodiscard]] FileSystem& files();
[[nodiscard]] bool files_exist();

}  // namespace quire::kernel
