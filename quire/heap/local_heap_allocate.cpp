// Allocation when the bin's word is used up, and what is larger than the fast path's sizes.
#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/heap/local_heap.hpp"

namespace quire {

LocalHeap::LocalHeap(CentralHeap& central) : LocalHeap(central, InZeroes{}) {
    known_.fill({});
}

LocalHeap::LocalHeap(CentralHeap& central, InZeroes) : central_(&central) {
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        bins_[i].recent = recent_[i].data();
    }
}

namespace {

/// How much of a slab is handed out for the first time at once. More would count as idle what was never touched,
constexpr std::size_t kCarvedBytes = 4096;
/// but for what has frames already.
constexpr std::size_t kMostCarved = std::max(kCarvedBytes, kHeapShape.idle_bytes / 16);
/// Of the pages that a class has got so far, one in so many is got early.
constexpr std::uint32_t kEarly = 4;
/// Blocks of so many bytes are handed out for the first time one by one, and whoever wants zeroes may find them there.
constexpr std::size_t kFoundZeroed = kCarvedBytes / 2 + 1;

}  // namespace

void* LocalHeap::allocate_elsewhere(std::size_t bytes) {
    if (bytes > kLargestBlock) return central_->allocate_large(bytes, kBlockGranule, CentralHeap::Purpose::any);
    return allocate_class(class_for(bytes), Fit::or_larger);
}

void* LocalHeap::allocate_class(std::size_t class_number, Fit fit) {
    void* const block = take(class_number);
    if (block != nullptr) [[likely]]
        return block;
    if (find_freed(class_number) || carve_framed(class_number)) return take(class_number);
    void* const larger = fit == Fit::or_larger ? borrow(class_number) : nullptr;
    if (larger != nullptr) return larger;
    return grow(class_number) ? take(class_number) : nullptr;
}

void* LocalHeap::allocate(std::size_t bytes, std::size_t alignment) {
    if (!is_power_of_two(alignment) || alignment > kLargestAlignment) return nullptr;
    const std::size_t class_number = aligned_class(bytes, alignment);
    if (class_number < kSizeClasses) return allocate_class(class_number, Fit::exact);
    return central_->allocate_large(std::max(bytes, std::size_t{1}), alignment, CentralHeap::Purpose::any);
}

void* LocalHeap::allocate_zeroed(std::size_t bytes) {
    if (bytes > kLargestBlock) return central_->allocate_large(bytes, kBlockGranule, CentralHeap::Purpose::zeroes);
    const std::size_t class_number = class_for(bytes);
    found_zeroed_ = false;
    void* const block = allocate_class(class_number, Fit::or_larger);
    if (block != nullptr && !found_zeroed_) std::memset(block, 0, bytes);
    return block;
}

/// Finds a word with blocks for a bin whose word has none, among those that were freed. False if there are none.
bool LocalHeap::find_freed(std::size_t class_number) {
    Bin& bin = bins_[class_number];
    Slabs& slabs = slabs_[class_number];
    if (slabs.current != nullptr && next_word(bin, *slabs.current)) return true;
    // Now that time does not matter: what others have freed, and what is held for others.
    return_batches();
    receive();
    for (;;) {
        if (slabs.current != nullptr) leave(class_number);
        Slab* const slab = slab_with_freed(class_number);
        if (slab == nullptr) return false;
        make_current(class_number, *slab);
        if (next_word(bin, *slab)) return true;
    }
}

/// A slab of this heap in no list, with blocks that were freed.
Slab* LocalHeap::slab_with_freed(std::size_t class_number) {
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* const slab = waiting.first();
    if ((slab == nullptr || slab->carved < slab->capacity) && central_->has_shared(class_number)) {
        Slab* const shared = central_->take_shared(class_number, this);
        if (shared != nullptr) {
            shared->filled_by = this;
            shared->owned().floor = 0;
            return shared;
        }
    }
    const bool whole = slab != nullptr && slab->carved == slab->capacity;
    // The cursor may be behind blocks that were freed since; of a slab that can grow no more, leave() sees what is true.
    if (slab == nullptr || (!whole && slab->owned().cursor >= slab->carved_words())) return nullptr;
    waiting.remove(*slab);
    return slab;
}

void LocalHeap::make_current(std::size_t class_number, Slab& slab) {
    slabs_[class_number].current = &slab;
    bins_[class_number].bytes = slab.block_bytes;
    bins_[class_number].uncounted = 0;
}

/// A block of one of the next sizes that was freed. It has frames already, and neighbouring sizes are used less and more by chance:
/// what one has too much of saves the other new pages.
void* LocalHeap::borrow(std::size_t class_number) {
    const std::size_t end = std::min(class_number + kHeapShape.borrowed + 1, kSizeClasses);
    for (std::size_t larger = class_number + 1; larger < end; ++larger) {
        if (bins_[larger].recent != recent_[larger].data()) return take(larger);
        const Slab* const waiting = slabs_[larger].waiting.first();
        const bool has_freed = waiting != nullptr && waiting->carved == waiting->capacity;
        if (has_freed && find_freed(larger)) return take(larger);
    }
    return nullptr;
}

/// Blocks that were never handed out and have frames, for a bin whose word has none. False if there are none.
bool LocalHeap::carve_framed(std::size_t class_number) {
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* const slab = waiting.first();
    if (slab == nullptr || slab->carved == slab->capacity || framed_room(*slab) < slab->block_bytes) return false;
    waiting.remove(*slab);
    make_current(class_number, *slab);
    carve(bins_[class_number], *slab);
    return true;
}

