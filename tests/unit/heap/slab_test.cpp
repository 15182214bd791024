#include "quire/heap/known_slabs.hpp"

#include <gtest/gtest.h>

#include <bit>

namespace quire {
namespace {

/// A slab of a size, of which nothing but where its blocks lie is known.
struct Described {
    explicit Described(const SizeClass& size) {
        slab.base = reinterpret_cast<std::byte*>(std::uintptr_t{0x40000000});
        slab.inverse = static_cast<std::uint32_t>(size.inverse);
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

TEST(KnownSlab, NumbersBlocksAndNothingOnEarthElse) {
    for (std::size_t number = 0; number < kSizeClasses; ++number) {
        const SizeClass& size = size_class(number);
        const KnownSlab known{.base = reinterpret_cast<std::byte*>(std::uintptr_t{0x40000000}),
                              .inverse = size.inverse,
                              .slab = nullptr,
                              .ready_end = static_cast<std::uint16_t>(size.capacity),
                              .class_number = static_cast<std::uint8_t>(number),
                              .shift = static_cast<std::uint8_t>(std::countr_zero(size.bytes))};
        const std::size_t end = size.slab_pages * kPageSize;
        for (std::size_t offset = 0; offset < end; ++offset) {
            const bool begins = offset % size.bytes == 0 && offset / size.bytes < size.capacity;
            const std::uintptr_t found = known.number_of(known.base + offset);
            ASSERT_TRUE(begins ? found == offset / size.bytes : found >= known.ready_end)
                << size.bytes << " " << offset;
            ASSERT_GE(known.number_of(known.base - 1 - offset), known.ready_end) << size.bytes << " -" << offset + 1;
        }
        // Where as many lower bits are those of a block.
        for (unsigned bit = std::bit_width(end); bit < 8 * sizeof(void*); ++bit) {
            const auto far = reinterpret_cast<std::uintptr_t>(known.base) + (std::uintptr_t{1} << bit);
            ASSERT_GE(known.number_of(reinterpret_cast<void*>(far)), known.ready_end) << size.bytes << " 2^" << bit;
        }
        ASSERT_EQ(KnownSlab{}.slab, nullptr);
        ASSERT_GE(KnownSlab{}.number_of(known.base), KnownSlab{}.ready_end) << "one that knows nothing has no block";
    }
}

}  // namespace
}  // namespace quire
