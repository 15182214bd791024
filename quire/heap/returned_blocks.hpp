#pragma once
/// Blocks that were freed by somebody who does not own their slab.

#include "quire/heap/slab.hpp"

namespace quire {

/// Marks blocks of one word as returned; a defect if one of them is marked already. Any thread.
inline void mark_returned(Slab& slab, std::size_t word, Slab::Word blocks) {
    const Slab::Word before = slab.returned_word(word).fetch_or(blocks, std::memory_order_seq_cst);
    require((before & blocks) == 0, Slab::kFreedTwice);
}

/// Makes what was returned free; for who owns the slab. How many blocks. O(words).
inline std::uint32_t collect_returned(Slab& slab) {
    std::uint32_t collected = 0;
    for (std::size_t word = 0; word < slab.words; ++word) {
        const auto returned = slab.returned_word(word);
        if (returned.load(std::memory_order_seq_cst) == 0) continue;
        // The order matters only between the inbox flag and this: LocalHeap::post.
        const Slab::Word blocks = returned.exchange(0, std::memory_order_seq_cst);
        require((slab.free_words()[word] & blocks) == 0, Slab::kFreedTwice);
        const std::size_t last = word * Slab::kWordBits + static_cast<std::size_t>(std::bit_width(blocks)) - 1;
        require(last < slab.carved, Slab::kNeverTaken);
        slab.free_words()[word] |= blocks;
        collected += ones_in(blocks);
    }
    slab.owned().taken -= collected;
    return collected;
}

}  // namespace quire