/// Blocks that were never handed out, for a bin whose word has none. False if there is no memory.
bool LocalHeap::grow(std::size_t class_number) {
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* slab = waiting.first();
    if (slab != nullptr && slab->carved < slab->capacity)
        waiting.remove(*slab);
    else  // borrow() may have received whole ones meanwhile
        slab = central_->new_slab(class_number, this);
    if (slab == nullptr) return false;
    if (slab->carved == 0) miss(*slab);
    make_current(class_number, *slab);
    carve(bins_[class_number], *slab);
    return true;
}

/// The bin's word is used up; is there another one in its slab, at the cursor or behind it?
bool LocalHeap::next_word(Bin& bin, Slab& slab) {
    count_used_word(bin, slab);
    const std::size_t words = slab.carved_words();
    for (std::size_t word = slab.owned().cursor; word < words; ++word) {
        if (slab.free_words()[word] == 0) continue;
        show(bin, slab, word);
        return true;
    }
    slab.owned().cursor = static_cast<std::uint16_t>(words);
    return false;
}

/// All blocks that the bin's word showed have been taken.
void LocalHeap::count_used_word(Bin& bin, Slab& slab) {
    if (slab.idle) {
        wake(slab);
        slab.owned().until_event = slab.count_taken();
    } else {
        slab.owned().until_event += bin.uncounted;
    }
    bin.uncounted = 0;
}

/// Hands out blocks of the current slab for the first time: up to a word's end, and not too many bytes. What may be found to be zero
/// goes one by one.
void LocalHeap::carve(Bin& bin, Slab& slab) {
    require(slab.carved < slab.capacity, "I18: a slab of which all blocks were handed out is to grow");
    const std::size_t word = slab.carved / Slab::kWordBits;
    const std::size_t bit = slab.carved % Slab::kWordBits;
    const std::size_t left = std::min<std::size_t>(slab.capacity - slab.carved, Slab::kWordBits - bit);
    const bool one_by_one = slab.zeroed && slab.block_bytes >= kFoundZeroed;
    const std::size_t bytes = one_by_one ? kCarvedBytes : std::clamp(framed_room(slab), kCarvedBytes, kMostCarved);
    const std::size_t count = std::clamp<std::size_t>(bytes / slab.block_bytes, 1, left);
    // A block of this word may have been freed meanwhile; then that one comes first.
    found_zeroed_ = one_by_one && slab.free_words()[word] == 0;
    slab.free_words()[word] |= (~Word{0} >> (Slab::kWordBits - count)) << bit;
    slab.carved += static_cast<std::uint32_t>(count);
    get_frames(slab, slab.carved);
    show(bin, slab, word);
}

/// Bytes behind the blocks that were handed out which have frames.
std::size_t LocalHeap::framed_room(const Slab& slab) {
    const auto begin = static_cast<std::size_t>(slab.block(slab.carved) - slab.first_page());
    const std::size_t end = slab.framed * kPageSize;
    return end > begin ? end - begin : 0;
}

/// Blocks below `end` are about to be used: frames for them, several at once because that is much cheaper than a fault for
/// each, and the more the class has grown, the more will be used. No more than a fifth is early, and a page.
void LocalHeap::get_frames(Slab& slab, std::size_t end) {
    const auto used =
        static_cast<std::uint32_t>(pages_for(static_cast<std::size_t>(slab.block(end) - slab.first_page())).value);
    if (used <= slab.framed) return;
    std::uint32_t& grown = slabs_[slab.class_number].grown;
    const auto step = std::min<std::uint32_t>(1 + grown / kEarly, static_cast<std::uint32_t>(kUnitPages.value));
    const std::uint32_t pages = std::min(std::max(step, used - slab.framed), slab.pages - slab.framed);
    central_->get_frames(slab, pages);
    grown += pages;
}

/// Makes a word of the current slab the bin's. Its blocks will be counted when all are taken, so that taking one need not
/// count: until then until_event is too small by at most a word, and event() looks at what is true. (It may pass through
/// zero meanwhile and come back; what matters is the value when the word has been counted.)
void LocalHeap::show(Bin& bin, Slab& slab, std::size_t word) {
    bin.word = &slab.free_words()[word];
    bin.origin = slab.block(static_cast<std::uint32_t>(word * Slab::kWordBits));
    bin.uncounted = ones_in(*bin.word);
    slabs_[slab.class_number].patience = 1;
    slab.owned().cursor = static_cast<std::uint16_t>(word + 1);
}

void LocalHeap::drop_current(std::size_t class_number) {
    slabs_[class_number].current = nullptr;
    bins_[class_number].word = nullptr;
}

/// The current slab has no free block behind the cursor. It waits in the list if it has some before it or can be carved;
/// a full one belongs to nobody.
void LocalHeap::leave(std::size_t class_number) {
    Slab& slab = *slabs_[class_number].current;
    SlabList& waiting = slabs_[class_number].waiting;
    drop_current(class_number);
    // What others returned just now may have emptied it.
    if (slab.idle) wake(slab);
    std::uint32_t free = 0;
    for (std::size_t word = slab.carved_words(); word-- > 0;) {
        if (slab.free_words()[word] == 0) continue;
        free += ones_in(slab.free_words()[word]);
        slab.owned().cursor = static_cast<std::uint16_t>(word);
    }
    const std::uint32_t taken = slab.carved - free;
    if (taken == slab.capacity) {
        disown(slab);
    } else if (taken == 0 && waiting.first() != nullptr) {
        delete_slab(slab);
    } else {
        slab.owned().floor = 0;
        slab.owned().until_event = taken;
        waiting.add(slab);
    }
}

/// A full slab: whoever frees one of its blocks takes it.
void LocalHeap::disown(Slab& slab) {
    forget(slab);
    slab.filled_by = this;
    slab.owner.store(Slab::full(), std::memory_order_seq_cst);
}

}  // namespace quire
