#pragma once
/// A run of pages that the heap owns, described out of line: a slab of equal blocks, or one large block. Nothing of the
/// heap's
/// own lies in the pages, so nothing that a program writes past its block can mislead the heap.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/heap/size_classes.hpp"

namespace quire {

struct Slab {
    static constexpr std::uint8_t kLarge = 0xFF;
    static constexpr std::size_t kMaxBlocks = kPageSize / kBlockGranule;  // 256 of 16 bytes
    static constexpr std::size_t kWords = kMaxBlocks / 32;

    std::byte* start = nullptr;
    std::size_t pages = 0;
    std::size_t large_bytes = 0;  ///< of a large block: what was asked for
    Slab* next = nullptr;         ///< in its class's list of slabs with free blocks, or in the list of free descriptors
    Slab* previous = nullptr;
    std::uint16_t free_blocks = 0;
    std::uint8_t class_number = kLarge;
    bool listed = false;
    std::array<std::uint32_t, kWords> free_bits{};  ///< bit i: block i is free

    [[nodiscard]] bool is_large() const { return class_number == kLarge; }
    [[nodiscard]] const SizeClass& blocks() const { return size_class(class_number); }
    [[nodiscard]] bool is_free(std::size_t block) const { return (free_bits[block / 32] >> (block % 32) & 1U) != 0; }

    /// Takes a free block; there is one. At most kWords words are looked at.
    [[nodiscard]] std::byte* take() {
        std::size_t word = 0;
        while (free_bits[word] == 0) ++word;
        const auto bit = static_cast<std::size_t>(std::countr_zero(free_bits[word]));
        free_bits[word] &= free_bits[word] - 1;
        --free_blocks;
        return start + (word * 32 + bit) * blocks().bytes;
    }
    void give_back(std::size_t block) {
        free_bits[block / 32] |= 1U << (block % 32);
        ++free_blocks;
    }
};

}  // namespace quire
