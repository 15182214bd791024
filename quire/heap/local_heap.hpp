#pragma once
/// The heap of one thread, or of one processor: allocating and freeing without locks and without atomic operations.
///
///      allocate(24) ──▶ class 32 ──▶ its bin ──▶ the block that was freed last: clear its bit, that is it
///                                                none: the lowest set bit of the bin's word
///                                                none: the slab's next word, the next slab with room, a shared one, a new one
///      free(p)      ──▶ known units, or the map: which slab? ──▶ mine: which number? set its bit, and remember it; a bit that is set is a
///                                            block freed twice
///                                            full: nobody's, so it becomes mine
///                                            another's: note it; 64 neighbours are returned with one atomic operation
///
/// A slab that is full belongs to nobody until somebody frees one of its blocks, so what one thread fills and another
/// empties goes back to the central heap from there. Only the slabs that a thread is filling, one of each class, wait for it
/// while it sleeps. A slab that came to its owner full is offered to all as soon as half of it is free.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "quire/heap/central_heap.hpp"
#include "quire/heap/recent_block.hpp"
#include "quire/heap/slab.hpp"

namespace quire {

/// Whether a block may have been given to reallocate(), which leaves it where it is, or gives it room to grow.
enum class Resized : bool { no, perhaps };

/// Used by one thread at a time; others only put slabs into its inbox. All functions: a defect for a pointer that
/// is not a taken block of the central heap. nullptr from an allocation: there is no memory, or no such size or alignment.
class LocalHeap {
public:
    /// Bytes; a larger alignment is refused.
    static constexpr std::size_t kLargestAlignment = kHeapShape.largest_alignment;

    explicit LocalHeap(CentralHeap& central);
    /// The same in memory that is full of zeroes, most of which then need not be touched.
    struct InZeroes {};
    LocalHeap(CentralHeap& central, InZeroes);
    /// One that has nothing and never will, and is nothing but zeroes: what a thread has before its first allocation, so that
    /// the fast paths need not ask whether there is a heap. Only allocate_here() and free_here() may be called.
    constexpr LocalHeap() : known_{}, recent_{} {}
    LocalHeap(const LocalHeap&) = delete;
    LocalHeap& operator=(const LocalHeap&) = delete;

    /// A block of at least `bytes` (0 counts as 1) and at most a quarter more than the size class has, aligned to 16, or to 8 if it
    /// is no longer than that and the shape has such blocks. O(1), plus the words of a slab or the central heap when a word is used up.
    [[nodiscard]] void* allocate(std::size_t bytes) {
        void* const block = allocate_here(bytes);
        return block != nullptr ? block : allocate_elsewhere(bytes);
    }
    /// A block of this size class: aligned as all of its blocks are.
    [[nodiscard]] void* allocate_exactly(std::size_t class_number) {
        void* const block = take(class_number);
        return block != nullptr ? block : allocate_class(class_number, Fit::exact);
    }
    /// At least `bytes`, aligned to a power of two, at most kLargestAlignment.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment);
    /// Full of zeroes.
    [[nodiscard]] void* allocate_zeroed(std::size_t bytes);

    /// nullptr is fine. Never needs memory.
    void free(void* block) {
        if (!free_here(block)) free_elsewhere(block);
    }
    /// The same, and a defect if the block was not allocated with this size and alignment (0: none was asked for), as far as its
    /// own size tells: that may be a quarter more than need be. One that reallocate() may have seen may be larger still, as long as
    /// more than half of it was used.
    void free_sized(void* block, std::size_t bytes, std::size_t alignment = 0, Resized resized = Resized::no);

    /// The same contents with another size: where it lies if it fits there, else moved. nullptr: no memory, and the old
    /// block is as it was. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes);
    /// How many bytes may be used: at least what was asked for.
    [[nodiscard]] std::size_t usable_size(const void* block) const;

    /// The two fast paths on their own: nullptr or false if they cannot.
    [[nodiscard]] void* allocate_here(std::size_t bytes);
    [[nodiscard]] bool free_here(void* block);
    /// What is left to free() then.
    void free_elsewhere(void* block);

    /// So many bytes at the beginning are used by most programs, here and there; behind them lies what is remembered of larger blocks.
    static constexpr std::size_t often_used() {
        return sizeof(LocalHeap) - (kSizeClasses - 1 - class_for(size_classes_detail::kFineLimit)) * kRecentBytes;
    }

    /// Gives back what it can: slabs without taken blocks, and what it holds for others.
    void trim();
    /// Gives up all slabs: the owner ends. What others return to it from now on they settle themselves.
    void close();
    /// After close(): it may be used again, by the same or another owner.
    void reopen() { inbox_.store(nullptr, std::memory_order_seq_cst); }

