#pragma once
/// Allocations of less than 4 KiB, and a front door for what is larger.
///
///      malloc(24) ──▶ class 32 ──▶ a slab with a free block? take its lowest
///                                  else a new slab: pages from the span source, a descriptor, an entry in the page map
///      free(p)    ──▶ page map: which slab? ──▶ is p a block of it, and taken? ──▶ mark free
///                                  slab empty and another one of the class has room? give its pages back
///
/// Everything the heap knows lies outside the blocks, in descriptors and the page map, which come from the span source
/// directly:
/// the heap never calls itself (gotcha 60). free() of anything that is not a taken block is a defect with one clear
/// line
/// (gotchas 57, 58). Locked inside; the lock is held while the source is called.

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/heap/page_map.hpp"
#include "quire/heap/slab.hpp"
#include "quire/heap/span_source.hpp"
#include "quire/port.hpp"

namespace quire {

struct HeapClassStatistics {
    std::uint32_t block_bytes = 0;
    std::uint32_t slabs = 0;
    std::uint32_t taken = 0;  ///< blocks
    std::uint32_t free = 0;   ///< blocks of its slabs that are not taken
};

/// span_pages = slab pages + large pages + own pages, and the audit recounts each (I18).
struct HeapStatistics {
    std::array<HeapClassStatistics, kSizeClasses> classes{};
    std::uint32_t large_blocks = 0;
    PageCount large_pages;
    PageCount slab_pages;
    PageCount own_pages;  ///< descriptors and page map
    std::uint64_t allocations = 0;
    std::uint64_t frees = 0;
};

class Heap {
public:
    /// All spans of `source` lie within `range`.
    Heap(SpanSource& source, PageRange range) : source_(source), map_(source, range) {}
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    /// A block of at least `bytes` (0 counts as 1), aligned to `alignment`, a power of two up to 4 MiB; nullptr when
    /// there is
    /// no memory, or no such size or alignment. O(1), plus the source when a slab is used up.
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = kBlockGranule) QUIRE_EXCLUDES(lock_);

    /// Gives a block back; nullptr is fine. A defect for anything else that is not a taken block. Never needs memory.
    void free(void* block) QUIRE_EXCLUDES(lock_);

    /// A block with the same contents and another size: in place where it fits, else moved. nullptr when there is no
    /// memory, and then the old block is as it was. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes) QUIRE_EXCLUDES(lock_);

    /// How many bytes of the block may be used: at least what was asked for.
    [[nodiscard]] std::size_t usable_size(const void* block) const QUIRE_EXCLUDES(lock_);

    [[nodiscard]] HeapStatistics statistics() const QUIRE_EXCLUDES(lock_);

    /// Every slab's bits, counts and list membership, the page map and the statistics agree (I18). A defect if not.
    /// O(range / pages of a leaf + slabs).
    void check_invariants() const QUIRE_EXCLUDES(lock_);

private:
    static constexpr std::size_t kLargestAlignment = std::size_t{4} << 20U;

    [[nodiscard]] void* allocate_small(std::size_t class_number) QUIRE_REQUIRES(lock_);
    [[nodiscard]] void* allocate_large(std::size_t bytes, std::size_t alignment) QUIRE_REQUIRES(lock_);
    [[nodiscard]] Slab* new_slab(PageCount pages, PageCount alignment) QUIRE_REQUIRES(lock_);
    void delete_slab(Slab& slab) QUIRE_REQUIRES(lock_);
    [[nodiscard]] Slab* take_descriptor() QUIRE_REQUIRES(lock_);
    void list(Slab& slab) QUIRE_REQUIRES(lock_);
    void unlist(Slab& slab) QUIRE_REQUIRES(lock_);
    [[nodiscard]] Slab& slab_of(const void* block, std::size_t& number) const QUIRE_REQUIRES(lock_);
    [[nodiscard]] static PageRange pages_of(const Slab& slab);

    SpanSource& source_;
    mutable Machine::Lock lock_;
    PageMap map_ QUIRE_GUARDED_BY(lock_);
    std::array<Slab*, kSizeClasses> with_room_ QUIRE_GUARDED_BY(lock_){};  ///< slabs with a free block, by class
    Slab* free_descriptors_ QUIRE_GUARDED_BY(lock_) = nullptr;
    HeapStatistics statistics_ QUIRE_GUARDED_BY(lock_);
};

}  // namespace quire
