#pragma once
/// The records of all processes: making and freeing them. Who runs is the scheduler's (scheduler.hpp).

#include "kernel/process/process.hpp"

namespace quire::kernel {

/// Pages of a kernel stack; a guard page lies below it.
inline constexpr PageCount kKernelStackPages{4};

/// A record with a kernel stack and a directory, in the list, not yet ready to run. enomem leaves nothing behind.
[[nodiscard]] SysResult<Process*> create_process(std::string_view name);
/// Takes back what create_process made. The space is closed, or was never opened; nothing runs on the stack.
void delete_process(Process& process);

/// Frees the directory and the stack of an ended process; its record stays until forget_ended().
void free_ended(Process& process);

}  // namespace quire::kernel
