#pragma once
/// A span of pages that the heap owns, described out of line: a slab of equal blocks, or one large block. Nothing of the
/// heap's own lies in the pages but a mark in free blocks, which is only compared, so nothing that a program writes past its block can
/// mislead the heap.
///
///      descriptor   ┌──────────────┬───────────┬────────────────────────────┬──────────────────────┐
///                   │ what it is   │ lists     │ owned │ free[0..words)     │ returned[0..words)   │
///                   └──────────────┴───────────┴────────────────────────────┴──────────────────────┘
///                     read by all    one line    by the owner:                by all others:
///                                                1 = free                     1 = freed from afar; in other lines
///
///      span         ┌────┬────┬────┬────┬─ ─ ─ ─ ─┬────┬──┐
///                   │  0 │  1 │  2 │ …  │         │ n-1│  │   n = capacity; blocks from `carved` on were never handed out
///                   └────┴────┴────┴────┴─ ─ ─ ─ ─┴────┴──┘
///
/// A block is free when its bit in `free` is set, or when a local heap has it ready (ready_blocks.hpp); those count as taken here, so a
/// slab stays while somebody has one. A bit that is set already is a block freed twice (gotcha 58).

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "quire/base/address.hpp"
#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"
#include "quire/heap/size_classes.hpp"

namespace quire {

class LocalHeap;

struct alignas(kHeapShape.cache_line) Slab {
    using Word = std::uintptr_t;
    static constexpr std::size_t kWordBits = 8 * sizeof(Word);
    static constexpr std::uint16_t kLarge = 0xFFFF;

    /// Whose slab this is. Only the owner touches what is the owner's; the other three stand for nobody in particular:
    ///   full     all blocks are taken: the first that frees one of them becomes the owner (a compare-exchange)
    ///   shared   in the central heap's list of slabs with room, and guarded by its lock
    ///   nullptr  a large block, or no slab at all
    std::atomic<LocalHeap*> owner{nullptr};
    std::byte* base = nullptr;   ///< block 0
    std::uint32_t inverse = 0;   ///< SizeClass::inverse
    std::uint32_t capacity = 0;  ///< blocks
    std::uint32_t block_bytes = 0;
    std::uint16_t class_number = kLarge;
    std::uint16_t words = 0;   ///< of `free`, and of `returned`
    std::uint32_t carved = 0;  ///< blocks below this number may be free; the others were never handed out
    /// Blocks below this number become ready when the owner frees them: `carved`, or 0 for a slab that another filled, lest it wait for
    /// an owner who may not need it.
    std::uint32_t ready_end = 0;
    bool listed = false;
    bool idle = false;               ///< counted in its owner's idle bytes
    std::uint8_t patience = 0;       ///< so often its owner keeps it when it is full: LocalHeap::keep_or_disown
    bool zeroed = false;             ///< blocks that were never handed out read as zeroes
    bool lacks_frames = false;       ///< of a large block that grew: what lies behind `framed` pages has none
    std::uint8_t shift = 0;          ///< block_bytes is an odd number times 2^shift
    std::uint32_t floor = 0;         ///< with so few taken blocks the slab is offered to others, or given back
    LocalHeap* filled_by = nullptr;  ///< the owner when it was full the last time

    alignas(kHeapShape.cache_line) std::uint32_t pages = 0;  ///< of the span
    std::uint32_t framed = 0;  ///< so many of its pages have frames, as far as is known: LocalHeap::carve, TouchHistory
    std::size_t large_bytes = 0;  ///< of a large block: what was asked for
    Slab* next = nullptr;         ///< of a SlabList
    Slab* previous = nullptr;
    Slab* next_of_all = nullptr;  ///< of all that exist; the central heap's
    Slab* previous_of_all = nullptr;
    std::atomic<Slab*> next_in_inbox{nullptr};
    std::atomic<bool> in_inbox{false};  ///< in some local heap's inbox, or about to be; not reset when a slab ends

