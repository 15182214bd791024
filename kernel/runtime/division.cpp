/// 64-bit division for a 32-bit processor: what a compiler calls for `/` and `%` of 64-bit numbers (names: GCC
/// internals, "Routines for integer arithmetic"). H. S. Warren, Hacker's Delight, 2nd edition, 9-5 for the method.

#include <bit>
#include <cstdint>

#include "kernel/cpu/divide.hpp"

namespace {

struct Result {
    std::uint64_t quotient;
    std::uint64_t remainder;
};

Result divide_unsigned(std::uint64_t value, std::uint64_t divisor) {
    const auto divisor_high = static_cast<std::uint32_t>(divisor >> 32);
    if (divisor_high == 0) {
        const auto [quotient, remainder] = quire::kernel::divide(value, static_cast<std::uint32_t>(divisor));
        return {quotient, remainder};
    }
    // The quotient has at most 32 bits. Dividing half of the value by the divisor's top 32 bits gives it, or one too
    // much.
    const int shift = std::countl_zero(divisor_high);
    const auto top = static_cast<std::uint32_t>(divisor << shift >> 32);
    std::uint64_t quotient = quire::kernel::divide(value >> 1, top).quotient >> (31 - shift);
    if (quotient != 0) --quotient;
    std::uint64_t remainder = value - quotient * divisor;
    if (remainder >= divisor) {
        ++quotient;
        remainder -= divisor;
    }
    return {quotient, remainder};
}

std::uint64_t magnitude(std::int64_t value) {
    const auto bits = static_cast<std::uint64_t>(value);
    return value < 0 ? 0 - bits : bits;
}
std::int64_t with_sign(std::uint64_t value, bool negative) {
    return static_cast<std::int64_t>(negative ? 0 - value : value);
}

}  // namespace

extern "C" {

std::uint64_t __udivdi3(std::uint64_t value, std::uint64_t divisor);
std::uint64_t __umoddi3(std::uint64_t value, std::uint64_t divisor);
std::uint64_t __udivmoddi4(std::uint64_t value, std::uint64_t divisor, std::uint64_t* remainder);
std::int64_t __divdi3(std::int64_t value, std::int64_t divisor);
std::int64_t __moddi3(std::int64_t value, std::int64_t divisor);

std::uint64_t __udivdi3(std::uint64_t value, std::uint64_t divisor) {
    return divide_unsigned(value, divisor).quotient;
}
std::uint64_t __umoddi3(std::uint64_t value, std::uint64_t divisor) {
    return divide_unsigned(value, divisor).remainder;
}
std::uint64_t __udivmoddi4(std::uint64_t value, std::uint64_t divisor, std::uint64_t* remainder) {
    const Result result = divide_unsigned(value, divisor);
    if (remainder != nullptr) *remainder = result.remainder;
    return result.quotient;
}
std::int64_t __divdi3(std::int64_t value, std::int64_t divisor) {
    return with_sign(divide_unsigned(magnitude(value), magnitude(divisor)).quotient, (value < 0) != (divisor < 0));
}
std::int64_t __moddi3(std::int64_t value, std::int64_t divisor) {
    return with_sign(divide_unsigned(magnitude(value), magnitude(divisor)).remainder, value < 0);
}

}  // extern "C"
