#pragma once
/// The seed's story, told by the machine itself: three programs at the same virtual addresses, each allocating and
/// freeing
/// blocks of 1 byte to 64 KiB while time slices pass.

#include "kernel/console/format.hpp"

namespace quire::kernel {

/// How the live lines are drawn: rewritten in place on a terminal that knows ANSI sequences, or printed anew.
enum class Live : bool { lines, ansi };

/// Runs the three programs to their ends and prints the summary: every sum in it is checked, and the audit is run. True
/// if all three ended well and everything adds up.
[[nodiscard]] bool tell_story(Sink& out, Live live);

}  // namespace quire::kernel
