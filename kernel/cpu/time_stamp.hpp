#pragma once
/// The time stamp counter: ticks since power-on. Under --icount one tick is one instruction. Intel SDM volume 2, RDTSC.

#include <cstdint>

namespace quire::kernel {

[[nodiscard]] inline std::uint64_t time_stamp() {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return std::uint64_t{high} << 32U | low;
}

}  // namespace quire::kernel
