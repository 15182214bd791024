#pragma once
/// Numbers that programs may use for stack canaries and the like: not cryptography. Seeded from the time stamp counter,
/// so that a
/// deterministic machine (--icount) runs the same way each time.

#include <cstddef>
#include <span>

namespace quire::kernel {

void fill_random(std::span<std::byte> out);

}  // namespace quire::kernel
