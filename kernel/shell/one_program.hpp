#pragma once
/// mode=program: one executable as the only process; the machine ends when it does.

#include <cstdint>

namespace quire::kernel {

/// Runs what /.quire/program, argv and env of the initial file system name. Returns what a shell would show as its exit
/// status: 126
/// and 127 when it could not be started. The audit is run afterwards.
[[nodiscard]] std::uint8_t run_one_program();

}  // namespace quire::kernel