    /// What the owner writes often: behind the descriptor, in the line of the first words, because whoever frees from afar
    /// reads the lines above.
    struct alignas(Word) Owned {
        std::uint32_t taken = 0;  ///< blocks that were handed out or are ready: the bits that are clear below `carved`
        std::uint32_t look_at = 0;  ///< with so few the owner looks at the slab: set_look_at()
    };
    [[nodiscard]] Owned& owned() { return *reinterpret_cast<Owned*>(this + 1); }
    [[nodiscard]] const Owned& owned() const { return *reinterpret_cast<const Owned*>(this + 1); }

    static LocalHeap* full() { return reinterpret_cast<LocalHeap*>(std::uintptr_t{1}); }
    static LocalHeap* shared() { return reinterpret_cast<LocalHeap*>(std::uintptr_t{2}); }
    static bool somebody(const LocalHeap* owner) { return reinterpret_cast<std::uintptr_t>(owner) > 2; }

    [[nodiscard]] bool is_large() const { return class_number == kLarge; }
    [[nodiscard]] Word* free_words() { return reinterpret_cast<Word*>(&owned() + 1); }
    [[nodiscard]] const Word* free_words() const { return reinterpret_cast<const Word*>(&owned() + 1); }
    [[nodiscard]] std::atomic_ref<Word> returned_word(std::size_t word) {
        return std::atomic_ref<Word>(free_words()[returned_at(words) + word]);
    }
    /// Where the words of `returned` begin, behind `words` of `free`: in another cache line, because others write them.
    [[nodiscard]] static constexpr std::size_t returned_at(std::size_t words) {
        constexpr std::size_t kLine = kHeapShape.cache_line / sizeof(Word);
        constexpr std::size_t kBefore = sizeof(Owned) / sizeof(Word);
        return (kBefore + words + kLine - 1) / kLine * kLine - kBefore;
    }
    /// Of `free`, for the blocks of a slab of this class.
    [[nodiscard]] static constexpr std::size_t words_for(std::size_t class_number) {
        return (size_class(class_number).capacity + kWordBits - 1) / kWordBits;
    }
    /// Bytes behind the first page where block 0 may begin: one of the places that keep the blocks' alignment, as far as the slab has bytes to
    /// spare.
    [[nodiscard]] static constexpr std::size_t some_offset(std::size_t class_number, std::uint32_t random) {
        const SizeClass& size = size_class(class_number);
        const std::size_t alignment = size.bytes & (~size.bytes + 1);
        const std::size_t spare = size.slab_pages * kPageSize - std::size_t{size.capacity} * size.bytes;
        return random % (spare / alignment + 1) * alignment;
    }
    /// What has words for it, all of them 0, becomes a slab of this class of which no block was handed out yet. Block 0 is to begin `offset`
    /// bytes behind the first page.
    void shape(std::size_t of_class, std::size_t offset) {
        const SizeClass& size = size_class(of_class);
        base = first_page() + offset;
        block_bytes = size.bytes;
        inverse = static_cast<std::uint32_t>(size.inverse);
        shift = static_cast<std::uint8_t>(std::countr_zero(size.bytes));
        capacity = size.capacity;
        class_number = static_cast<std::uint16_t>(of_class);
        words = static_cast<std::uint16_t>(words_for(of_class));
        owned() = {};
        carved = ready_end = floor = 0;
        patience = 0;
        listed = idle = false;
    }
    /// Block 0 begins in the first unit: what a slab has to spare is less than a block.
    [[nodiscard]] std::byte* first_page() const {
        static_assert(kLargestBlock <= kUnitBytes);
        return reinterpret_cast<std::byte*>(align_down(reinterpret_cast<std::uintptr_t>(base), kUnitBytes));
    }
    [[nodiscard]] bool spans(const std::byte* address) const {
        return static_cast<std::size_t>(address - base) < std::size_t{capacity} * block_bytes;
    }
    [[nodiscard]] std::byte* block(std::size_t number) const { return base + number * block_bytes; }
    /// Of the span, up to where that block begins, or the last one ends.
    [[nodiscard]] std::uint32_t pages_up_to(std::size_t number) const {
        return static_cast<std::uint32_t>(pages_for(static_cast<std::size_t>(block(number) - first_page())).value);
    }

