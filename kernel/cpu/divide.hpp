#pragma once
/// 64 by 32 bits, as the processor divides: two DIV instructions instead of a run-time function.

#include <cstdint>

namespace quire::kernel {

struct Division {
    std::uint64_t quotient;
    std::uint32_t remainder;
};

/// `divisor` is not 0.
[[nodiscard]] inline Division divide(std::uint64_t value, std::uint32_t divisor) {
    const auto high = static_cast<std::uint32_t>(value >> 32);
    std::uint32_t low = static_cast<std::uint32_t>(value);
    std::uint32_t remainder = high % divisor;
    asm("divl %2" : "+a"(low), "+d"(remainder) : "r"(divisor) : "cc");
    return {std::uint64_t{high / divisor} << 32 | low, remainder};
}

}  // namespace quire::kernel