    /// Slabs know their owner, lists and bins agree; for I18, together with CentralHeap::check_invariants.
    void check_invariants() const;

private:
    using Word = Slab::Word;
    enum class Fit : std::uint8_t { exact, or_larger };

    /// The blocks of a class that were freed lately: their bits are set, and their cache lines are near. They are a shortcut,
    /// no more: who forgets one loses nothing, because the bit says that the block is free.
    using RecentBlocks = std::array<RecentBlock, kHeapShape.recent>;
    static constexpr std::size_t kRecentBytes = sizeof(RecentBlocks);
    static_assert(is_power_of_two(kRecentBytes));

    /// Where the next block of a class comes from: what the fast path looks at. The word is used only when nothing recent
    /// is left, so no block comes from both.
    struct Bin {
        /// Behind the latest recent block. There are none where kRecentBytes divides this, and no room for one more in the
        /// last place before that.
        RecentBlock* recent = nullptr;
        Word* word = nullptr;         ///< free blocks of the current slab, one word of them; nullptr: there is none
        std::byte* origin = nullptr;  ///< the block of the word's bit 0
        std::uint32_t bytes = 0;      ///< of a block
        std::uint32_t uncounted = 0;  ///< blocks of the word that the slab does not yet count as taken
    };
    /// A unit of one of this heap's slabs, in the place that its number has: two loads instead of five. Who knows a slab here
    /// need not ask for its owner.
    struct Known {
        std::uintptr_t unit;  ///< unit_of(); 0: no slab
        Slab* slab;
    };
    /// This heap's slabs of a class that have room.
    struct Slabs {
        Slab* current = nullptr;  ///< the one that the bin's word belongs to
        SlabList waiting;
        std::uint32_t grown = 0;     ///< pages that got frames, less those of slabs that went: get_frames()
        std::uint32_t patience = 0;  ///< frees after which event() looks again at a current slab that was not empty
    };
    /// Freed blocks of one word of another's slab, not yet returned; one for each size.
    struct Batch {
        Slab* slab = nullptr;
        std::size_t word = 0;
        Word blocks = 0;
    };
    static constexpr std::size_t kMostBatched = 4096;  ///< bytes of a batch
    static constexpr std::size_t kBatches = class_for(std::min(kMostBatched / 4, kLargestBlock)) + 1;
    static_assert(kBatches <= 64);
    static constexpr std::uint32_t kMostPatience = 16;
    static constexpr std::uint32_t kDeletionsPerLook = 4;

    [[nodiscard]] void* take(std::size_t class_number);
    void give_back(Slab& slab, const void* block);
    void remember(std::size_t class_number, const RecentBlock& block);
    void forget(const Slab& slab);
    void forget_recent(const Slab& slab);
    /// Its number plus 1, so that 0 is none.
    [[nodiscard]] static std::uintptr_t unit_of(const void* address) {
        return (reinterpret_cast<std::uintptr_t>(address) >> kHeapShape.unit_shift) + 1;
    }
    [[nodiscard]] Known& known(std::uintptr_t unit) { return known_[unit % kHeapShape.known]; }
    void part_with(const Slab& slab);
    void delete_slab(Slab& slab);
    void share(Slab& slab);
    void share_waiting();
    [[nodiscard]] void* allocate_elsewhere(std::size_t bytes);
    [[nodiscard]] void* allocate_class(std::size_t class_number, Fit fit);
    [[nodiscard]] bool find_freed(std::size_t class_number);
    [[nodiscard]] void* borrow(std::size_t class_number);
    [[nodiscard]] bool carve_framed(std::size_t class_number);
    [[nodiscard]] bool grow(std::size_t class_number);
    void make_current(std::size_t class_number, Slab& slab);
    [[nodiscard]] bool next_word(Bin& bin, Slab& slab);
    void carve(Bin& bin, Slab& slab);
    [[nodiscard]] static std::size_t framed_room(const Slab& slab);
    void get_frames(Slab& slab, std::size_t end);
    void show(Bin& bin, Slab& slab, std::size_t word);
    void count_used_word(Bin& bin, Slab& slab);
    void leave(std::size_t class_number);
    void drop_current(std::size_t class_number);
    [[nodiscard]] Slab* slab_with_freed(std::size_t class_number);

    void free_from_afar(Slab& slab, std::uint32_t number);
    void event(Slab& slab);
    void current_event(Slab& slab, std::uint32_t taken);
    void wake(Slab& slab);
    void count_idle(Slab& slab);
    void find_idle();
    void release_idle();
    void release_empty();
    void miss(const Slab& slab);
    void adopt(Slab& slab, std::size_t word);
    void disown(Slab& slab);

