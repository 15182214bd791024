#pragma once
/// What the kernel can do without when memory runs out.

#include "quire/base/address.hpp"

namespace quire::kernel {

/// Gives back the frames of file pages that nobody maps and that the boot module's archive, or nothing, can supply again.
/// How many. (What the heap itself keeps, it gives back itself.)
/// O(pages that files hold).
FrameCount reclaim_memory();

}  // namespace quire::kernel
