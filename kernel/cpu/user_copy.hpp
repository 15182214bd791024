#pragma once
/// The one door to programs' memory. A user address is only a number until it went through here.
///
/// The range is checked first, without overflow (gotcha 34); the copy itself then simply runs. A page that is
/// valid but absent or copy-on-write faults, is resolved by the ordinary fault path, and the copy goes on (gotchas
/// 21, 32); a bad one makes the copying instruction continue at its fix-up (gotcha 33). Nothing is looked up
/// beforehand that could have changed by the time it is used. Must not be called with a Lock held: it may block in a
/// fault. The process whose directory is active is meant.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <type_traits>

#include "quire/base/address.hpp"

namespace quire::kernel {

/// One past the last address that a program can have.
inline constexpr std::uint32_t kUserLimit = 0xC000'0000U;

/// [address, address + bytes) lies below kUserLimit. Says nothing about what is mapped there.
[[nodiscard]] constexpr bool is_user_range(VirtualAddress address, std::size_t bytes) {
    return address.value <= kUserLimit && bytes <= kUserLimit - address.value;
}

/// Copies destination.size() bytes from the program. False (EFAULT) if any of them may not be read; `destination` is
/// then filled in part.
[[nodiscard]] bool copy_from_user(std::span<std::byte> destination, VirtualAddress source);

/// Copies all of `source` to the program. False (EFAULT) if any byte may not be written; some may have been.
[[nodiscard]] bool copy_to_user(VirtualAddress destination, std::span<const std::byte> source);

/// As the two above, but says how many bytes were copied before the first bad one: what read and write return then.
[[nodiscard]] std::size_t copy_some_from_user(std::span<std::byte> destination, VirtualAddress source);
[[nodiscard]] std::size_t copy_some_to_user(VirtualAddress destination, std::span<const std::byte> source);

/// Writes `bytes` zeros. False as copy_to_user.
[[nodiscard]] bool clear_user(VirtualAddress destination, std::size_t bytes);

enum class StringError : std::uint8_t {
    bad_address,  ///< EFAULT
    too_long,     ///< no NUL within destination.size() bytes: ENAMETOOLONG or E2BIG, as the caller sees fit
};
/// Copies a string with its NUL. Returns its length without it.
[[nodiscard]] std::expected<std::size_t, StringError> copy_string_from_user(std::span<char> destination,
                                                                            VirtualAddress source);

/// One value of a plain type (a structure of the Linux ABI, a number).
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] std::optional<T> load_user(VirtualAddress source) {
    T value;
    if (!copy_from_user(std::as_writable_bytes(std::span(&value, 1)), source)) return std::nullopt;
    return value;
}
template <typename T>
    requires std::is_trivially_copyable_v<T>
[[nodiscard]] bool store_user(VirtualAddress destination, const T& value) {
    return copy_to_user(destination, std::as_bytes(std::span(&value, 1)));
}

/// Where an instruction that faulted on user memory continues, or nothing. For the trap dispatcher.
[[nodiscard]] std::optional<std::uint32_t> fixup_for(std::uint32_t eip);

}  // namespace quire::kernel
