// What must hold between two calls (I18), and the statistics, which are counted when somebody asks.
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
            require(slab->owned().until_event == slab->count_taken(),
                    "I18: a shared slab would not be seen to be empty");
            ++listed;
        }
        require(listed == shared[i] && listed == shared_counts_[i].load(std::memory_order_relaxed),
                "I18: a shared slab is in no list");
    }
}

/// What was freed lately is free, in slabs of this heap, and nothing is there twice.
void LocalHeap::check_recent(std::size_t class_number) const {
    const RecentBlocks& blocks = recent_[class_number];
    const RecentBlock* const end = bins_[class_number].recent;
    require(end >= blocks.data() && end < blocks.data() + blocks.size(), "I18: too many blocks were freed lately");
    for (const RecentBlock* recent = blocks.data(); recent != end; ++recent) {
        const Slab* const slab = central_->find(recent->block());
        require(slab != nullptr && slab->owner.load(std::memory_order_acquire) == this &&
                    slab->class_number == class_number,
                "I18: a block that was freed lately is in another's slab");
        const std::uint32_t number = slab->number_of(recent->block());
        require(number < slab->carved && slab->is_free(number), "I18: a block that was freed lately is not free");
        require(recent->word() == slab->free_words() + number / Slab::kWordBits &&
                    recent->bit() == number % Slab::kWordBits,
                "I18: a block that was freed lately has another bit");
        for (const RecentBlock* other = blocks.data(); other != recent; ++other)
            require(other->block() != recent->block(), "I18: a block that was freed lately is there twice");
    }
}

void LocalHeap::check_invariants() const {
    const bool ended = inbox_.load(std::memory_order_acquire) == closed();
    std::size_t idle = 0;
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        require(!ended || (slabs_[i].current == nullptr && slabs_[i].waiting.first() == nullptr),
                "I18: a heap that has ended owns a slab");
        const Bin& bin = bins_[i];
        if (const Slab* const slab = slabs_[i].current; slab != nullptr) {
            require(slab->owner.load(std::memory_order_acquire) == this && slab->class_number == i && !slab->listed,
                    "I18: a bin's slab is another's");
            require(slab->owns_word(bin.word), "I18: a bin's word is not of its slab");
            const auto word = static_cast<std::size_t>(bin.word - slab->free_words());
            require(bin.origin == slab->block(static_cast<std::uint32_t>(word * Slab::kWordBits)),
                    "I18: a bin's word shows other blocks");
            if (slab->idle) idle += std::size_t{slab->carved} * slab->block_bytes;
        } else {
            require(bin.word == nullptr, "I18: a bin without a slab has a word");
        }
        check_recent(i);
        const Slab* previous = nullptr;
        for (const Slab* slab = slabs_[i].waiting.first(); slab != nullptr; slab = slab->next) {
            require(slab->owner.load(std::memory_order_acquire) == this && slab->class_number == i && slab->listed,
                    "I18: a slab in a list is another's");
            require(slab->previous == previous && !slab->idle, "I18: a list of slabs is torn");
            require(slab->owned().until_event == 0 ||
                        slab->owned().until_event + slab->owned().floor <= slab->count_taken() ||
                        slab->count_taken() == 0,
                    "I18: a slab would not be seen to be empty");
            previous = slab;
        }
    }
    for (std::uintptr_t i = 0; i < known_.size(); ++i) {
        const std::uintptr_t unit = known_[i].unit;
        if (unit == 0) continue;
        require(unit % known_.size() == i, "I18: a known unit is not in its place");
        const Slab* const slab = central_->find(reinterpret_cast<const void*>((unit - 1) << kHeapShape.unit_shift));
        require(slab == known_[i].slab && slab != nullptr && slab->owner.load(std::memory_order_acquire) == this,
                "I18: a known unit is another's");
    }
    require(idle == idle_bytes_, "I18: idle bytes have drifted");
}

}  // namespace quire
