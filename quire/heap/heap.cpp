// What is not worth inlining, and what happens when there is no memory.
#include "quire/heap/heap.hpp"

#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

void* Heap::allocate(std::size_t bytes, std::size_t alignment, Wait wait) {
    if (alignment == kBlockGranule) return allocate(bytes, wait);
    {
        const Guard guard(lock_);
        void* const block = local_.allocate(bytes, alignment);
        if (block != nullptr) {
            ++allocations_;
            return block;
        }
    }
    return wait == Wait::may ? allocate_reclaiming(bytes, alignment) : nullptr;
}

void* Heap::allocate_zeroed(std::size_t bytes, Wait wait) {
    if (bytes > kLargestBlock) {
        // A source may have pages that are zero already.
        const Guard guard(lock_);
        void* const block = local_.allocate_zeroed(bytes);
        if (block != nullptr) {
            ++allocations_;
            return block;
        }
    }
    void* const block = allocate(bytes, wait);
    if (block != nullptr) std::memset(block, 0, bytes);
    return block;
}

void Heap::free_sized(void* block, std::size_t bytes, std::size_t alignment, Resized resized) {
    if (block == nullptr) return;
    if constexpr (kHeapShape.smallest_block < kBlockGranule) {
        if (alignment == 0 && bytes < kBlockGranule) bytes = kBlockGranule;
    }
    const Guard guard(lock_);
    local_.free_sized(block, bytes, alignment, resized);
    ++frees_;
}

void* Heap::reallocate(void* block, std::size_t bytes, Wait wait) {
    if (block == nullptr) return allocate(bytes, wait);
    std::size_t usable = 0;
    {
        const Guard guard(lock_);
        void* const result = local_.reallocate(block, bytes);
        if (result != nullptr) {
            if (result != block) ++allocations_, ++frees_;
            return result;
        }
        usable = local_.usable_size(block);
    }
    if (bytes <= usable) return block;
    void* const moved = wait == Wait::may ? allocate_reclaiming(bytes, kBlockGranule) : nullptr;
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, usable);
    free(block);
    return moved;
}

/// An allocation that has been counted found no memory.
void* Heap::refused(std::size_t bytes, std::size_t alignment, Wait wait) {
    {
        const Guard guard(lock_);
        --allocations_;
    }
    return wait == Wait::may ? allocate_reclaiming(bytes, alignment) : nullptr;
}

/// Each round gives back something that somebody else had, so there is an end.
void* Heap::allocate_reclaiming(std::size_t bytes, std::size_t alignment) {
    // What nothing could satisfy is no reason to empty the caches.
    if (bytes > most_bytes_ || !is_power_of_two(alignment) || alignment > LocalHeap::kLargestAlignment) return nullptr;
    {
        const Guard guard(lock_);
        if (reclaiming_) return nullptr;
        reclaiming_ = true;
    }
    void* block = nullptr;
    for (bool more = true; more && block == nullptr;) {
        more = reclaimer_ != nullptr && reclaimer_->reclaim();
        trim();
        block = allocate(bytes, alignment, Wait::never);
    }
    const Guard guard(lock_);
    reclaiming_ = false;
    return block;
}

void* Heap::allocate_object_reclaiming(ObjectCounts& counts, std::size_t bytes, std::size_t alignment, Wait wait) {
    void* const block = wait == Wait::may ? allocate_reclaiming(bytes, alignment) : nullptr;
    const Guard guard(lock_);
    if (block == nullptr) {
        ++counts.refused;
        return nullptr;
    }
    --allocations_;  // the cache counts it
    count_object(counts);
    return block;
}

void Heap::enlist(ObjectCounts& counts) {
    counts.listed = true;
    counts.next = caches_;
    caches_ = &counts;
}

void Heap::forget(ObjectCounts& counts) {
    const Guard guard(lock_);
    require(counts.live == 0, "an object cache ends, and there are objects of it");
    if (!counts.listed) return;
    ObjectCounts** at = &caches_;
    while (*at != &counts) at = &(*at)->next;
    *at = counts.next;
    counts.listed = false;
    allocations_ += counts.made;
    frees_ += counts.made;
}

HeapStatistics Heap::statistics() const {
    const Guard guard(lock_);
    HeapStatistics result = central_.statistics();
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        const auto ready = static_cast<std::uint32_t>(local_.ready_blocks(i));
        result.classes[i].taken -= ready;
        result.classes[i].free += ready;
    }
    result.allocations = allocations_;
    result.frees = frees_;
    for (const ObjectCounts* counts = caches_; counts != nullptr; counts = counts->next) {
        result.allocations += counts->made;
        result.frees += counts->made - counts->live;
    }
    return result;
}

void Heap::check_invariants() const {
    const Guard guard(lock_);
    central_.check_invariants();
    local_.check_invariants();
    HeapStatistics statistics = central_.statistics();
    for (const ObjectCounts* counts = caches_; counts != nullptr; counts = counts->next) {
        require(counts->live <= counts->most && counts->live <= counts->made,
                "I18: an object cache's counts have drifted");
        for (HeapClassStatistics& row : statistics.classes) {
            if (row.block_bytes != counts->block_bytes) continue;
            require(row.taken >= counts->live, "I18: object caches have more objects than there are blocks");
            row.taken -= counts->live;
        }
    }
}

}  // namespace quire
