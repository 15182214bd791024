#include "quire/heap/slab.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace quire {
namespace {

/// A slab of a size, of which nothing but where its blocks lie is known.
struct Described {
    explicit Described(const SizeClass& size) {
        slab.base = reinterpret_cast<std::byte*>(std::uintptr_t{0x40000000});
        slab.inverse = size.inverse;
        slab.shift = static_cast<std::uint8_t>(std::countr_zero(size.bytes));
        slab.capacity = size.capacity;
        slab.block_bytes = size.bytes;
    }
    Slab slab;
};

TEST(Slab, NumbersBlocksAndNothingElse) {
    for (std::size_t number = 0; number < kSizeClasses; ++number) {
        const SizeClass& size = size_class(number);
        const Described described(size);
        const Slab& slab = described.slab;
        const std::size_t end = size.slab_pages * kPageSize;
        for (std::size_t offset = 0; offset < end; ++offset) {
            const bool begins = offset % size.bytes == 0 && offset / size.bytes < size.capacity;
            const std::uint32_t found = slab.number_of(slab.base + offset);
            ASSERT_TRUE(begins ? found == offset / size.bytes : found >= size.capacity) << size.bytes << " " << offset;
        }
        // What lies before the first block: another's, or what the slab has to spare.
        for (std::size_t before = 1; before <= end; ++before) {
            ASSERT_GE(slab.number_of(slab.base - before), size.capacity) << size.bytes << " -" << before;
        }
    }
}

}  // namespace
}  // namespace quire
