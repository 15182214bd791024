#pragma once
/// Allocations of less than 4 KiB, and a front door for what is larger: a whole heap behind one lock, for who has no
/// threads or wants no bother with them. Inside are one CentralHeap and one LocalHeap; a program with many threads gives
/// each of them a LocalHeap of its own (ports/linux).
///
///      malloc(24) ──▶ class 32 ──▶ the lowest set bit in a word of its slab's bits
///      free(p)    ──▶ map: which slab? ──▶ is p a block of it, and taken? ──▶ set its bit
///                                          slab empty? give its pages back
///
/// Everything the heap knows lies outside the blocks, in descriptors and a map, which come from the span source directly:
/// the heap never calls itself (gotcha 60). free() of anything that is not a taken block is a defect with one clear line
/// (gotchas 57, 58). The lock is held while the source is called.

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/defect.hpp"
#include "quire/base/lock.hpp"
#include "quire/heap/central_heap.hpp"
#include "quire/heap/local_heap.hpp"
#include "quire/heap/object_counts.hpp"
#include "quire/heap/reclaimer.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

class Heap {
public:
    /// All spans of `source` lie within `range`, at most CentralHeap::Map::kMaxPages.
    Heap(SpanSource& source, PageRange range)
        : own_(source),
          central_(source, own_, range, root_),
          local_(central_),
          most_bytes_(static_cast<std::size_t>(range.count().bytes())) {}
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    /// Whom to ask when there is no memory and the caller may wait. Once, before that can happen.
    void set_reclaimer(Reclaimer& reclaimer) { reclaimer_ = &reclaimer; }

    /// A block of at least `bytes` (0 counts as 1), aligned to 16; nullptr when there is no memory, or no such size. O(1),
    /// plus the source when a slab is used up.
    [[nodiscard]] void* allocate(std::size_t bytes, Wait wait = Wait::never) QUIRE_EXCLUDES(lock_) {
        if constexpr (kHeapShape.smallest_block < kBlockGranule) {
            if (bytes < kBlockGranule) bytes = kBlockGranule;
        }
        void* block = nullptr;
        {
            const Guard guard(lock_);
            block = local_.allocate(bytes);
            ++allocations_;
        }
        if (block == nullptr) [[unlikely]]
            block = refused(bytes, kBlockGranule, wait);
        return block;
    }
    /// The same, aligned to `alignment`, a power of two up to 4 MiB; nullptr for any other.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment, Wait wait = Wait::never)
        QUIRE_EXCLUDES(lock_);
    /// Full of zeroes.
    [[nodiscard]] void* allocate_zeroed(std::size_t bytes, Wait wait = Wait::never) QUIRE_EXCLUDES(lock_);

    /// Gives a block back; nullptr is fine. A defect for anything else that is not a taken block. Never needs memory.
    [[gnu::flatten]] void free(void* block) QUIRE_EXCLUDES(lock_) {
        if (block == nullptr) return;
        const Guard guard(lock_);
        // Apart, so that the fast path is inlined here.
        if (!local_.free_here(block)) [[unlikely]]
            local_.free(block);
        ++frees_;
    }
    /// The same, and a defect if the block was not allocated with this size and alignment (0: none was asked for).
    /// One that reallocate() may have seen may also be larger, as long as more than half of it was used.
    void free_sized(void* block, std::size_t bytes, std::size_t alignment = 0, Resized resized = Resized::no)
        QUIRE_EXCLUDES(lock_);

    /// A block with the same contents and another size: in place where it fits, else moved. nullptr when there is no
    /// memory, and then the old block is as it was. Making it smaller always succeeds. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes, Wait wait = Wait::never) QUIRE_EXCLUDES(lock_);

