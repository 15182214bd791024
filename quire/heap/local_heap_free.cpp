// Freeing what the fast path cannot: full and shared slabs, others' slabs, large blocks; and what happens when a slab empties.
#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/heap/local_heap.hpp"
#include "quire/heap/returned_blocks.hpp"

namespace quire {

namespace {

constexpr std::size_t kGrowsRoomy = 256;  // bytes
constexpr std::size_t kMostIdleLearned = 3 * kHeapShape.idle_bytes;

}  // namespace

std::uint32_t LocalHeap::number_in(const Slab& slab, const void* block) {
    const std::uint32_t number = slab.number_of(block);
    require(number < slab.capacity, Slab::kNotABlock);
    return number;
}

void LocalHeap::free_elsewhere(void* block) {
    if (block == nullptr) return;
    Slab* const slab = central_->find(block);
    require(slab != nullptr, Slab::kForeign);
    if (slab->is_large()) {
        central_->free_large(*slab, block);
        return;
    }
    const std::uint32_t number = number_in(*slab, block);
    for (;;) {
        LocalHeap* owner = slab->owner.load(std::memory_order_acquire);
        if (owner == Slab::full()) {
            if (!slab->owner.compare_exchange_strong(owner, this, std::memory_order_acq_rel)) continue;
            adopt(*slab, number / Slab::kWordBits);
        } else if (owner == Slab::shared() && slab->class_number >= kBatches) {
            if (!central_->free_shared(*slab, number)) continue;
            return;
        } else if (owner != this) {
            require(owner != nullptr, Slab::kForeign);
            free_from_afar(*slab, number);
            return;
        }
        known(unit_of(block)) = {unit_of(block), slab};
        give_back(*slab, block);
        // Who only frees would never look there.
        receive();
        return;
    }
}

/// A slab that was full has become this heap's, because a block in `word` is about to be free.
void LocalHeap::adopt(Slab& slab, std::size_t word) {
    // What others filled is offered to all when half of it is free: they may need it, and this heap may not.
    slab.owned().floor = slab.filled_by == this ? 0 : slab.capacity / 2;
    slab.owned().until_event = slab.capacity - slab.owned().floor;
    slab.owned().cursor = static_cast<std::uint16_t>(word);
    slabs_[slab.class_number].waiting.add(slab);
}

/// As many blocks of a slab were freed as may have been taken: how many are?
void LocalHeap::event(Slab& slab) {
    Slabs& slabs = slabs_[slab.class_number];
    const std::uint32_t taken = slab.count_taken();
    if (slabs.current == &slab) {
        current_event(slab, taken);
    } else if (taken == 0) {
        slabs.waiting.remove(slab);
        delete_slab(slab);
        if (++deleted_ % kDeletionsPerLook == 0) find_idle();
    } else if (taken <= slab.owned().floor) {
        slabs.waiting.remove(slab);
        share(slab);
    } else {
        slab.owned().until_event = taken - slab.owned().floor;
    }
}

/// Before a slab goes to somebody else.
void LocalHeap::forget(const Slab& slab) {
    const std::uintptr_t first = unit_of(slab.first_page());
    for (std::uintptr_t unit = first; unit < first + slab.pages / kUnitPages.value; ++unit) {
        if (known(unit).unit == unit) known(unit).unit = 0;
    }
}

void LocalHeap::forget_recent(const Slab& slab) {
    RecentBlocks& recent = recent_[slab.class_number];
    RecentBlock*& end = bins_[slab.class_number].recent;
    end =
        std::remove_if(recent.data(), end, [&slab](const RecentBlock& block) { return slab.owns_word(block.word()); });
}

/// A slab with room goes.
void LocalHeap::part_with(const Slab& slab) {
    forget(slab);
    forget_recent(slab);
    std::uint32_t& grown = slabs_[slab.class_number].grown;
    grown -= std::min(grown, slab.framed);
}

void LocalHeap::delete_slab(Slab& slab) {
    part_with(slab);
    central_->delete_slab(slab);
}

void LocalHeap::share(Slab& slab) {
    part_with(slab);
    central_->share(slab);
}

/// An empty current slab stays, so that a block which is taken and freed in turn does not cost a slab each time; but only
/// a few bytes of them in all stay.
void LocalHeap::current_event(Slab& slab, std::uint32_t taken) {
    Bin& bin = bins_[slab.class_number];
    std::uint32_t& patience = slabs_[slab.class_number].patience;
    if (taken != 0 && !slab.idle) {
        bin.uncounted = ones_in(*bin.word);
        slab.owned().until_event = std::max(taken, patience);
        patience = std::min(2 * patience, kMostPatience);
        return;
    }
    slab.owned().until_event = kMostPatience;
    if (slab.idle) return;
    count_idle(slab);
    release_idle();
}

void LocalHeap::count_idle(Slab& slab) {
    slab.idle = true;
    idle_bytes_ += std::size_t{slab.carved} * slab.block_bytes;
}

/// Slabs empty, one after the other: the current ones may be empty, too, without anybody having seen it.
void LocalHeap::find_idle() {
    for (const Slabs& slabs : slabs_) {
        Slab* const slab = slabs.current;
        if (slab != nullptr && !slab->idle && slab->count_taken() == 0) count_idle(*slab);
    }
    release_idle();
}

/// If there are too many idle bytes. If not all of those that went before were missed, there may be fewer from now on.
void LocalHeap::release_idle() {
    if (idle_bytes_ <= kHeapShape.idle_bytes + idle_learned_) return;
    if (idle_released_ != 0) idle_learned_ /= 2;
    idle_released_ = idle_bytes_;
    release_empty();
}

/// A slab had to be asked for. If as much was idle just before, that should have stayed.
void LocalHeap::miss(const Slab& slab) {
    const std::size_t missed = std::min(slab.pages * kPageSize, idle_released_);
    idle_released_ -= missed;
    idle_learned_ = std::min(idle_learned_ + missed, kMostIdleLearned);
}

/// A slab that was idle is in use again, or ends.
void LocalHeap::wake(Slab& slab) {
    slab.idle = false;
    idle_bytes_ -= std::size_t{slab.carved} * slab.block_bytes;
}

/// Gives back all current slabs that are empty.
void LocalHeap::release_empty() {
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        Slab* const slab = slabs_[i].current;
        if (slab == nullptr) continue;
        const std::uint32_t taken = slab->count_taken();
        if (slab->idle) {
            wake(*slab);
            slab->owned().until_event = taken;
            bins_[i].uncounted = ones_in(*bins_[i].word);
        }
        if (taken != 0) continue;
        drop_current(i);
        delete_slab(*slab);
    }
}

