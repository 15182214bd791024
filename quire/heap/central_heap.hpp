#pragma once
/// What local heaps share: where slabs come from and go to, which slab an address lies in, slabs with room that nobody
/// owns, and large blocks.
///
///      LocalHeap (one a thread or processor)    no lock: bits of its own slabs
///          │ a slab is used up, or empty; a block is large
///          ▼
///      CentralHeap                              one lock
///          │ spans: whole units of pages                    │ descriptors, map, local heaps
///          ▼                                                ▼
///      SpanSource of the blocks                 SpanSource of the heap's own: elsewhere, where that is possible

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/heap/address_map.hpp"
#include "quire/heap/descriptor_pool.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/slab.hpp"
#include "quire/heap/span_source.hpp"
#include "quire/heap/touch_history.hpp"

namespace quire {

struct HeapClassStatistics {
    std::uint32_t block_bytes = 0;
    std::uint32_t slabs = 0;
    std::uint32_t taken = 0;  ///< blocks; those that were freed from afar and not yet collected count as taken
    std::uint32_t free = 0;   ///< blocks of its slabs that are not taken
};

/// All pages of the sources = slab pages + large pages + own pages, and the audit recounts each (I18).
struct HeapStatistics {
    std::array<HeapClassStatistics, kSizeClasses> classes{};
    std::uint32_t large_blocks = 0;
    PageCount large_pages;
    PageCount slab_pages;
    PageCount own_pages;            ///< descriptors, map and local heaps
    std::uint64_t allocations = 0;  ///< counted by Heap only
    std::uint64_t frees = 0;
};

class CentralHeap {
public:
    /// A new large block gets frames ahead of time for no more pages than this: if more were filled with zeroes, the first would have left
    /// the processor's caches before they are used.
    static constexpr PageCount kMostAtOnce{(std::size_t{2} << 20U) / kPageSize};

    using Map =
        AddressMap<Slab, kHeapShape.unit_shift, kHeapShape.map_roots, kHeapShape.map_leaf, kHeapShape.map_from_zero>;

    /// All spans of `spans` lie within `range`. `own` is where descriptors come from; it may be the same source. `root` is the
    /// map's.
    constexpr CentralHeap(SpanSource& spans, SpanSource& own, PageRange range, Map::Root& root)
        : spans_(spans), own_(own), map_(range, root), descriptors_(own) {}
    CentralHeap(const CentralHeap&) = delete;
    CentralHeap& operator=(const CentralHeap&) = delete;

    /// The slab or large block that an address lies in, or nullptr; of a large block only the first unit is known. No lock.
    [[nodiscard]] Slab* find(const void* address) const { return map_.find(address); }

    /// How many bytes of a block may be used: at least what was asked for. A defect if no block begins there; whether it is taken, only
    /// its slab's owner knows. No lock.
    [[nodiscard]] std::size_t usable_size(const void* block) const;

    /// A slab without taken blocks, owned by `owner`; nullptr if there is no memory. O(units + words).
    [[nodiscard]] Slab* new_slab(std::size_t class_number, LocalHeap* owner) QUIRE_EXCLUDES(lock_);
    /// Gives back a slab of the caller's without taken blocks.
    void delete_slab(Slab& slab) QUIRE_EXCLUDES(lock_);

    /// The next `pages` of a slab of the caller's are about to be used for the first time.
    void get_frames(Slab& slab, std::size_t pages) const {
        spans_.get_frames(slab.first_page() + slab.framed * kPageSize, PageCount{pages});
        slab.framed += static_cast<std::uint32_t>(pages);
    }

    /// Offers a slab of the caller's with room to whoever needs one.
    void share(Slab& slab) QUIRE_EXCLUDES(lock_);
    /// Such a slab, owned by `owner` from now on, or nullptr.
    [[nodiscard]] Slab* take_shared(std::size_t class_number, LocalHeap* owner) QUIRE_EXCLUDES(lock_);
    /// Without the lock, so it may have changed when the caller acts on it.
    [[nodiscard]] bool has_shared(std::size_t class_number) const {
        return shared_counts_[class_number].load(std::memory_order_relaxed) != 0;
    }
    /// Frees a block of a shared slab. False if it is not shared any more; then nothing has happened.
    [[nodiscard]] bool free_shared(Slab& slab, std::uint32_t number) QUIRE_EXCLUDES(lock_);
    /// Collects what was freed from afar into a shared slab. False as above.
    [[nodiscard]] bool collect_shared(Slab& slab) QUIRE_EXCLUDES(lock_);

