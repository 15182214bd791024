#pragma once
/// Room for slab descriptors, by the number of their words. Descriptors are used again, but never become anything else:
/// somebody who frees from afar may look at one for a moment after its slab has ended (LocalHeap::post).

#include <array>
#include <bit>
#include <cstddef>

#include "quire/heap/slab.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

/// Not locked: the central heap locks.
class DescriptorPool {
public:
    constexpr explicit DescriptorPool(SpanSource& source) : source_(source) {}

    /// A descriptor with room for `words` words of each kind, all of them zero; nullptr if there is no memory. O(words).
    [[nodiscard]] Slab* take(std::size_t words);
    void give(Slab& slab, std::size_t words);

    [[nodiscard]] PageCount own_pages() const { return own_pages_; }

private:
    static constexpr std::size_t kOrders = 8;  // 0, 1, 2, 4 ... 64, 128 words
    static constexpr PageCount kGrowth = kUnitPages;
    [[nodiscard]] static std::size_t order_of(std::size_t words) {
        return words == 0 ? 0 : static_cast<std::size_t>(std::bit_width(words - 1)) + 1;
    }
    [[nodiscard]] static std::size_t bytes_of(std::size_t order);

    SpanSource& source_;
    PageCount own_pages_{};
    std::byte* next_ = nullptr;  ///< where the next new descriptor goes
    std::byte* end_ = nullptr;
    std::array<Slab*, kOrders + 1> free_{};  ///< linked through next_of_all
};

}  // namespace quire