    void return_batch(Batch& batch);
    void return_batches();
    void post(Slab& slab);
    [[nodiscard]] bool put_into_inbox(Slab& slab);
    void receive();
    void settle_all(Slab* slab);
    void settle(Slab& slab);
    void collect(Slab& slab);
    static Slab* closed() { return reinterpret_cast<Slab*>(std::uintptr_t{1}); }
    void check_recent(std::size_t class_number) const;
    [[nodiscard]] void* move(void* block, std::size_t usable, std::size_t bytes);
    void require_taken(const Slab& slab, const void* block) const;
    static std::uint32_t number_in(const Slab& slab, const void* block);

    std::array<Bin, kSizeClasses> bins_;  // first, because an address without an addition is shorter
    CentralHeap* central_ = nullptr;
    std::array<Slabs, kSizeClasses> slabs_;
    std::size_t idle_bytes_ = 0;
    std::size_t idle_learned_ = 0;   ///< bytes that may be idle, more than the shape says
    std::size_t idle_released_ = 0;  ///< bytes that were too many, lately, and were not missed yet
    bool found_zeroed_ = false;      ///< the block that the latest refill found is zero
    std::uint32_t deleted_ = 0;      ///< slabs that were emptied and given back
    std::array<Batch, kBatches> batches_;
    std::uint64_t batched_ = 0;  ///< a bit for each batch that is not empty
    /// Slabs of which others have returned blocks, linked through next_in_inbox; or closed().
    alignas(kHeapShape.cache_line) std::atomic<Slab*> inbox_{nullptr};
    std::array<Known, kHeapShape.known> known_;
    /// Not initialised: most pages of it are never touched.
    alignas(kRecentBytes) std::array<RecentBlocks, kSizeClasses> recent_;
};

inline void* LocalHeap::take(std::size_t class_number) {
    Bin& bin = bins_[class_number];
    std::byte* block = nullptr;
    if (reinterpret_cast<std::uintptr_t>(bin.recent) % kRecentBytes != 0) [[likely]] {
        const RecentBlock& recent = *--bin.recent;
        *recent.word() ^= Word{1} << recent.bit();
        block = recent.block();
    } else {
        const Word blocks = bin.word == nullptr ? 0 : *bin.word;
        if (blocks == 0) [[unlikely]]
            return nullptr;
        *bin.word = blocks & (blocks - 1);
        block = bin.origin + static_cast<std::size_t>(std::countr_zero(blocks)) * bin.bytes;
    }
    if (block == nullptr) std::unreachable();  // saves the caller a comparison
    return block;
}

/// A taken block of a slab of this heap.
inline void LocalHeap::give_back(Slab& slab, const void* block) {
    const std::uint32_t number = slab.owners_number_of(block);
    slab.give_back(number);
    if (--slab.owned().until_event == 0)
        event(slab);
    else
        remember(slab.class_number,
                 RecentBlock(block, &slab.free_words()[number / Slab::kWordBits], number % Slab::kWordBits));
}

inline void LocalHeap::remember(std::size_t class_number, const RecentBlock& block) {
    Bin& bin = bins_[class_number];
    RecentBlock* const place = bin.recent;
    if (reinterpret_cast<std::uintptr_t>(place + 1) % kRecentBytes == 0) return;
    *place = block;
    bin.recent = place + 1;
}

inline void* LocalHeap::allocate_here(std::size_t bytes) {
    if (bytes > size_classes_detail::kFineLimit) [[unlikely]]
        return nullptr;
    return take(class_for(bytes));
}

/// What is not quite ordinary, a defect too, is free_elsewhere's: nothing has changed when this gives up.
inline bool LocalHeap::free_here(void* block) {
    const std::uintptr_t unit = unit_of(block);
    const Known here = known(unit);
    if (here.unit != unit) [[unlikely]]
        return false;
    Slab& slab = *here.slab;
    const std::uint32_t number = slab.number_of(block);
    if (number >= slab.carved) [[unlikely]]
        return false;
    Word& word = slab.free_words()[number / Slab::kWordBits];
    const Word before = word;
    const Word after = before | Word{1} << number % Slab::kWordBits;
    if (after == before) [[unlikely]]
        return false;
    word = after;
    if (--slab.owned().until_event == 0) [[unlikely]] {
        event(slab);
        return true;
    }
    remember(slab.class_number, RecentBlock(block, &word, number % Slab::kWordBits));
    return true;
}

}  // namespace quire
