#pragma once
/// What may be done with memory, and what a processor tried to do with it.

#include <cstdint>

namespace quire {

/// A set of rights to a page or region. The rights that a region grants are the truth; the bits of page-table entries
/// are derived from them, never the other way round. An architecture without an execute bit (i386 without PAE)
/// cannot refuse execution of what may be read; the right is kept all the same.
class Rights {
public:
    constexpr Rights() = default;

    static const Rights none;
    static const Rights read;
    static const Rights write;
    static const Rights execute;
    static const Rights user;  ///< a program may use it, not only the kernel

    /// All of `wanted` is in this set.
    [[nodiscard]] constexpr bool include(Rights wanted) const { return (bits_ & wanted.bits_) == wanted.bits_; }
    [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
    [[nodiscard]] constexpr Rights without(Rights other) const {
        return Rights(static_cast<std::uint8_t>(bits_ & ~other.bits_));
    }
    /// The set as a small number, for storage in a packed word (0..15), and back.
    [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }
    [[nodiscard]] static constexpr Rights from_bits(std::uint8_t bits) { return Rights(bits & 0xFU); }

    friend constexpr Rights operator|(Rights a, Rights b) {
        return Rights(static_cast<std::uint8_t>(a.bits_ | b.bits_));
    }
    friend constexpr Rights operator&(Rights a, Rights b) {
        return Rights(static_cast<std::uint8_t>(a.bits_ & b.bits_));
    }
    constexpr bool operator==(const Rights&) const = default;

private:
    constexpr explicit Rights(unsigned bits) : bits_(static_cast<std::uint8_t>(bits)) {}
    std::uint8_t bits_ = 0;
};

inline constexpr Rights Rights::none{};
inline constexpr Rights Rights::read{1U};
inline constexpr Rights Rights::write{2U};
inline constexpr Rights Rights::execute{4U};
inline constexpr Rights Rights::user{8U};

/// What a processor tried when it faulted.
enum class Access : std::uint8_t { read, write, execute };

/// The right that an access needs.
[[nodiscard]] constexpr Rights needed_for(Access access) {
    switch (access) {
        case Access::write: return Rights::write;
        case Access::execute: return Rights::execute;
        case Access::read: break;
    }
    return Rights::read;
}

}  // namespace quire
