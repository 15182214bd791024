#pragma once
/// The heap of one thread, or of one processor: allocating and freeing without locks and without atomic operations.
///
///      allocate(24) ──▶ class 32 ──▶ a block is ready: the one that was freed last
///                                    none is: some of the slab's bits become so; the next slab with room, a shared one, a new one
///      free(p)      ──▶ known units, or the map: which slab? ──▶ mine: is it one of its blocks, and not free? it is ready; if there are
///                                                              enough already, its bit is set in its slab
///                                            full: nobody's, so it becomes mine
///                                            another's: note it; 64 neighbours are returned with one atomic operation
///
/// A slab that is full belongs to nobody until somebody frees one of its blocks, so what one thread fills and another
/// empties goes back to the central heap from there. While a thread sleeps, these slabs wait for it: those that it is filling, one of
/// each class, those of which it has blocks ready, full ones that it freed in lately, and empty ones that it may want again. A slab that came to its owner full is offered to all as soon as half of it is free.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "quire/heap/central_heap.hpp"
#include "quire/heap/known_slabs.hpp"
#include "quire/heap/ready_blocks.hpp"
#include "quire/heap/ready_places.hpp"
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
    /// the fast paths need not ask whether there is a heap. Only they may be called: the functions whose names end in _here.
    constexpr LocalHeap() : near_{}, known_{}, far_{} {}
    LocalHeap(const LocalHeap&) = delete;
    LocalHeap& operator=(const LocalHeap&) = delete;

    /// A block of at least `bytes` (0 counts as 1), of its size class or one that may stand for it (lenders_end), aligned to 16, or to 8 if
    /// it is no longer than that and the shape has such blocks. O(1), plus the words of a slab or the central heap when a word is used up, and
    /// O(sizes) when a slab is; rarely O(slabs), when some that are empty go.
    [[nodiscard]] void* allocate(std::size_t bytes) {
        void* const block = allocate_any_here(bytes);
        return block != nullptr ? block : allocate_elsewhere(bytes);
    }
    /// A block of this size class: aligned as all of its blocks are.
    [[nodiscard]] void* allocate_exactly(std::size_t class_number) {
        void* const block = take_exactly(class_number);
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
    /// own size tells: it may be of a class that stands for this size's. One that reallocate() may have seen may be larger still, as long
    /// as more than half of it was used.
    void free_sized(void* block, std::size_t bytes, std::size_t alignment = 0, Resized resized = Resized::no);

    /// The same contents with another size: where it lies if it fits there, else moved. nullptr: no memory, and the old
    /// block is as it was. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes);
    /// How many bytes may be used: at least what was asked for.
    [[nodiscard]] std::size_t usable_size(const void* block) const;

    /// The same, if it may stay where it lies; nullptr if not, or if that takes longer to find out. O(1).
    [[nodiscard]] void* reallocate_here(void* block, std::size_t bytes) {
        const KnownSlab* const slab = slab_of_taken(block);
        return slab != nullptr && fits_well(bytes, size_class(slab->class_number).bytes) ? block : nullptr;
    }

    /// The fast paths on their own: nullptr or false if they cannot. O(1). The first is for blocks of up to kFineLimit bytes,
    [[nodiscard]] void* allocate_here(std::size_t bytes);
    /// this one for all that slabs have,
    [[nodiscard]] void* allocate_any_here(std::size_t bytes);
    /// and this one for those of them that are aligned to a power of two.
    [[nodiscard]] void* allocate_here(std::size_t bytes, std::size_t alignment);
    [[nodiscard]] bool free_here(void* block);
    /// The same for one that was allocated with this size; false, too, if the block is of another one.
    [[nodiscard]] bool free_here(void* block, std::size_t bytes);
    /// What is left to allocate() and free() then.
    [[nodiscard]] void* allocate_elsewhere(std::size_t bytes);
    void free_elsewhere(void* block);

    /// So many bytes at the beginning are used by most programs; what lies behind them grows with what a program uses.
    [[nodiscard]] static constexpr std::size_t often_used() {
        return sizeof(LocalHeap) - sizeof(KnownSlabs) - sizeof(ReadyPlaces<kFarRoom>);
    }

    /// Gives back what it can: slabs without taken blocks, and what it holds for others.
    void trim();
    /// Gives up all slabs: the owner ends. What others return to it from now on they settle themselves.
    void close();
    /// After close(): it may be used again, by the same or another owner.
    void reopen() { inbox_.store(nullptr, std::memory_order_seq_cst); }

    /// Blocks of a size that are free, although their slabs count them as taken.
    [[nodiscard]] std::size_t ready_blocks(std::size_t class_number) const;

    /// Slabs know their owner, lists and bins agree; for I18, together with CentralHeap::check_invariants.
    void check_invariants() const;

private:
    using Word = Slab::Word;
    enum class Fit : std::uint8_t { exact, or_larger };

    /// This heap's slabs of a class: those with room, and those that were full until one of their blocks was freed.
    struct Slabs {
        Slab* current = nullptr;  ///< the one whose blocks become ready
        SlabList waiting;
        SlabList retired;         ///< empty ones, kept for the next time; the counts below are without them
        std::uint32_t owned = 0;  ///< how many, the current one too
        std::uint32_t taken = 0;  ///< their blocks that are taken: handed out, or ready
        /// When the ready blocks are full and no more than this are taken, look_at_ready() is called.
        std::uint32_t look_at = 0;
        std::uint32_t grown = 0;  ///< pages that got frames, less those of slabs that went: get_frames()
        /// So many blocks became ready when some were carved last, up to this address, the highest first: count_freed().
        std::uint32_t carved = 0;
        std::byte* carved_end = nullptr;
        std::uint16_t most_ready = 0;  ///< places for ready blocks: kNearRoom, then kFarRoom
        std::uint8_t crowded = 0;      ///< so often those nearby were few: make_room()
        bool borrowed = false;         ///< larger blocks may be among the ready ones
        std::uint32_t borrowings = 0;  ///< since it grew
        std::uint32_t lent = 0;        ///< so many blocks at most are ready for smaller sizes
        /// So many may be missing among the ready ones although none is in use. A single slab would stay anyway.
        [[nodiscard]] std::uint32_t missed() const { return owned > 1 ? lent : 0; }
    };
    /// Freed blocks of one word of another's slab, not yet returned; one for each size.
    struct Batch {
        Slab* slab = nullptr;
        std::size_t word = 0;
        Word blocks = 0;
        std::size_t bytes = 0;  ///< of all of them
    };
    static constexpr std::size_t kMostBatched = 4096;  ///< bytes of a batch
    static constexpr std::size_t kBatches = class_for(std::min(kMostBatched / 4, kLargestBlock)) + 1;
    static_assert(kBatches <= 64);
    static constexpr std::uint32_t kDeletionsPerLook = 4;

    [[nodiscard, gnu::always_inline]] void* take(std::size_t class_number) { return ready_[class_number].pop(); }
    /// None that is borrowed: it may not be aligned as those of this class are.
    [[nodiscard]] void* take_exactly(std::size_t class_number) {
        return kHeapShape.borrowed != 0 && slabs_[class_number].borrowed ? nullptr : take(class_number);
    }
    [[nodiscard]] bool free_in(const KnownSlab& slab, void* block);
    void free_mine(Slab& slab, std::uint32_t number, void* block);
    void free_past_ready(Slab& slab, std::uint32_t number);
    void free_when_full(Slab& slab, std::uint32_t number);
    void settle_bits(Slab& slab, bool look);
    [[nodiscard]] bool is_ready(const Slab& slab, const void* block) const;
    void look_at_ready(std::size_t class_number);
    /// Blocks of a class that are in use, or ready and not missed.
    [[nodiscard]] std::size_t counted(std::size_t class_number) const {
        const Slabs& slabs = slabs_[class_number];
        return slabs.taken - std::min(slabs.taken, slabs.missed());
    }
    [[nodiscard]] std::size_t too_many_ready(std::size_t class_number) const;
    void set_full_at(std::size_t class_number);
    void make_room(std::size_t class_number);
    void lower_full_at(std::size_t class_number);
    void put_back(std::size_t class_number);
    void put_back_oldest(std::size_t class_number, std::size_t count);
    void take_back_lent(std::size_t class_number);
    [[nodiscard]] std::size_t put_back_some(std::span<std::byte* const> blocks);
    void own(Slab& slab);
    [[nodiscard]] bool is_mine(Slab& slab);
    void part_with(const Slab& slab);
    void end_slab(Slab& slab);
    void count_gone(const Slab& slab);
    void share(Slab& slab);
    void give_up_slabs();
    [[nodiscard]] void* allocate_class(std::size_t class_number, Fit fit);
    [[nodiscard]] void* take_ready(std::size_t class_number);
    [[nodiscard]] bool find_freed(std::size_t class_number);
    void find_more(std::size_t class_number);
    [[nodiscard]] bool may_borrow(std::size_t class_number) const;
    [[nodiscard]] bool borrow(std::size_t class_number);
    [[nodiscard]] std::size_t count_freed(std::size_t class_number) const;
    [[nodiscard]] void* carve_framed(std::size_t class_number);
    [[nodiscard]] void* grow(std::size_t class_number);
    [[nodiscard]] bool ready_freed(Slab& slab);
    void count_taken(Slab& slab, std::size_t blocks);
    [[nodiscard]] void* carve(Slab& slab);
    [[nodiscard]] static std::size_t framed_room(const Slab& slab);
    void get_frames(Slab& slab, std::size_t end);
    void leave(std::size_t class_number);
    [[nodiscard]] Slab* slab_with_freed(std::size_t class_number);

    [[nodiscard]] bool free_into_batch(void* block);
    [[gnu::noinline]] void free_anywhere(void* block);
    void add_to_batch(Batch& batch, std::uint32_t number);
    [[nodiscard]] bool give_elsewhere(Slab& slab, std::uint32_t number);
    void free_from_afar(Slab& slab, std::uint32_t number);
    void freed_in(Slab& slab, std::uint32_t blocks);
    void event(Slab& slab);
    void retire(Slab& slab);
    [[nodiscard]] Slab* take_retired(std::size_t class_number);
    void release_retired(std::size_t class_number);
    [[nodiscard]] std::size_t idle_in_growth() const;
    [[nodiscard]] Slab* take_over(std::size_t class_number);
    void make_way(std::size_t bytes);
    void release_until(std::size_t most);
    void give_back_surplus();
    [[nodiscard]] std::size_t most_idle() const { return kHeapShape.idle_bytes + idle_learned_; }
    void use(Slab& slab);
    [[nodiscard]] bool all_free(std::size_t class_number) const {
        return ready_[class_number].count() >= counted(class_number);
    }
    void wake(Slab& slab);
    void count_idle(Slab& slab);
    void find_idle();
    void count_released(std::size_t bytes);
    void release_idle();
    void release_if_empty(std::size_t class_number);
    void release_empty();
    void miss(const Slab& slab);
    void adopt(Slab& slab);
    void disown(Slab& slab);
    void disown_some(SlabList& waiting);
    [[nodiscard]] bool keep_or_disown(Slab& slab);

    void return_batch(Batch& batch);
    void return_batches();
    void post(Slab& slab);
    [[nodiscard]] bool put_into_inbox(Slab& slab);
    void receive();
    void settle_all(Slab* slab);
    void settle(Slab& slab);
    void collect(Slab& slab);
    static Slab* closed() { return reinterpret_cast<Slab*>(std::uintptr_t{1}); }
    void check_ready(std::size_t class_number) const;
    void check_slabs(std::size_t class_number) const;
    /// What is known of the slab of a taken block; nullptr: it may be another's, or none.
    [[nodiscard]] const KnownSlab* slab_of_taken(const void* block) const {
        const KnownSlab& slab = known_.at(block);
        return slab.number_of(block) < slab.ready_end && !is_marked_free(block) ? &slab : nullptr;
    }
    /// Unless it would waste more than half of the block.
    [[nodiscard]] static bool fits_well(std::size_t bytes, std::size_t usable) {
        return bytes <= usable && bytes > usable / 2;
    }
    [[nodiscard]] void* resize(void* block, std::size_t usable, std::size_t bytes);
    [[nodiscard]] void* move(void* block, std::size_t usable, std::size_t bytes);
    void require_taken(const Slab& slab, const void* block) const;
    static std::uint32_t number_in(const Slab& slab, const void* block);

    std::array<ReadyBlocks, kSizeClasses> ready_;  // first, because an address without an addition is shorter
    CentralHeap* central_ = nullptr;
    std::array<Slabs, kSizeClasses> slabs_;
    std::size_t owned_bytes_ = 0;  ///< of this heap's slabs, without those that were retired
    std::size_t idle_bytes_ = 0;
    std::size_t least_idle_ = 0;       ///< since give_back_surplus() was called
    std::size_t idle_learned_ = 0;     ///< bytes that may be idle, more than the shape says
    std::size_t idle_released_ = 0;    ///< bytes that were too many, lately, and were not missed yet
    std::size_t collected_class_ = 0;  ///< of the slab that collect() found something in
    bool asked_ = false;               ///< slabs were asked for, or taken over, since idle_released_ was counted
    bool found_zeroed_ = false;        ///< the block that the latest refill found is zero
    std::size_t next_released_ = 0;    ///< class that release_until() and take_over() look at next
    std::uint32_t refills_ = 0;  ///< times that blocks of a size were looked for, since give_back_surplus() was called
    std::uint32_t deleted_ = 0;  ///< slabs that were emptied and given back
    std::array<Batch, kBatches> batches_;
    std::uint64_t batched_ = 0;  ///< a bit for each batch that is not empty
    /// Slabs of which others have returned blocks, linked through next_in_inbox; or closed().
    alignas(kHeapShape.cache_line) std::atomic<Slab*> inbox_{nullptr};
    ReadyPlaces<kNearRoom> near_;
    // Not initialised: most pages of these are never touched.
    KnownSlabs known_;
    ReadyPlaces<kFarRoom> far_;
};

