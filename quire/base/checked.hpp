#pragma once
/// Sizes that come from outside are checked for overflow before they are rounded (gotchas 34 and 56), here and
/// nowhere else.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"

namespace quire {

/// a + b, or nothing if it does not fit T.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) {
    T sum{};
    if (__builtin_add_overflow(a, b, &sum)) return std::nullopt;
    return sum;
}

/// a * b, or nothing if it does not fit T.
template <std::unsigned_integral T>
[[nodiscard]] constexpr std::optional<T> checked_multiply(T a, T b) {
    T product{};
    if (__builtin_mul_overflow(a, b, &product)) return std::nullopt;
    return product;
}

/// std::rotr(), which asks first, in some libraries, whether there is anything to rotate.
template <std::unsigned_integral T>
[[nodiscard]] constexpr T rotate_right(T word, unsigned bits) {
    constexpr unsigned kBits = 8 * sizeof(T);
    static_assert(kBits >= 32, "a smaller word would be promoted");
    return word >> bits % kBits | word << (kBits - bits) % kBits;
}
static_assert(rotate_right(0x1234'5678U, 8) == 0x7812'3456U && rotate_right(~std::uint64_t{1}, 0) == ~std::uint64_t{1});

/// How many bits of a word are set. std::popcount would need a library function where the processor has no such instruction.
/// Adds neighbouring fields of 1, 2 and 4 bits, then all bytes by a multiplication (Warren, Hacker's Delight, 5-1).
template <std::unsigned_integral T>
[[nodiscard]] constexpr unsigned ones_in(T word) {
    constexpr T kAll = static_cast<T>(~T{0});
    word = static_cast<T>(word - (word >> 1U & kAll / 3));
    word = static_cast<T>((word & kAll / 5) + (word >> 2U & kAll / 5));
    word = static_cast<T>((word + (word >> 4U)) & kAll / 17);
    return static_cast<unsigned>(static_cast<T>(word * (kAll / 255)) >> (8 * (sizeof(T) - 1)));
}
static_assert(ones_in(0xFFFF'FFFFU) == 32 && ones_in(~std::uint64_t{0}) == 64 && ones_in(0x8000'0101U) == 3);

[[nodiscard]] constexpr bool is_power_of_two(std::size_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

/// `value` rounded down to a multiple of `alignment`, a power of two.
[[nodiscard]] constexpr std::uintptr_t align_down(std::uintptr_t value, std::size_t alignment) {
    return value & ~(std::uintptr_t{alignment} - 1);
}

/// `value` rounded up to a multiple of `alignment` (a power of two), or nothing if that wraps round.
[[nodiscard]] constexpr std::optional<std::uintptr_t> align_up(std::uintptr_t value, std::size_t alignment) {
    const auto raised = checked_add<std::uintptr_t>(value, alignment - 1);
    if (!raised) return std::nullopt;
    return align_down(*raised, alignment);
}

/// How many pages `bytes` bytes take. Never overflows: 2^32 - 1 bytes are 2^20 pages.
[[nodiscard]] constexpr PageCount pages_for(std::size_t bytes) {
    return {bytes / kPageSize + (bytes % kPageSize != 0 ? 1U : 0U)};
}

/// The pages that hold [start, start + bytes). bad_argument if the bytes wrap round the end of the addresses.
[[nodiscard]] constexpr Result<PageRange> pages_covering(VirtualAddress start, std::size_t bytes) {
    if (bytes == 0) return PageRange{start.page(), start.page()};
    const auto last = checked_add<std::uintptr_t>(start.value, bytes - 1);
    if (!last) return fail(Error::bad_argument);
    return PageRange{start.page(), VirtualAddress{*last}.page() + PageCount{1}};
}

}  // namespace quire