void LocalHeap::trim() {
    return_batches();
    receive();
    release_empty();
}

void LocalHeap::close() {
    return_batches();
    receive();
    release_empty();
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        if (slabs_[i].current != nullptr) leave(i);
    }
    share_waiting();
    // Whoever found this heap as an owner just before has put his slab into the inbox by now, or finds it closed and looks again.
    settle_all(inbox_.exchange(closed(), std::memory_order_seq_cst));
    // A slab that was left full just now became this heap's once more, if somebody had put it into the inbox.
    share_waiting();
}

void LocalHeap::share_waiting() {
    for (Slabs& slabs : slabs_) {
        while (Slab* const slab = slabs.waiting.first()) {
            slabs.waiting.remove(*slab);
            share(*slab);
        }
    }
}

void LocalHeap::free_sized(void* block, std::size_t bytes, std::size_t alignment, Resized resized) {
    if (block == nullptr) return;
    const Slab* const slab = central_->find(block);
    require(slab != nullptr, Slab::kForeign);
    const std::size_t class_number =
        alignment == 0 ? (bytes > kLargestBlock ? kSizeClasses : class_for(bytes)) : aligned_class(bytes, alignment);
    const std::size_t borrowed = alignment <= kBlockGranule ? kHeapShape.borrowed : 0;
    const bool same = slab->is_large()
                          ? pages_for(bytes).value <= slab->pages && class_number == kSizeClasses
                          : class_number <= slab->class_number && slab->class_number <= class_number + borrowed;
    const std::size_t usable = slab->is_large() ? slab->pages * kPageSize : slab->block_bytes;
    const bool larger = resized == Resized::perhaps && bytes <= usable && bytes > usable / 2;
    require(same || larger, "a block of the heap was freed with another size than it was allocated with");
    free(block);
}

void LocalHeap::require_taken(const Slab& slab, const void* block) const {
    if (slab.is_large()) {
        require(block == slab.base, Slab::kNotABlock);
    } else if (slab.owner.load(std::memory_order_acquire) == this) {
        require(!slab.is_free(slab.owners_number_of(block)), Slab::kFreedTwice);
    } else {
        // Another's bits are not for us to read, and a full slab has no free block.
        static_cast<void>(number_in(slab, block));
    }
}

std::size_t LocalHeap::usable_size(const void* block) const {
    const Slab* const slab = central_->find(block);
    require(slab != nullptr, Slab::kForeign);
    require_taken(*slab, block);
    return slab->is_large() ? slab->pages * kPageSize : slab->block_bytes;
}

void* LocalHeap::reallocate(void* block, std::size_t bytes) {
    if (block == nullptr) return allocate(bytes);
    Slab* const slab = central_->find(block);
    require(slab != nullptr, Slab::kForeign);
    require_taken(*slab, block);
    if (slab->is_large()) {
        if (bytes > kLargestBlock) {
            void* const resized = central_->resize_large(*slab, bytes);
            if (resized != nullptr) return resized;
        }
        return move(block, slab->pages * kPageSize, bytes);
    }
    // In place unless it would waste more than half of the block.
    const std::size_t usable = slab->block_bytes;
    return bytes <= usable && bytes > usable / 2 ? block : move(block, usable, bytes);
}

/// To a block of another size. A block that grows once will grow again: with a quarter to spare it is not copied too often.
void* LocalHeap::move(void* block, std::size_t usable, std::size_t bytes) {
    const std::size_t roomy = bytes <= usable || usable < kGrowsRoomy ? bytes : std::max(bytes, usable + usable / 4);
    void* moved = roomy > kLargestBlock && roomy > usable
                      ? central_->allocate_large(roomy, kBlockGranule, CentralHeap::Purpose::growth)
                      : allocate(roomy);
    if (moved == nullptr && roomy != bytes) moved = allocate(bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, std::min(usable, bytes));
    free(block);
    return moved;
}

}  // namespace quire
