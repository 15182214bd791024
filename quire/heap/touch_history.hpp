#pragma once
/// Whether a large block will be used to its last page, by what became of others like it. If so, getting all its frames at once
/// is much cheaper than a fault for each; if not (the stack of a coroutine, a sparse table) it would be waste.
///
/// Of blocks that got no frames ahead of time the heap looks, when they are freed (and before a very large one is made, at some that live), whether they have them now. So that there always
/// are such blocks, one in sixteen gets none. Of a size that was never seen before, smaller ones give a hint: a table that grows is used
/// like the one that it replaces.

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
    enum class Use : std::uint8_t {
        unknown,
        likely,  ///< but no more than that: large frames are welcome, where something is used
        sure,
    };

    /// Of a new block: will it be used?
    [[nodiscard]] Use foresee(PageCount pages) {
        Alike& alike = of(pages);
        if (alike.used_in_a_row >= kEnough) return ++alike.foreseen % kWatched != 0 ? Use::sure : Use::unknown;
        return !alike.seen && smaller_were_used(pages) ? Use::likely : Use::unknown;
    }
    /// Of one that got no frames ahead of time, large ones neither, and is there no more, or was used before that: was it?
    void learn(PageCount pages, bool used) {
        Alike& alike = of(pages);
        alike.seen = true;
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

    /// Of an unknown size, those are a hint that are so many times half as large.
    static constexpr unsigned kDoublingsBelow = 3;

private:
    static constexpr std::uint8_t kEnough = 2;
    static constexpr std::uint8_t kWatched = 16;
    /// Blocks of one power of two.
    struct Alike {
        std::uint8_t used_in_a_row = 0;
        std::uint8_t foreseen = 0;
        bool seen = false;
        Slab* watched = nullptr;
    };
    [[nodiscard]] Alike& of(PageCount pages) {
        return alike_[static_cast<std::size_t>(std::bit_width(pages.value)) % kDoublings];
    }
    [[nodiscard]] bool smaller_were_used(PageCount pages) {
        for (unsigned below = 1; below <= kDoublingsBelow; ++below) {
            if (of(PageCount{pages.value >> below}).used_in_a_row != 0) return true;
        }
        return false;
    }
    static constexpr std::size_t kDoublings = 32;
    std::array<Alike, kDoublings> alike_{};
};

}  // namespace quire
