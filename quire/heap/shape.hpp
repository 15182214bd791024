#pragma once
/// What a port decides about heaps: `quire::port::Machine::kHeapShape`. A kernel, where every page is committed before it
/// is handed out, wants small slabs; a program, whose pages get frames at first touch, wants few and large ones.

#include <cstddef>

namespace quire {

struct HeapShape {
    /// Slabs are whole units, and the map from addresses to slabs has an entry for each unit. Bytes, log2; at least 12.
    unsigned unit_shift;
    std::size_t smallest_block;     ///< bytes: 8, or 16 so that every block is aligned to 16
    std::size_t largest_block;      ///< bytes, a power of two; what is larger gets pages of its own
    std::size_t largest_alignment;  ///< bytes, a power of two
    unsigned small_steps;           ///< block sizes for each doubling up to 4 KiB: 4, 8 or 16
    unsigned large_steps;           ///< and above
    std::size_t blocks_per_slab;    ///< as few blocks as a slab should have, if that takes no more than
    std::size_t units_per_slab;     ///< as many units
    std::size_t map_roots;          ///< the map's first level; each entry leads to a leaf of
    std::size_t map_leaf;           ///< as many units; a leaf takes whole pages
    bool map_from_zero;             ///< the map begins at address 0, not where the heap's range does
    std::size_t cache_line;         ///< bytes: what two processors write is kept so far apart
    std::size_t idle_bytes;         ///< what a local heap may keep in slabs without a taken block,
    std::size_t idle_learned;       ///< and so much more at most, as far as it was missed
    std::size_t known;              ///< units of its own slabs that a local heap finds without the map; a power of two
    std::size_t borrowed;           ///< by so many sizes at most a block may be larger than need be: lenders_end()
    std::size_t spare_descriptor_pages;  ///< as many pages without a descriptor in use are kept for the next slabs
    std::size_t ready;  ///< how many free blocks of a size a local heap has at hand at most, below 65536: ReadyBlocks
    /// Bytes of a size that are at hand at most, but 64 blocks in any case.
    std::size_t ready_bytes = std::size_t{64} << 10U;
    /// Blocks of a size for which there is room from the beginning, however large they are: ready_places.hpp.
    std::size_t few_ready = 16;
    /// Bytes that a program's heap may keep free in any case, for the next time.
    std::size_t first_budget = std::size_t{128} << 10U;
    /// From so many used bytes on a program's heap may keep as many as it uses,
    std::size_t much_used = std::size_t{8} << 20U;
    /// and so many besides in large spans, of which one more or less is much; but no more than twice what it uses.
    std::size_t kept_besides = 0;
    /// Bytes that a program's heap keeps, more than its budget, because what was given back was soon wanted again: at most.
    std::size_t most_learned = ~std::size_t{0};
};

/// For a kernel: slabs of one to four pages, a map of up to 2 GiB of kernel pages (64-bit: 1 GiB).
inline constexpr HeapShape kKernelHeapShape{.unit_shift = 12,
                                            .smallest_block = 16,
                                            .largest_block = 2048,
                                            .largest_alignment = std::size_t{4} << 20U,
                                            .small_steps = 4,
                                            .large_steps = 4,
                                            .blocks_per_slab = 8,
                                            .units_per_slab = 4,
                                            .map_roots = 512,
                                            .map_leaf = 4096 / sizeof(void*),
                                            .map_from_zero = false,
                                            .cache_line = 4 * sizeof(void*),
                                            .idle_bytes = 16384,
                                            .idle_learned = 65536,
                                            .known = 64,
                                            .borrowed = 0,
                                            .spare_descriptor_pages = 1,
                                            .ready = 15};

}  // namespace quire
