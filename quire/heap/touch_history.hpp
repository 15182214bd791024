#pragma once
/// Whether a large block will be used to its last page, by what became of others like it. If so, getting all its frames at once
/// is much cheaper than a fault for each; if not (the stack of a coroutine, a sparse table) it would be waste.
///
/// Of blocks that got no frames ahead of time the heap looks, when they are freed (and before another very large one is made, while they
/// live), whether they have them now. So that there always are such blocks, one in sixteen gets none.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"

namespace quire {

struct Slab;

/// Not locked: the central heap locks.
class TouchHistory {
public:
    /// Of a new block: will it be used?
    [[nodiscard]] bool foresee(PageCount pages) {
        Alike& alike = of(pages);
        return alike.used_in_a_row >= kEnough && ++alike.foreseen % kWatched != 0;
    }
    /// Of one that got no frames ahead of time, and is there no more, or was used before that: was it?
    void learn(PageCount pages, bool used) {
        Alike& alike = of(pages);
        alike.used_in_a_row =
            used ? static_cast<std::uint8_t>(alike.used_in_a_row < kEnough ? alike.used_in_a_row + 1 : kEnough)
                 : std::uint8_t{0};
    }

    /// The latest block of such a size of which nobody knows yet whether it is used; nullptr: there is none.
    [[nodiscard]] Slab* watched(PageCount pages) { return of(pages).watched; }
    void watch(PageCount pages, Slab* block) { of(pages).watched = block; }
    /// The block ends, or has another size from now on.
    void unwatch(PageCount pages, const Slab* block) {
        if (of(pages).watched == block) of(pages).watched = nullptr;
    }

private:
    static constexpr std::uint8_t kEnough = 2;
    static constexpr std::uint8_t kWatched = 16;
    /// Blocks of one power of two.
    struct Alike {
        std::uint8_t used_in_a_row = 0;
        std::uint8_t foreseen = 0;
        Slab* watched = nullptr;
    };
    [[nodiscard]] Alike& of(PageCount pages) {
        return alike_[static_cast<std::size_t>(std::bit_width(pages.value)) % kDoublings];
    }
    static constexpr std::size_t kDoublings = 32;
    std::array<Alike, kDoublings> alike_{};
};

}  // namespace quire
