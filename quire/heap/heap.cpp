#include "quire/heap/heap.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

namespace {

Page page_of(const void* address) {
    return VirtualAddress{reinterpret_cast<std::uintptr_t>(address)}.page();
}

/// The class whose blocks are all aligned to `alignment` and hold `bytes`; kSizeClasses if there is none. Blocks of a
/// power-of-two size are aligned to it, because slabs are page aligned.
std::size_t aligned_class(std::size_t bytes, std::size_t alignment) {
    if (bytes > kLargestBlock || alignment > kLargestBlock) return kSizeClasses;
    if (alignment <= kBlockGranule) return class_for(bytes);
    std::size_t size = std::max(bytes, alignment);
    if (!is_power_of_two(size)) size = std::size_t{1} << std::bit_width(size);
    return size > kLargestBlock ? kSizeClasses : class_for(size);
}

}  // namespace

PageRange Heap::pages_of(const Slab& slab) {
    return range_of(page_of(slab.start), PageCount{slab.pages});
}

void* Heap::allocate(std::size_t bytes, std::size_t alignment) {
    if (!is_power_of_two(alignment) || alignment > kLargestAlignment) return nullptr;
    const std::size_t wanted = bytes == 0 ? 1 : bytes;
    const std::size_t class_number = aligned_class(wanted, alignment);
    const Guard guard(lock_);
    void* const block = class_number < kSizeClasses ? allocate_small(class_number) : allocate_large(wanted, alignment);
    if (block != nullptr) ++statistics_.allocations;
    return block;
}

void* Heap::allocate_small(std::size_t class_number) {
    HeapClassStatistics& counts = statistics_.classes[class_number];
    Slab* slab = with_room_[class_number];
    if (slab == nullptr) {
        const SizeClass& size = size_class(class_number);
        slab = new_slab(PageCount{size.slab_pages}, PageCount{1});
        if (slab == nullptr) return nullptr;
        slab->class_number = static_cast<std::uint8_t>(class_number);
        for (std::size_t block = 0; block < size.slab_blocks; ++block) slab->give_back(block);
        list(*slab);
        ++counts.slabs;
        counts.free += size.slab_blocks;
        statistics_.slab_pages += PageCount{slab->pages};
    }
    std::byte* const block = slab->take();
    if (slab->free_blocks == 0) unlist(*slab);
    ++counts.taken;
    --counts.free;
    return block;
}

void* Heap::allocate_large(std::size_t bytes, std::size_t alignment) {
    Slab* const slab = new_slab(pages_for(bytes), pages_for(alignment));
    if (slab == nullptr) return nullptr;
    slab->class_number = Slab::kLarge;
    slab->large_bytes = bytes;
    ++statistics_.large_blocks;
    statistics_.large_pages += PageCount{slab->pages};
    return slab->start;
}

/// Pages with a descriptor and entries in the page map; nullptr leaves nothing behind.
Slab* Heap::new_slab(PageCount pages, PageCount alignment) {
    Slab* const slab = take_descriptor();
    if (slab == nullptr) return nullptr;
    auto* const start = static_cast<std::byte*>(source_.acquire(pages, alignment));
    if (start != nullptr && map_.prepare(range_of(page_of(start), pages))) {
        *slab = Slab{};
        slab->start = start;
        slab->pages = pages.value;
        map_.set(pages_of(*slab), slab);
        return slab;
    }
    if (start != nullptr) source_.release(start, pages);
    slab->next = free_descriptors_;
    free_descriptors_ = slab;
    return nullptr;
}

void Heap::delete_slab(Slab& slab) {
    map_.set(pages_of(slab), nullptr);
    source_.release(slab.start, PageCount{slab.pages});
    slab = Slab{};
    slab.next = free_descriptors_;
    free_descriptors_ = &slab;
}

Slab* Heap::take_descriptor() {
    if (free_descriptors_ == nullptr) {
        void* const page = source_.acquire(PageCount{1}, PageCount{1});
        if (page == nullptr) return nullptr;
        statistics_.own_pages += PageCount{1};
        for (std::size_t i = 0; i < kPageSize / sizeof(Slab); ++i) {
            auto* const slab = new (static_cast<std::byte*>(page) + i * sizeof(Slab)) Slab;
            slab->next = free_descriptors_;
            free_descriptors_ = slab;
        }
    }
    Slab* const slab = free_descriptors_;
    free_descriptors_ = slab->next;
    return slab;
}

void Heap::list(Slab& slab) {
    Slab*& first = with_room_[slab.class_number];
    slab.previous = nullptr;
    slab.next = first;
    if (first != nullptr) first->previous = &slab;
    first = &slab;
    slab.listed = true;
}

