#pragma once
/// Which block sizes there are: 16 bytes apart at first, then so many steps for each doubling (HeapShape). With eight steps
/// rounding up never wastes more than an eighth of a block above 128 bytes, and half of that on average.
///
///      8 | 16 32 48 ... 128 | 144 160 ... 256 | 288 320 ... 512 | 576 640 ... 1024 | ...            (8 steps)
///          16 32 48 ... 128 | 160 192 224 256 | 320 384 448 512 | 640 768 896 1024 | ... 2048      (4 steps)

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/base/checked.hpp"
#include "quire/heap/port.hpp"

namespace quire {

inline constexpr std::size_t kBlockGranule = 16;  ///< bytes: block sizes but the smallest are multiples of it
inline constexpr std::size_t kLargestBlock = kHeapShape.largest_block;

struct SizeClass {
    std::uint32_t bytes;       ///< of a block
    std::uint32_t slab_pages;  ///< of a slab: whole units
    std::uint32_t capacity;    ///< blocks in a slab
    std::uintptr_t inverse;    ///< of the odd part of `bytes`, modulo 2^(bits of a word): KnownSlab and Slab::number_of
};

inline constexpr std::size_t kFineLimit = 1024;  ///< bytes: class_for() is shortest up to here

namespace size_classes_detail {

inline constexpr std::size_t kFineStep = 8;      ///< bytes: the index has an entry for each so many up to kFineLimit,
inline constexpr std::size_t kCoarseStep = 128;  ///< and for each so many above

/// The size that follows `bytes`.
consteval std::size_t next_size(std::size_t bytes) {
    if (bytes < kBlockGranule) return kBlockGranule;
    std::size_t doubling = kBlockGranule;
    while (doubling * 2 <= bytes) doubling *= 2;
    const std::size_t step = doubling / (bytes < kPageSize ? kHeapShape.small_steps : kHeapShape.large_steps);
    return bytes + (step < kBlockGranule ? kBlockGranule : step);
}

consteval std::size_t count() {
    std::size_t classes = 1;
    for (std::size_t bytes = kHeapShape.smallest_block; bytes < kLargestBlock; bytes = next_size(bytes)) ++classes;
    return classes;
}

/// The x with odd * x = 1 modulo 2^(bits of a word): each step doubles how many of the lower bits are right (Warren, Hacker's Delight,
/// 10-16).
consteval std::uintptr_t inverse_of(std::uintptr_t odd) {
    std::uintptr_t inverse = odd;  // the lower three
    for (std::size_t right = 3; right < 8 * sizeof(odd); right *= 2) inverse *= 2 - odd * inverse;
    return inverse;
}

consteval SizeClass describe(std::size_t bytes) {
    std::size_t units = 1;
    const auto too_few = [&] { return units * kUnitBytes / bytes < kHeapShape.blocks_per_slab; };
    const auto wasteful = [&] { return units * kUnitBytes % bytes > units * kUnitBytes / 8; };
    while (units < kHeapShape.units_per_slab && (too_few() || wasteful())) units *= 2;
    return {static_cast<std::uint32_t>(bytes), static_cast<std::uint32_t>(units * kUnitPages.value),
            static_cast<std::uint32_t>(units * kUnitBytes / bytes), inverse_of(bytes >> std::countr_zero(bytes))};
}

consteval auto make() {
    std::array<SizeClass, count()> classes{};
    std::size_t bytes = kHeapShape.smallest_block;
    for (SizeClass& size_class : classes) {
        size_class = describe(bytes);
        bytes = next_size(bytes);
    }
    return classes;
}

inline constexpr auto kClasses = make();

/// Entry i: the class for sizes up to i * step.
template <std::size_t Entries>
consteval std::array<std::uint8_t, Entries> make_index(std::size_t step) {
    std::array<std::uint8_t, Entries> index{};
    std::uint8_t number = 0;
    for (std::size_t i = 0; i < Entries; ++i) {
        while (kClasses[number].bytes < i * step) ++number;
        index[i] = number;
    }
    return index;
}

inline constexpr auto kFine = make_index<kFineLimit / kFineStep + 1>(kFineStep);
inline constexpr auto kCoarse = make_index<kLargestBlock / kCoarseStep + 1>(kCoarseStep);

}  // namespace size_classes_detail

inline constexpr std::size_t kSizeClasses = size_classes_detail::kClasses.size();

[[nodiscard]] constexpr const SizeClass& size_class(std::size_t number) {
    return size_classes_detail::kClasses[number];
}

/// The number of the smallest class with blocks of at least `bytes`, 0 to kLargestBlock.
[[nodiscard]] constexpr std::size_t class_for(std::size_t bytes) {
    namespace detail = size_classes_detail;
    if (bytes <= kFineLimit) [[likely]]
        return detail::kFine[(bytes + detail::kFineStep - 1) / detail::kFineStep];
    return detail::kCoarse[(bytes + detail::kCoarseStep - 1) / detail::kCoarseStep];
}

/// Behind the last of the larger classes of which a block may stand for one of this class (LocalHeap::borrow): at most HeapShape::borrowed of
/// them, whose blocks are longer by a quarter at most, or where sizes are a granule apart.
[[nodiscard]] constexpr std::size_t lenders_end(std::size_t number) {
    const std::size_t bytes = size_class(number).bytes;
    const std::size_t most = std::max(bytes + bytes / 4, bytes + kHeapShape.borrowed * kBlockGranule);
    const std::size_t end = std::min(number + 1 + kHeapShape.borrowed, kSizeClasses);
    std::size_t larger = number + 1;
    while (larger < end && size_class(larger).bytes <= most) ++larger;
    return larger;
}

/// The smallest class whose blocks hold `bytes` and are all aligned to `alignment`, a power of two; kSizeClasses if there
/// is none. Slabs begin at a page, so blocks of a size that is a multiple of the alignment are aligned to it. Sizes are apart by powers of
/// two: a multiple of the alignment either is one, or the next is a multiple of more.
[[nodiscard]] constexpr std::size_t aligned_class(std::size_t bytes, std::size_t alignment) {
    if (bytes > kLargestBlock || alignment > kLargestBlock || alignment > kPageSize) return kSizeClasses;
    const std::size_t rounded = (std::max(bytes, std::size_t{1}) + alignment - 1) & ~(alignment - 1);
    return rounded > kLargestBlock ? kSizeClasses : class_for(rounded);
}

namespace size_classes_detail {

consteval bool all_are_aligned() {
    for (std::size_t alignment = 1; alignment <= std::min(kLargestBlock, kPageSize); alignment *= 2) {
        for (std::size_t bytes = 0; bytes <= kLargestBlock; bytes += kLargestBlock / 1024 - 1) {
            const std::size_t number = aligned_class(bytes, alignment);
            if (number != kSizeClasses && size_class(number).bytes % alignment != 0) return false;
        }
    }
    return true;
}
static_assert(all_are_aligned());

}  // namespace size_classes_detail

static_assert(size_class(kSizeClasses - 1).bytes == kLargestBlock && kSizeClasses < 256);
static_assert(class_for(0) == 0 && class_for(1) == 0 && class_for(kLargestBlock) == kSizeClasses - 1);

}  // namespace quire