    /// What a new large block is for.
    enum class Purpose : std::uint8_t {
        any,
        zeroes,  ///< it must read as zeroes
        growth,  ///< it takes the place of a smaller one that was full
    };
    /// Pages of their own, aligned to a unit and to `alignment`, a power of two. nullptr if there is no memory.
    [[nodiscard]] void* allocate_large(std::size_t bytes, std::size_t alignment, Purpose purpose) QUIRE_EXCLUDES(lock_);
    /// A defect if `block` is not where the large block begins.
    void free_large(Slab& slab, const void* block) QUIRE_EXCLUDES(lock_);
    /// Changes the size of a large block of the caller's; it may move, with its contents. nullptr: it cannot, and nothing has
    /// changed.
    [[nodiscard]] void* resize_large(Slab& slab, std::size_t bytes) QUIRE_EXCLUDES(lock_);

    /// Gives back what the source keeps for the next span. True if there was something.
    bool trim() QUIRE_EXCLUDES(lock_);
    /// Other than 0: where the blocks of a slab begin differs from slab to slab, as far as a slab has bytes to spare.
    void seed(std::uint32_t seed) QUIRE_EXCLUDES(lock_);
    /// Pages for something of the heap's own, for ever.
    [[nodiscard]] void* acquire_own(PageCount pages) QUIRE_EXCLUDES(lock_);

    /// While no local heap is in use: a block may be taken or freed without any lock. O(slabs * words).
    [[nodiscard]] HeapStatistics statistics() const QUIRE_EXCLUDES(lock_);
    /// The map, the slabs' bits and counts, the lists and the statistics agree (I18); a defect if not. As above.
    void check_invariants() const QUIRE_EXCLUDES(lock_);

    /// Around a fork: the child finds the lock free and everything consistent.
    void before_fork() QUIRE_ACQUIRE(lock_) {
        lock_.lock();
        spans_.await_chores();
    }
    void after_fork() QUIRE_RELEASE(lock_) { lock_.unlock(); }

private:
    class Section;
    [[nodiscard]] Slab* enter(void* first, PageCount pages, PageCount known, std::size_t words) QUIRE_REQUIRES(lock_);
    /// A new large block, and what is to be done with it when the lock is free.
    struct NewLarge {
        void* first = nullptr;
        bool is_zero = false;
        bool foreseen = false;  ///< its pages, which lack frames, will be used
    };
    [[nodiscard]] NewLarge enter_large(std::size_t bytes, PageCount asked, PageCount alignment, Purpose purpose)
        QUIRE_EXCLUDES(lock_);
    void look_at_watched(PageCount pages) QUIRE_REQUIRES(lock_);
    /// `lacks_frames`: whether what is new does.
    [[nodiscard]] bool resize_roughly(Slab& slab, std::size_t bytes, PageCount needed, bool& lacks_frames)
        QUIRE_EXCLUDES(lock_);
    void frame_large(Slab& slab, PageCount needed);
    [[nodiscard]] bool resize_in_place(Slab& slab, std::size_t bytes, PageCount least, PageCount most,
                                       bool& lacks_frames) QUIRE_EXCLUDES(lock_);
    void set_large_size(Slab& slab, std::size_t bytes, PageCount pages) QUIRE_REQUIRES(lock_);
    [[nodiscard]] bool move_large(Slab& slab, std::size_t bytes, PageCount pages, bool& lacks_frames)
        QUIRE_EXCLUDES(lock_);
    [[nodiscard]] std::byte* place_to_move_to(PageCount pages, bool& is_zero, bool& lacks_frames) QUIRE_EXCLUDES(lock_);
    void forget(Slab& slab, PageCount known) QUIRE_REQUIRES(lock_);
    void delete_slab_locked(Slab& slab) QUIRE_REQUIRES(lock_);
    void unshare_locked(Slab& slab) QUIRE_REQUIRES(lock_);
    void settle_shared_locked(Slab& slab) QUIRE_REQUIRES(lock_);
    [[nodiscard]] std::uint32_t next_random() QUIRE_REQUIRES(lock_);
    void check_slab(const Slab& slab) const QUIRE_REQUIRES(lock_);

    SpanSource& spans_;
    SpanSource& own_;
    mutable HeapLock lock_;
    Map map_;
    DescriptorPool descriptors_ QUIRE_GUARDED_BY(lock_);
    std::array<SlabList, kSizeClasses> shared_ QUIRE_GUARDED_BY(lock_){};
    std::array<std::atomic<std::uint32_t>, kSizeClasses> shared_counts_{};
    Slab* all_ QUIRE_GUARDED_BY(lock_) = nullptr;
    TouchHistory history_ QUIRE_GUARDED_BY(lock_);
    PageCount slab_pages_ QUIRE_GUARDED_BY(lock_){};
    PageCount large_pages_ QUIRE_GUARDED_BY(lock_){};
    PageCount acquired_own_ QUIRE_GUARDED_BY(lock_){};
    std::uint32_t random_ QUIRE_GUARDED_BY(lock_) = 0;
};

}  // namespace quire