    /// How many bytes of the block may be used: at least what was asked for.
    [[nodiscard]] std::size_t usable_size(const void* block) const QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        return local_.usable_size(block);
    }

    /// Gives back the slabs that are kept for the next allocation.
    void trim() QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        local_.trim();
        static_cast<void>(central_.trim());
    }

    /// For ObjectCache: a block for an object of a size and alignment that are known when this is compiled.
    template <std::size_t Bytes, std::size_t Alignment>
    [[nodiscard]] void* allocate_object(ObjectCounts& counts, Wait wait) QUIRE_EXCLUDES(lock_);
    [[gnu::flatten]] void free_object(ObjectCounts& counts, void* block) QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        require(counts.live != 0, "an object was given to a cache that has none");
        --counts.live;
        if (!local_.free_here(block)) [[unlikely]]
            local_.free(block);
    }
    /// The end of a cache; a defect if it still has objects.
    void forget(ObjectCounts& counts) QUIRE_EXCLUDES(lock_);
    /// Calls `visit(const ObjectCounts&)` for each cache that was ever used; none may end meanwhile.
    template <typename Visitor>
    void for_each_cache(Visitor&& visit) const QUIRE_EXCLUDES(lock_) {
        for (const ObjectCounts* counts = caches_; counts != nullptr; counts = counts->next) visit(*counts);
    }

    [[nodiscard]] HeapStatistics statistics() const QUIRE_EXCLUDES(lock_);

    /// Every slab's bits, counts and list membership, the map and the statistics agree, and no cache has more objects than
    /// there are blocks (I18). A defect if not.
    void check_invariants() const QUIRE_EXCLUDES(lock_);

private:
    /// Nobody frees here without the lock, so descriptors can go back.
    class OwnPages final : public SpanSource {
    public:
        explicit OwnPages(SpanSource& source) : source_(source) {}
        void* acquire(PageCount count, PageCount alignment) override { return source_.acquire(count, alignment); }
        void* acquire_zeroed(PageCount count, PageCount alignment) override {
            return source_.acquire_zeroed(count, alignment);
        }
        void release(void* first, PageCount count) override { source_.release(first, count); }
        bool takes_descriptors_back() const override { return true; }

    private:
        SpanSource& source_;
    };

    [[nodiscard]] void* refused(std::size_t bytes, std::size_t alignment, Wait wait) QUIRE_EXCLUDES(lock_);
    [[nodiscard]] void* allocate_reclaiming(std::size_t bytes, std::size_t alignment) QUIRE_EXCLUDES(lock_);
    [[nodiscard]] void* allocate_object_reclaiming(ObjectCounts& counts, std::size_t bytes, std::size_t alignment,
                                                   Wait wait) QUIRE_EXCLUDES(lock_);
    void enlist(ObjectCounts& counts) QUIRE_REQUIRES(lock_);
    static void count_object(ObjectCounts& counts) {
        ++counts.made;
        if (++counts.live > counts.most) counts.most = counts.live;
    }

    mutable HeapLock lock_;
    OwnPages own_;
    CentralHeap::Map::Root root_{};
    CentralHeap central_;
    LocalHeap local_;
    std::size_t most_bytes_;  ///< no block is larger
    std::uint64_t allocations_ QUIRE_GUARDED_BY(lock_) = 0;
    std::uint64_t frees_ QUIRE_GUARDED_BY(lock_) = 0;
    ObjectCounts* caches_ = nullptr;  ///< only ever grows at its front, but for forget()
    Reclaimer* reclaimer_ = nullptr;
    bool reclaiming_ QUIRE_GUARDED_BY(lock_) = false;
};

template <std::size_t Bytes, std::size_t Alignment>
void* Heap::allocate_object(ObjectCounts& counts, Wait wait) {
    {
        const Guard guard(lock_);
        if (!counts.listed) [[unlikely]]
            enlist(counts);
        void* block = nullptr;
        // A class whose blocks are all aligned far enough, or pages.
        if constexpr (constexpr std::size_t number = aligned_class(Bytes, Alignment); number < kSizeClasses)
            block = local_.allocate_exactly(number);
        else
            block = local_.allocate(Bytes, Alignment);
        if (block != nullptr) [[likely]] {
            count_object(counts);
            return block;
        }
    }
    return allocate_object_reclaiming(counts, Bytes, Alignment, wait);
}

}  // namespace quire
