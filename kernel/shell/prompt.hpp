#pragma once
/// The interactive prompt: looks into the running system, starts programs.

#include "kernel/console/format.hpp"

namespace quire::kernel {

/// Reads commands from the terminal and carries them out, until `exit` or the end of input. Returns the exit status
/// that
/// `exit [N]` names, 0 otherwise.
[[nodiscard]] unsigned char run_prompt(Sink& out);

}  // namespace quire::kernel