inline void* LocalHeap::allocate_here(std::size_t bytes) {
    return bytes <= kFineLimit ? take(class_for(bytes)) : nullptr;
}

inline void* LocalHeap::allocate_here(std::size_t bytes, std::size_t alignment) {
    const std::size_t class_number = aligned_class(bytes, alignment);
    return class_number < kSizeClasses ? take_exactly(class_number) : nullptr;
}

inline void* LocalHeap::allocate_any_here(std::size_t bytes) {
    if (bytes <= kFineLimit) [[likely]]
        return take(class_for(bytes));
    return bytes <= kLargestBlock ? take(class_for(bytes)) : nullptr;
}

/// What is not quite ordinary, a defect too, is free_elsewhere's: nothing has changed when this gives up.
inline bool LocalHeap::free_here(void* block) {
    return free_in(known_.at(block), block);
}

inline bool LocalHeap::free_here(void* block, std::size_t bytes) {
    const KnownSlab& slab = known_.at(block);
    return bytes <= kLargestBlock && slab.class_number == class_for(bytes) && free_in(slab, block);
}

inline bool LocalHeap::free_in(const KnownSlab& slab, void* block) {
    const std::uintptr_t number = slab.number_of(block);
    ReadyBlocks& ready = ready_[slab.class_number];
    if (number >= slab.ready_end || is_marked_free(block)) [[unlikely]]
        return false;
    mark_free(block);
    if (ready.full()) [[unlikely]]
        free_when_full(*slab.slab, static_cast<std::uint32_t>(number));
    else
        ready.push(block);
    return true;
}

}  // namespace quire
