// What must hold between two calls (I18), and the statistics, which are counted when somebody asks.
#include <algorithm>
#include <span>

#include "quire/base/defect.hpp"
#include "quire/heap/central_heap.hpp"
#include "quire/heap/local_heap.hpp"

namespace quire {

HeapStatistics CentralHeap::statistics() const {
    const Guard guard(lock_);
    HeapStatistics result;
    for (std::size_t i = 0; i < kSizeClasses; ++i) result.classes[i].block_bytes = size_class(i).bytes;
    for (const Slab* slab = all_; slab != nullptr; slab = slab->next_of_all) {
        if (slab->is_large()) {
            ++result.large_blocks;
            continue;
        }
        HeapClassStatistics& counts = result.classes[slab->class_number];
        const std::uint32_t taken = slab->count_taken();
        ++counts.slabs;
        counts.taken += taken;
        counts.free += slab->capacity - taken;
    }
    result.large_pages = large_pages_;
    result.slab_pages = slab_pages_;
    result.own_pages = descriptors_.own_pages() + map_.own_pages() + acquired_own_;
    return result;
}

void CentralHeap::check_slab(const Slab& slab) const {
    const std::size_t known = slab.is_large() ? 1 : slab.pages / kUnitPages.value;
    const auto first = align_down(reinterpret_cast<std::uintptr_t>(slab.base), kUnitBytes);
    for (std::size_t unit = 0; unit < known; ++unit) {
        require(map_.find(reinterpret_cast<const void*>(first + unit * kUnitBytes)) == &slab,
                "I18: the map does not lead to a slab");
    }
    if (slab.is_large()) return;
    const SizeClass& size = size_class(slab.class_number);
    require(slab.block_bytes == size.bytes && slab.capacity == size.capacity && slab.pages == size.slab_pages,
            "I18: a slab is not what its class says");
    require(slab.carved <= slab.capacity, "I18: a slab has carved more blocks than it has");
    for (std::uint32_t number = slab.carved; number < slab.words * Slab::kWordBits; ++number) {
        require(!slab.is_free(number), "I18: a block is free that was never handed out");
    }
    const LocalHeap* const owner = slab.owner.load(std::memory_order_acquire);
    require(owner != nullptr, "I18: a slab has no owner");
    if (owner == Slab::full()) require(slab.count_free() == 0, "I18: a slab with free blocks counts as full");
    require(slab.owned().taken == slab.count_taken(), "I18: a slab would not be seen to be empty");
}

void CentralHeap::check_invariants() const {
    const Guard guard(lock_);
    PageCount slabs;
    PageCount large;
    std::array<std::uint32_t, kSizeClasses> shared{};
    for (const Slab* slab = all_; slab != nullptr; slab = slab->next_of_all) {
        check_slab(*slab);
        (slab->is_large() ? large : slabs) += PageCount{slab->pages};
        if (slab->owner.load(std::memory_order_acquire) == Slab::shared()) ++shared[slab->class_number];
    }
    require(slabs == slab_pages_ && large == large_pages_, "I18: the heap's statistics have drifted");
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        std::uint32_t listed = 0;
        for (const Slab* slab = shared_[i].first(); slab != nullptr; slab = slab->next) {
            require(slab->owner.load(std::memory_order_acquire) == Slab::shared() && slab->class_number == i,
                    "I18: a slab in a list of shared ones is not shared");
            ++listed;
        }
        require(listed == shared[i] && listed == shared_counts_[i].load(std::memory_order_relaxed),
                "I18: a shared slab is in no list");
    }
}

