// Freeing what the fast path cannot: full and shared slabs, others' slabs, large blocks; and whose a slab is then.
#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/heap/local_heap.hpp"
#include "quire/heap/returned_blocks.hpp"

namespace quire {

namespace {

constexpr std::size_t kGrowsRoomy = 256;  // bytes

/// What move() makes of a block that grows.
constexpr std::size_t with_room(std::size_t usable) {
    return usable + usable / 4;
}

/// Even when it is rounded up and borrowed, more than half of it is used, which free_sized() relies on.
consteval bool room_is_less_than_half() {
    for (std::size_t i = 0; i < kSizeClasses && with_room(size_class(i).bytes) <= kLargestBlock; ++i) {
        const std::size_t usable = size_class(i).bytes;
        const std::size_t longest = size_class(lenders_end(class_for(with_room(usable))) - 1).bytes;
        if (usable >= kGrowsRoomy && usable + 1 <= longest / 2) return false;
    }
    return true;
}
static_assert(room_is_less_than_half());
constexpr std::uint8_t kPatience = 8;

}  // namespace

std::uint32_t LocalHeap::number_in(const Slab& slab, const void* block) {
    const std::uint32_t number = slab.number_of(block);
    require(number < slab.capacity, Slab::kNotABlock);
    return number;
}

void LocalHeap::free_elsewhere(void* block) {
    if (!free_into_batch(block)) free_anywhere(block);
}

/// One more of a word of which others wait already: it is another's, and need not be asked about again.
bool LocalHeap::free_into_batch(void* block) {
    Slab* const slab = central_->find(block);
    if (slab == nullptr || slab->class_number >= kBatches) return false;
    const std::uint32_t number = slab->number_of(block);
    Batch& batch = batches_[slab->class_number];
    if (batch.slab != slab || batch.word != number / Slab::kWordBits || number >= slab->capacity) return false;
    if (is_marked_free(block)) return false;
    mark_free(block);
    add_to_batch(batch, number);
    return true;
}

void LocalHeap::free_anywhere(void* block) {
    if (block == nullptr) return;
    if (Slab* const slab = known_.find(block); slab != nullptr) {
        const std::uint32_t number = slab->owners_number_of(block);
        if (!is_marked_free(block)) {
            mark_free(block);
            free_mine(*slab, number, block);
            return;
        }
    }
    Slab* const slab = central_->find(block);
    require(slab != nullptr, Slab::kForeign);
    if (slab->is_large()) {
        central_->free_large(*slab, block);
        return;
    }
    const std::uint32_t number = number_in(*slab, block);
    // It may look so by chance.
    require(!is_marked_free(block) || !is_ready(*slab, block), Slab::kFreedTwice);
    mark_free(block);
    while (!is_mine(*slab)) {
        if (give_elsewhere(*slab, number)) return;
    }
    require(number < slab->carved, Slab::kNeverTaken);
    require(!slab->is_free(number), Slab::kFreedTwice);
    known_.know(*slab);
    free_mine(*slab, number, block);
    // Who only frees would never look there.
    receive();
}

/// A marked block of a slab of this heap that is neither ready nor free.
void LocalHeap::free_mine(Slab& slab, std::uint32_t number, void* block) {
    if (number >= slab.ready_end)
        free_past_ready(slab, number);
    else if (ReadyBlocks& ready = ready_[slab.class_number]; ready.full())
        free_when_full(slab, number);
    else
        ready.push(block);
}

/// Whether a slab is this heap's; one that was full becomes it.
bool LocalHeap::is_mine(Slab& slab) {
    LocalHeap* owner = slab.owner.load(std::memory_order_acquire);
    while (owner == Slab::full()) {
        if (!slab.owner.compare_exchange_strong(owner, this, std::memory_order_acq_rel)) continue;
        adopt(slab);
        return true;
    }
    return owner == this;
}

/// A slab that was full has become this heap's, because a block of it is free.
void LocalHeap::adopt(Slab& slab) {
    // What others filled is offered to all when half of it is free: they may need it, and this heap may not.
    const bool mine = slab.filled_by == this;
    slab.floor = mine ? 0 : slab.capacity / 2;
    slab.set_look_at();
    slab.ready_end = mine ? slab.carved : 0;
    slab.patience = mine ? kPatience : 0;
    own(slab);
    slabs_[slab.class_number].waiting.add(slab);
}

/// Frees a block of a slab that is not this heap's. False if it is nobody's, or has become this heap's meanwhile.
bool LocalHeap::give_elsewhere(Slab& slab, std::uint32_t number) {
    LocalHeap* const owner = slab.owner.load(std::memory_order_acquire);
    if (owner == Slab::full() || owner == this) return false;
    if (owner == Slab::shared() && slab.class_number >= kBatches) return central_->free_shared(slab, number);
    require(owner != nullptr, Slab::kForeign);
    free_from_afar(slab, number);
    return true;
}

/// Bits were set in a slab of this heap. If they are the only ones, it is the next to be used.
void LocalHeap::freed_in(Slab& slab, std::uint32_t blocks) {
    slab.set_look_at();
    if (slab.owned().taken <= slab.floor) {
        event(slab);
    } else if (slab.owned().taken + blocks == slab.carved && slab.listed) {
        SlabList& waiting = slabs_[slab.class_number].waiting;
        waiting.remove(slab);
        waiting.add_first(slab);
    }
}

/// So few blocks of a slab are taken that it goes, unless it is empty and may stay (local_heap_idle.cpp).
void LocalHeap::event(Slab& slab) {
    Slabs& slabs = slabs_[slab.class_number];
    if (slabs.current == &slab) return;
    slabs.waiting.remove(slab);
    if (slabs.current == nullptr && slab.owned().taken == 0) {
        slabs.current = &slab;
        use(slab);
    } else if (slab.owned().taken == 0) {
        retire(slab);
    } else {
        share(slab);
    }
}

/// A slab has become this heap's.
void LocalHeap::own(Slab& slab) {
    Slabs& slabs = slabs_[slab.class_number];
    ++slabs.owned;
    owned_bytes_ += slab.pages * kPageSize;
    slabs.taken += slab.owned().taken;
    if (slabs.current != nullptr && slabs.current->idle) {
        // It is not all of the size any more.
        wake(*slabs.current);
        set_full_at(slab.class_number);
    } else if (slabs.lent != 0) {
        lower_full_at(slab.class_number);
    }
}

/// A slab is this heap's no more.
void LocalHeap::part_with(const Slab& slab) {
    known_.forget(slab);
    Slabs& slabs = slabs_[slab.class_number];
    --slabs.owned;
    owned_bytes_ -= slab.pages * kPageSize;
    slabs.taken -= slab.owned().taken;
    lower_full_at(slab.class_number);
}

void LocalHeap::end_slab(Slab& slab) {
    part_with(slab);
    count_gone(slab);
    central_->delete_slab(slab);
}

void LocalHeap::count_gone(const Slab& slab) {
    std::uint32_t& grown = slabs_[slab.class_number].grown;
    grown -= std::min(grown, slab.framed);
}

void LocalHeap::share(Slab& slab) {
    part_with(slab);
    count_gone(slab);
    central_->share(slab);
}

void LocalHeap::trim() {
    for (std::size_t i = 0; i < kSizeClasses; ++i) put_back(i);
    return_batches();
    receive();
    release_empty();
}

void LocalHeap::close() {
    trim();
    give_up_slabs();
    // Whoever found this heap as an owner just before has put his slab into the inbox by now, or finds it closed and looks again.
    settle_all(inbox_.exchange(closed(), std::memory_order_seq_cst));
    // A slab that was left full just now became this heap's once more, if somebody had put it into the inbox.
    give_up_slabs();
}

void LocalHeap::give_up_slabs() {
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        Slabs& slabs = slabs_[i];
        release_retired(i);
        if (slabs.current != nullptr) leave(i);
        while (Slab* const slab = slabs.waiting.first()) {
            slabs.waiting.remove(*slab);
            if (slab->owned().taken == slab->capacity)
                disown(*slab);
            else
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
    const bool small = class_number < kSizeClasses;
    const std::size_t end = small && alignment <= kBlockGranule ? lenders_end(class_number) : class_number + 1;
    const bool same = slab->is_large() ? pages_for(bytes).value <= slab->pages && class_number == kSizeClasses
                                       : class_number <= slab->class_number && slab->class_number < end;
    const std::size_t usable = slab->is_large() ? slab->pages * kPageSize : slab->block_bytes;
    const bool larger = resized == Resized::perhaps && bytes <= usable && bytes > usable / 2;
    require(same || larger, "a block of the heap was freed with another size than it was allocated with");
    free(block);
}

void LocalHeap::require_taken(const Slab& slab, const void* block) const {
    if (slab.is_large()) {
        require(block == slab.base, Slab::kNotABlock);
        return;
    }
    require(!is_marked_free(block) || !is_ready(slab, block), Slab::kFreedTwice);
    if (slab.owner.load(std::memory_order_acquire) == this) {
        require(!slab.is_free(slab.owners_number_of(block)), Slab::kFreedTwice);
    } else {
        // Another's bits are not for us to read, and a full slab has none.
        static_cast<void>(number_in(slab, block));
    }
}

std::size_t LocalHeap::usable_size(const void* block) const {
    const std::size_t bytes = central_->usable_size(block);
    require_taken(*central_->find(block), block);
    return bytes;
}

void* LocalHeap::reallocate(void* block, std::size_t bytes) {
    if (block == nullptr) return allocate(bytes);
    if (const KnownSlab* const known = slab_of_taken(block))
        return resize(block, size_class(known->class_number).bytes, bytes);
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
    return resize(block, slab->block_bytes, bytes);
}

void* LocalHeap::resize(void* block, std::size_t usable, std::size_t bytes) {
    return fits_well(bytes, usable) ? block : move(block, usable, bytes);
}

/// To a block of another size. A block that grows once will grow again: with a quarter to spare it is not copied too often.
void* LocalHeap::move(void* block, std::size_t usable, std::size_t bytes) {
    const std::size_t roomy = bytes <= usable || usable < kGrowsRoomy ? bytes : std::max(bytes, with_room(usable));
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
