#pragma once
/// Which block sizes there are. Sixteen bytes apart up to 128, then four steps for each doubling, so that rounding up
/// never
/// wastes more than a fifth of what was asked for above 64 bytes.
///
///      16 32 48 64 80 96 112 128 | 160 192 224 256 | 320 384 448 512 | 640 768 896 1024 | 1280 1536 1792 2048

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"

namespace quire {

inline constexpr std::size_t kBlockGranule = 16;    ///< every block is aligned to this and a multiple of it
inline constexpr std::size_t kLargestBlock = 2048;  ///< what is larger gets pages of its own
inline constexpr std::size_t kSizeClasses = 24;

struct SizeClass {
    std::uint32_t bytes;        ///< of a block
    std::uint32_t slab_pages;   ///< of a slab
    std::uint32_t slab_blocks;  ///< blocks in a slab
};

namespace size_classes_detail {

consteval std::array<SizeClass, kSizeClasses> make() {
    std::array<SizeClass, kSizeClasses> classes{};
    std::uint32_t bytes = 0;
    std::uint32_t step = kBlockGranule;
    for (SizeClass& size_class : classes) {
        bytes += step;
        // The smallest slab that wastes at most an eighth of itself behind its last block.
        std::uint32_t pages = 1;
        while (pages * kPageSize % bytes > pages * kPageSize / 8) pages *= 2;
        size_class = {bytes, pages, static_cast<std::uint32_t>(pages * kPageSize / bytes)};
        if (bytes >= 128 && (bytes & (bytes - 1)) == 0) step = bytes / 4;
    }
    return classes;
}

inline constexpr auto kClasses = make();

/// The class for sizes up to (index + 1) * 16.
consteval std::array<std::uint8_t, kLargestBlock / kBlockGranule> make_index() {
    std::array<std::uint8_t, kLargestBlock / kBlockGranule> index{};
    std::uint8_t number = 0;
    for (std::size_t i = 0; i < index.size(); ++i) {
        while (kClasses[number].bytes < (i + 1) * kBlockGranule) ++number;
        index[i] = number;
    }
    return index;
}

inline constexpr auto kIndex = make_index();

}  // namespace size_classes_detail

[[nodiscard]] constexpr const SizeClass& size_class(std::size_t number) {
    return size_classes_detail::kClasses[number];
}

/// The number of the smallest class with blocks of at least `bytes`, 1 to kLargestBlock.
[[nodiscard]] constexpr std::size_t class_for(std::size_t bytes) {
    return size_classes_detail::kIndex[(bytes - 1) / kBlockGranule];
}

static_assert(size_class(kSizeClasses - 1).bytes == kLargestBlock);
static_assert(class_for(1) == 0 && class_for(16) == 0 && class_for(17) == 1 &&
              class_for(kLargestBlock) == kSizeClasses - 1);

}  // namespace quire