/// What is ready is marked as free, taken from its slab, and there once.
void LocalHeap::check_ready(std::size_t class_number) const {
    const std::span<std::byte* const> blocks = ready_[class_number].blocks();
    require(blocks.size() <= slabs_[class_number].most_ready, "I18: too many blocks are ready");
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        const Slab* const slab = central_->find(blocks[i]);
        require(slab != nullptr && !slab->is_large() && slab->class_number >= class_number &&
                    slab->class_number <= class_number + kHeapShape.borrowed,
                "I18: a block that is ready is of another size");
        require(slab->number_of(blocks[i]) < slab->carved, "I18: a block that is ready was never handed out");
        require(is_marked_free(blocks[i]), "I18: a block that is ready was written to");
        if (slab->owner.load(std::memory_order_acquire) == this)
            require(!slab->is_free(slab->number_of(blocks[i])), "I18: a block that is ready is in its slab, too");
        for (std::size_t other = 0; other < i; ++other)
            require(blocks[other] != blocks[i], "I18: a block that is ready is there twice");
    }
}

/// Slabs of a class that this heap owns, and what it knows of them.
void LocalHeap::check_slabs(std::size_t class_number) const {
    const Slabs& slabs = slabs_[class_number];
    std::uint32_t owned = 0;
    std::uint32_t taken = 0;
    const auto count = [&](const Slab& slab) {
        require(slab.owner.load(std::memory_order_acquire) == this && slab.class_number == class_number,
                "I18: a slab in a list is another's");
        require(slab.owned().look_at == (slab.has_freed() ? slab.floor : std::max(slab.carved, 1U) - 1),
                "I18: a slab is looked at too early or too late");
        ++owned;
        taken += slab.owned().taken;
    };
    if (slabs.current != nullptr) {
        count(*slabs.current);
        require(!slabs.current->listed, "I18: the current slab is in a list");
    }
    const Slab* previous = nullptr;
    for (const Slab* slab = slabs.waiting.first(); slab != nullptr; slab = slab->next) {
        count(*slab);
        require(slab->listed && slab->previous == previous && !slab->idle, "I18: a list of slabs is torn");
        require(slab->owned().taken > slab->floor, "I18: a slab was not seen to be empty");
        previous = slab;
    }
    previous = nullptr;
    for (const Slab* slab = slabs.retired.first(); slab != nullptr; slab = slab->next) {
        require(slab->listed && slab->previous == previous && slab->idle && slab->owned().taken == 0,
                "I18: a slab without a taken block is not as it should be");
        require(slab->owner.load(std::memory_order_acquire) == this, "I18: a slab in a list is another's");
        previous = slab;
    }
    require(owned == slabs.owned && taken == slabs.taken, "I18: what a heap knows of its slabs has drifted");
}

void LocalHeap::check_invariants() const {
    const bool ended = inbox_.load(std::memory_order_acquire) == closed();
    std::size_t idle = 0;
    std::size_t owned = 0;
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        const Slabs& slabs = slabs_[i];
        owned += std::size_t{slabs.owned} * size_class(i).slab_pages * kPageSize;
        require(!ended || (slabs.owned == 0 && slabs.retired.first() == nullptr && ready_[i].empty()),
                "I18: a heap that has ended has something left");
        if (slabs.current != nullptr && slabs.current->idle)
            idle += std::size_t{slabs.current->carved} * slabs.current->block_bytes;
        for (const Slab* slab = slabs.retired.first(); slab != nullptr; slab = slab->next)
            idle += std::size_t{slab->carved} * slab->block_bytes;
        check_slabs(i);
        check_ready(i);
    }
    known_.for_each([this](const KnownSlab& known) {
        const Slab* const slab = central_->find(known.base);
        require(slab == known.slab && slab->owner.load(std::memory_order_acquire) == this,
                "I18: a known slab is another's");
        require(known_.is_in_place(known), "I18: a known slab is not in its place");
        require(known.base == slab->base && known.ready_end == slab->ready_end &&
                    known.class_number == slab->class_number && known.shift == slab->shift,
                "I18: a known slab has changed");
    });
    require(idle == idle_bytes_ && owned == owned_bytes_, "I18: what a heap knows of its idle slabs has drifted");
}

}  // namespace quire