void Heap::unlist(Slab& slab) {
    (slab.previous != nullptr ? slab.previous->next : with_room_[slab.class_number]) = slab.next;
    if (slab.next != nullptr) slab.next->previous = slab.previous;
    slab.next = slab.previous = nullptr;
    slab.listed = false;
}

/// The slab of a taken block and the block's number in it; a defect for every other pointer.
Slab& Heap::slab_of(const void* block, std::size_t& number) const {
    Slab* const slab = map_.find(page_of(block));
    require(slab != nullptr, "the heap was given a pointer that is not its own");
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(block) - slab->start);
    if (slab->is_large()) {
        require(offset == 0, "the heap was given a pointer into the middle of a block");
        number = 0;
        return *slab;
    }
    number = offset / slab->blocks().bytes;
    require(offset % slab->blocks().bytes == 0 && number < slab->blocks().slab_blocks,
            "the heap was given a pointer into the middle of a block");
    require(!slab->is_free(number), "a block of the heap was freed twice, or used after it was freed");
    return *slab;
}

void Heap::free(void* block) {
    if (block == nullptr) return;
    const Guard guard(lock_);
    std::size_t number = 0;
    Slab& slab = slab_of(block, number);
    ++statistics_.frees;
    if (slab.is_large()) {
        --statistics_.large_blocks;
        statistics_.large_pages -= PageCount{slab.pages};
        delete_slab(slab);
        return;
    }
    HeapClassStatistics& counts = statistics_.classes[slab.class_number];
    slab.give_back(number);
    --counts.taken;
    ++counts.free;
    if (!slab.listed) list(slab);
    // One empty slab a class stays, so that a block that is taken and freed in turn does not cost pages each time.
    const bool empty = slab.free_blocks == slab.blocks().slab_blocks;
    const bool others = slab.next != nullptr || slab.previous != nullptr;
    if (empty && others) {
        unlist(slab);
        --counts.slabs;
        counts.free -= slab.blocks().slab_blocks;
        statistics_.slab_pages -= PageCount{slab.pages};
        delete_slab(slab);
    }
}

std::size_t Heap::usable_size(const void* block) const {
    const Guard guard(lock_);
    std::size_t number = 0;
    const Slab& slab = slab_of(block, number);
    return slab.is_large() ? slab.pages * kPageSize : slab.blocks().bytes;
}

void* Heap::reallocate(void* block, std::size_t bytes) {
    if (block == nullptr) return allocate(bytes);
    const std::size_t usable = usable_size(block);
    // In place unless it would waste more than half of the block.
    if (bytes <= usable && bytes > usable / 2) return block;
    void* const moved = allocate(bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(usable, bytes));
    free(block);
    return moved;
}

HeapStatistics Heap::statistics() const {
    const Guard guard(lock_);
    HeapStatistics result = statistics_;
    result.own_pages += map_.own_pages();
    for (std::size_t i = 0; i < kSizeClasses; ++i) result.classes[i].block_bytes = size_class(i).bytes;
    return result;
}

void Heap::check_invariants() const {
    const Guard guard(lock_);
    HeapStatistics found;
    const PageRange range = map_.range();
    for (Page page = range.first; page < range.end;) {
        const Slab* const slab = map_.find(page);
        if (slab == nullptr) {
            page = page + PageCount{1};
            continue;
        }
        require(pages_of(*slab).first == page, "I18: the page map leads into the middle of a slab");
        for (Page inside = page; inside < pages_of(*slab).end; inside = inside + PageCount{1}) {
            require(map_.find(inside) == slab, "I18: a slab has lost a page of the page map");
        }
        page = pages_of(*slab).end;
        if (slab->is_large()) {
            ++found.large_blocks;
            found.large_pages += PageCount{slab->pages};
            continue;
        }
        std::uint32_t free = 0;
        for (const std::uint32_t word : slab->free_bits) free += ones_in(word);
        require(free == slab->free_blocks, "I18: a slab has miscounted its free blocks");
        require(slab->listed == (free != 0), "I18: a slab with room is not listed, or a full one is");
        HeapClassStatistics& counts = found.classes[slab->class_number];
        ++counts.slabs;
        counts.free += free;
        counts.taken += slab->blocks().slab_blocks - free;
        found.slab_pages += PageCount{slab->pages};
    }
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        const HeapClassStatistics& counted = statistics_.classes[i];
        require(found.classes[i].slabs == counted.slabs && found.classes[i].free == counted.free &&
                    found.classes[i].taken == counted.taken,
                "I18: the heap's statistics have drifted");
    }
    require(found.large_blocks == statistics_.large_blocks && found.large_pages == statistics_.large_pages &&
                found.slab_pages == statistics_.slab_pages,
            "I18: the heap's statistics have drifted");
}

}  // namespace quire
