#pragma once
/// Free blocks that the next allocations get, the one that was freed last first: a stack of addresses, and nothing else to look at on
/// the fast path. And what free() leaves in a block, by which a second free() and a write after the first are seen.
///
///      places   ┌─────┬─────┬─────┬─────┬─────┬─────┬─ ─ ─ ─┐
///               │ old │     │     │ new │     │     │       │
///               └─────┴─────┴─────┴─────┴─────┴─────┴─ ─ ─ ─┘
///               ▲                       ▲           ▲
///             bottom                   top         full_at: the local heap looks at what it has before there are more

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "quire/base/defect.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/slab.hpp"

namespace quire {

/// The first word of a free block: an address in its middle, to which no pointer would point, and no tagged one either.
inline std::uintptr_t free_mark(const void* block) {
    return reinterpret_cast<std::uintptr_t>(block) + 7;
}
inline bool is_marked_free(const void* block) {
    return *static_cast<const std::uintptr_t*>(block) == free_mark(block);
}
inline void mark_free(void* block) {
    *static_cast<std::uintptr_t*>(block) = free_mark(block);
}

/// Of one local heap and one size; not locked. All but has(), lend(), move_to() and drop_oldest() are O(1).
class alignas(4 * sizeof(void*)) ReadyBlocks {
public:
    using Place = std::byte*;

    /// One that is empty and has no places: only pop() and count() may be called.
    constexpr ReadyBlocks() = default;
    explicit ReadyBlocks(Place* places) : top_(places), full_at_(places), bottom_(places) {}

    /// The block that was pushed last, without its mark; nullptr if there is none, or if its mark is gone.
    [[nodiscard, gnu::always_inline]] void* pop() {
        if (empty()) [[unlikely]]
            return nullptr;
        std::byte* const block = top_[-1];
        if (!is_marked_free(block)) [[unlikely]]
            return nullptr;
        --top_;
        *reinterpret_cast<std::uintptr_t*>(block) = 0;
        if (block == nullptr) std::unreachable();  // saves the caller a comparison
        return block;
    }
    /// After pop() had none: a defect if that was for the want of a mark.
    void require_marks() const { require(empty() || is_marked_free(top_[-1]), Slab::kFreedTwice); }
    [[nodiscard]] bool full() const { return top_ == full_at_; }
    /// A marked block; there are places left.
    void push(void* block) { *top_++ = static_cast<std::byte*>(block); }

    [[nodiscard]] bool empty() const { return top_ == bottom_; }
    [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(top_ - bottom_); }
    /// The oldest first.
    [[nodiscard]] std::span<std::byte* const> blocks() const { return {bottom_, count()}; }
    [[nodiscard]] bool has(const void* block) const {
        // std::ranges::find would call a function of the C library's that kernels lack.
        return std::ranges::any_of(blocks(), [block](const std::byte* ready) { return ready == block; });
    }
    /// The newest of them become the other's newest.
    void lend(ReadyBlocks& other, std::size_t blocks) {
        other.top_ = std::copy(top_ - blocks, top_, other.top_);
        top_ -= blocks;
    }
    /// The same blocks in other places, as many as there were at least.
    void move_to(Place* places) {
        top_ = std::copy(bottom_, top_, places);
        bottom_ = full_at_ = places;
    }
    void drop_oldest(std::size_t blocks) { top_ = std::copy(bottom_ + blocks, top_, bottom_); }
    /// So many are pushed, to be filled in by the caller: the first is the oldest.
    [[nodiscard]] std::span<Place> push_some(std::size_t blocks) {
        const std::span<Place> places(top_, blocks);
        top_ += blocks;
        return places;
    }
    /// With so many blocks it is full.
    [[nodiscard]] std::size_t full_at() const { return static_cast<std::size_t>(full_at_ - bottom_); }
    /// Not fewer than there are, and not more than there are places.
    void set_full_at(std::size_t blocks) { full_at_ = bottom_ + blocks; }

private:
    Place* top_ = nullptr;
    Place* full_at_ = nullptr;
    Place* bottom_ = nullptr;
};

}  // namespace quire
