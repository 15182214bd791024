#pragma once
/// Free blocks that the next allocations get, the one that was freed last first: a stack of addresses, and nothing else to look at on
/// the fast path. And what free() leaves in a block, by which a second free() and a write after the first are seen.
///
///      places   ┌─────┬─────┬─────┬─────┬─────┬─────┬─ ─ ─ ─┬─────┐
///               │ old │     │     │ new │     │     │       │never│     kHeapShape.ready of them, aligned to so many bytes
///               └─────┴─────┴─────┴─────┴─────┴─────┴─ ─ ─ ─┴─────┘
///                                       ▲           ▲
///                                      top         full_at: the local heap looks at what it has before there are more
///
/// A stack is empty where its bytes divide `top`, so the beginning need not be remembered; the last place stays empty.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "quire/base/checked.hpp"
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

/// Of one local heap and one size; not locked. All but has(), lend(), blocks() and filling are O(1).
class ReadyBlocks {
public:
    static constexpr std::size_t kMost = kHeapShape.ready - 1;  ///< blocks
    using Places = std::array<std::byte*, kHeapShape.ready>;
    static constexpr std::size_t kPlacesBytes = sizeof(Places);
    static_assert(is_power_of_two(kPlacesBytes));

    /// One that is empty and has no places: only pop() and count() may be called.
    constexpr ReadyBlocks() = default;
    /// `places` are aligned to kPlacesBytes.
    explicit ReadyBlocks(Places& places) : top_(places.data()), full_at_(top_) {}

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
    /// A marked block; there are fewer than kMost.
    void push(void* block) { *top_++ = static_cast<std::byte*>(block); }

    [[nodiscard]] bool empty() const { return reinterpret_cast<std::uintptr_t>(top_) % kPlacesBytes == 0; }
    [[nodiscard]] std::size_t count() const {
        return reinterpret_cast<std::uintptr_t>(top_) % kPlacesBytes / sizeof(std::byte*);
    }
    /// The oldest first.
    [[nodiscard]] std::span<std::byte* const> blocks() const { return {top_ - count(), count()}; }
    [[nodiscard]] bool has(const void* block) const {
        // std::ranges::find would call a function of the C library's that kernels lack.
        return std::ranges::any_of(blocks(), [block](const std::byte* ready) { return ready == block; });
    }
    /// The newest of them become the other's newest.
    void lend(ReadyBlocks& other, std::size_t blocks) {
        other.top_ = std::copy(top_ - blocks, top_, other.top_);
        top_ -= blocks;
    }
    void clear() { top_ -= count(); }
    /// With so many blocks it is full.
    [[nodiscard]] std::size_t full_at() const { return count() + static_cast<std::size_t>(full_at_ - top_); }
    /// Not fewer than there are, at most kMost.
    void set_full_at(std::size_t blocks) { full_at_ = top_ - count() + blocks; }

    /// Fills an empty stack from above, so that what is added first is popped first.
    class Filler {
    public:
        Filler(ReadyBlocks& stack, std::size_t most) : stack_(stack), end_(stack.top_ + most), next_(end_) {}
        [[nodiscard]] bool wants_more() const { return next_ != stack_.top_; }
        void add(std::byte* block) { *--next_ = block; }
        /// How many there are now.
        std::size_t finish() {
            const auto count = static_cast<std::size_t>(end_ - next_);
            stack_.top_ = std::copy(next_, end_, stack_.top_);
            return count;
        }

    private:
        ReadyBlocks& stack_;
        std::byte** end_;
        std::byte** next_;
    };

private:
    std::byte** top_ = nullptr;
    std::byte** full_at_ = nullptr;
};

}  // namespace quire
