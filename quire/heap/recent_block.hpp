#pragma once
/// A block that was freed lately: what its local heap needs to hand it out again without looking for its slab.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "quire/heap/slab.hpp"

namespace quire {

namespace recent_block_detail {

/// With 32 bits: four words, so that an array of a power of two of them takes a power of two of bytes.
struct Plain {
    std::uintptr_t address;
    Slab::Word* word_at;
    std::size_t bit_number;
    std::size_t unused;

    static Plain make(std::uintptr_t block, Slab::Word* word, std::size_t bit) { return {block, word, bit, 0}; }
    [[nodiscard]] std::uintptr_t block() const { return address; }
    [[nodiscard]] std::size_t bit() const { return bit_number; }
};

/// With 64 bits the bit's number has room below the address, of which the upper bits all equal the highest that is used (58 bits are
/// enough): where a shift takes its count from the lower six bits of a register, as most machines do, the number need not be unpacked.
///
///      63                                     6 5    0
///      ┌───────────────────────────────────────┬──────┐
///      │ address of the block                  │ bit  │
///      └───────────────────────────────────────┴──────┘
struct Packed {
    static constexpr unsigned kShift = 6;
    std::uintptr_t address_and_bit;
    Slab::Word* word_at;

    static Packed make(std::uintptr_t block, Slab::Word* word, std::size_t bit) {
        return {block << kShift | bit, word};
    }
    [[nodiscard]] std::uintptr_t block() const {
        return static_cast<std::uintptr_t>(static_cast<std::intptr_t>(address_and_bit) >> kShift);
    }
    [[nodiscard]] std::size_t bit() const { return address_and_bit % (std::uintptr_t{1} << kShift); }
};

}  // namespace recent_block_detail

class RecentBlock {
public:
    RecentBlock() = default;
    RecentBlock(const void* block, Slab::Word* word, std::size_t bit)
        : fields_(Fields::make(reinterpret_cast<std::uintptr_t>(block), word, bit)) {}

    [[nodiscard]] std::byte* block() const { return reinterpret_cast<std::byte*>(fields_.block()); }
    [[nodiscard]] Slab::Word* word() const { return fields_.word_at; }  ///< that its bit is in,
    [[nodiscard]] std::size_t bit() const { return fields_.bit(); }     ///< this one

private:
    using Fields = std::conditional_t<sizeof(void*) == 8, recent_block_detail::Packed, recent_block_detail::Plain>;
    Fields fields_;
};

}  // namespace quire