    /// The number of the block that begins at `address`; capacity or more if none does. Multiplied with the inverse of the size, an
    /// offset becomes its quotient if there is no remainder, and else a number that is larger than every quotient (Warren,
    /// Hacker's Delight, 10-17). Only odd numbers have an inverse: the size's factor of 2^shift is rotated away first.
    [[nodiscard]] std::uint32_t number_of(const void* address) const {
        const auto offset = static_cast<std::uint32_t>(static_cast<const std::byte*>(address) - base);
        return rotate_right(offset, shift) * inverse;
    }

    /// The same, for the owner; a defect unless it is a block that was handed out.
    [[nodiscard]] std::uint32_t owners_number_of(const void* address) const {
        const std::uint32_t number = number_of(address);
        if (number >= carved) [[unlikely]]
            defect(number >= capacity ? kNotABlock : kNeverTaken);
        return number;
    }

    [[nodiscard]] bool is_free(std::uint32_t number) const {
        return (free_words()[number / kWordBits] >> number % kWordBits & 1U) != 0;
    }
    /// Makes a taken block free; a defect if it is free already.
    void give_back(std::uint32_t number) {
        set_free(number);
        --owned().taken;
    }
    /// The same for the first ones of several, those of this slab. How many.
    std::size_t give_back_some(std::span<std::byte* const> blocks) {
        std::size_t some = 0;
        for (; some < blocks.size() && spans(blocks[some]); ++some) set_free(number_of(blocks[some]));
        owned().taken -= static_cast<std::uint32_t>(some);
        return some;
    }
    [[nodiscard]] bool has_freed() const { return carved > owned().taken; }
    /// The owner looks again when the first block is freed, if none is free; else when no more than `floor` are taken.
    void set_look_at() { owned().look_at = has_freed() ? floor : std::max(carved, 1U) - 1; }

    /// By counting. O(words).
    [[nodiscard]] std::uint32_t count_free() const {
        std::uint32_t free = 0;
        for (std::size_t word = 0; word < carved_words(); ++word) free += ones_in(free_words()[word]);
        return free;
    }
    [[nodiscard]] std::uint32_t count_taken() const { return carved - count_free(); }
    /// Words in which a bit may be set.
    [[nodiscard]] std::size_t carved_words() const { return (carved + kWordBits - 1) / kWordBits; }

    void set_free(std::uint32_t number) {
        Word& word = free_words()[number / kWordBits];
        const Word bit = Word{1} << number % kWordBits;
        require((word & bit) == 0, kFreedTwice);
        word |= bit;
    }

    static constexpr const char* kFreedTwice = "a block of the heap was freed twice, or used after it was freed";
    static constexpr const char* kNotABlock = "the heap was given a pointer into the middle of a block";
    static constexpr const char* kNeverTaken = "the heap was given a block that it never handed out";
    static constexpr const char* kForeign = "the heap was given a pointer that is not its own";
};

/// Slabs of one class, in the order in which they are to be used: first those with blocks that were freed, put there when the first one
/// was; those that only have blocks which were never handed out come last, because handing them out takes new frames.
class SlabList {
public:
    [[nodiscard]] Slab* first() const { return first_; }
    [[nodiscard]] Slab* last() const { return last_; }
    void add(Slab& slab) {
        Slab* after = last_;
        while (after != nullptr && slab.carved == slab.capacity && after->carved < after->capacity)
            after = after->previous;
        slab.previous = after;
        slab.next = after == nullptr ? first_ : after->next;
        (slab.next == nullptr ? last_ : slab.next->previous) = &slab;
        (after == nullptr ? first_ : after->next) = &slab;
        slab.listed = true;
    }
    void add_first(Slab& slab) {
        slab.previous = nullptr;
        slab.next = first_;
        (first_ == nullptr ? last_ : first_->previous) = &slab;
        first_ = &slab;
        slab.listed = true;
    }
    void remove(Slab& slab) {
        (slab.previous == nullptr ? first_ : slab.previous->next) = slab.next;
        (slab.next == nullptr ? last_ : slab.next->previous) = slab.previous;
        slab.next = slab.previous = nullptr;
        slab.listed = false;
    }

private:
    Slab* first_ = nullptr;
    Slab* last_ = nullptr;
};

}  // namespace quire
