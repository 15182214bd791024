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
#include "quire/base/lock.hpp"
#include "quire/heap/central_heap.hpp"
#include "quire/heap/local_heap.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

class Heap {
public:
    /// All spans of `source` lie within `range`, at most CentralHeap::Map::kMaxPages.
    Heap(SpanSource& source, PageRange range) : central_(source, source, range, root_), local_(central_) {}
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    /// A block of at least `bytes` (0 counts as 1), aligned to `alignment`, a power of two up to 4 MiB; nullptr when there
    /// is no memory, or no such size or alignment. O(1), plus the source when a slab is used up.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = kBlockGranule) QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        void* const block = alignment <= kBlockGranule && alignment <= kHeapShape.smallest_block && alignment != 0 &&
                                    is_power_of_two(alignment)
                                ? local_.allocate(bytes)
                                : local_.allocate(bytes, alignment);
        if (block != nullptr) ++allocations_;
        return block;
    }

    /// Gives a block back; nullptr is fine. A defect for anything else that is not a taken block. Never needs memory.
    void free(void* block) QUIRE_EXCLUDES(lock_) {
        if (block == nullptr) return;
        const Guard guard(lock_);
        local_.free(block);
        ++frees_;
    }

    /// A block with the same contents and another size: in place where it fits, else moved. nullptr when there is no
    /// memory, and then the old block is as it was. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes) QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        void* const result = local_.reallocate(block, bytes);
        if (result != nullptr && result != block) {
            ++allocations_;
            if (block != nullptr) ++frees_;
        }
        return result;
    }

    /// How many bytes of the block may be used: at least what was asked for.
    [[nodiscard]] std::size_t usable_size(const void* block) const QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        return local_.usable_size(block);
    }

    /// Gives back the slabs that are kept for the next allocation.
    void trim() QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        local_.trim();
    }

    [[nodiscard]] HeapStatistics statistics() const QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        HeapStatistics result = central_.statistics();
        result.allocations = allocations_;
        result.frees = frees_;
        return result;
    }

    /// Every slab's bits, counts and list membership, the map and the statistics agree (I18). A defect if not.
    void check_invariants() const QUIRE_EXCLUDES(lock_) {
        const Guard guard(lock_);
        central_.check_invariants();
        local_.check_invariants();
    }

private:
    mutable HeapLock lock_;
    CentralHeap::Map::Root root_{};
    CentralHeap central_;
    LocalHeap local_;
    std::uint64_t allocations_ QUIRE_GUARDED_BY(lock_) = 0;
    std::uint64_t frees_ QUIRE_GUARDED_BY(lock_) = 0;
};

}  // namespace quire
