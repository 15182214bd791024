#pragma once
/// Room for slab descriptors, by the number of their words. Descriptors are used again, but mostly never become anything
/// else: somebody who frees from afar may look at one for a moment after its slab has ended (LocalHeap::post). While that
/// cannot be, and the source says so, pages of which all descriptors are free go back, but for some.
///
///      page   ┌──────┬────────────┬──────┬──────┬────────────┬─ ─ ─ ─ ┐   live: how many are in use
///             │ live │ descriptor │ …    │ …    │            │        │   made: how many there are
///             │ made │ of order 2 │ of 0 │ of 1 │            │        │
///             └──────┴────────────┴──────┴──────┴────────────┴─ ─ ─ ─ ┘

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/heap/slab.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

namespace descriptor_pool_detail {

/// Descriptors come with room for 0, 1, 2, 4 ... words.
[[nodiscard]] constexpr std::size_t order_of(std::size_t words) {
    return words == 0 ? 0 : static_cast<std::size_t>(std::bit_width(words - 1)) + 1;
}

/// That a slab of this shape can have. With 32 bits its 64 KiB are 8,192 blocks of 8 bytes, and 256 words.
[[nodiscard]] consteval std::size_t most_words() {
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < kSizeClasses; ++i) blocks = std::max<std::size_t>(blocks, size_class(i).capacity);
    return (blocks + Slab::kWordBits - 1) / Slab::kWordBits;
}

}  // namespace descriptor_pool_detail

/// Not locked: the central heap locks.
class DescriptorPool {
public:
    constexpr explicit DescriptorPool(SpanSource& source) : source_(source) {}

    /// A descriptor with room for `words` words of each kind, all of them zero; nullptr if there is no memory. O(words).
    [[nodiscard]] Slab* take(std::size_t words);
    /// Never needs memory. `slab` may be gone afterwards.
    void give(Slab& slab, std::size_t words);

    [[nodiscard]] PageCount own_pages() const { return own_pages_; }

    /// Whether a descriptor with so many words has room for as many of the other, and is given back as one of those.
    [[nodiscard]] static constexpr bool are_alike(std::size_t words, std::size_t other_words) {
        return descriptor_pool_detail::order_of(words) == descriptor_pool_detail::order_of(other_words);
    }

private:
    struct alignas(Slab) Header {
        std::uint32_t live = 0;
        std::uint32_t made = 0;
    };
    static constexpr std::size_t kOrders = descriptor_pool_detail::order_of(descriptor_pool_detail::most_words()) + 1;
    static constexpr auto order_of = descriptor_pool_detail::order_of;
    [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t order) {
        const std::size_t words = order == 0 ? 0 : std::size_t{1} << (order - 1);
        const std::size_t bytes =
            sizeof(Slab) + sizeof(Slab::Owned) + (Slab::returned_at(words) + words) * sizeof(Slab::Word);
        return (bytes + alignof(Slab) - 1) / alignof(Slab) * alignof(Slab);
    }
    [[nodiscard]] static Header& page_of(const Slab& slab) {
        return *reinterpret_cast<Header*>(align_down(reinterpret_cast<std::uintptr_t>(&slab), kPageSize));
    }
    [[nodiscard]] Slab* make(std::size_t order);
    [[nodiscard]] bool next_page();
    void list(Slab& slab, std::size_t order);
    void unlist(Slab& slab, std::size_t order);
    void release(Header& page);

    SpanSource& source_;
    PageCount own_pages_{};
    Header* current_ = nullptr;          ///< the page that new descriptors are made in,
    std::byte* next_ = nullptr;          ///< here
    PageCount untouched_{};              ///< pages behind it that came with it
    std::size_t spares_ = 0;             ///< pages without descriptors in use, but for the current one
    std::array<Slab*, kOrders> free_{};  ///< linked through next_of_all and previous_of_all
};

}  // namespace quire
