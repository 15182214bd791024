// Allocation when no block is ready, and what is larger than the fast path's sizes.
#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/heap/local_heap.hpp"

namespace quire {

LocalHeap::LocalHeap(CentralHeap& central) : LocalHeap(central, InZeroes{}) {
    known_.forget_all();
}

LocalHeap::LocalHeap(CentralHeap& central, InZeroes) : central_(&central) {
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        ready_[i] = ReadyBlocks(near_.of(i));
        slabs_[i].most_ready = kNearRoom.of[i];
    }
}

namespace {

/// How much of a slab is handed out for the first time at once. More would count as idle what was never touched,
constexpr std::size_t kCarvedBytes = 4096;
/// but for what has frames already: so many bytes, or so many blocks if they are large.
constexpr std::size_t kMostCarved = std::max(kCarvedBytes, kHeapShape.idle_bytes / 16);
constexpr std::size_t kMostCarvedBlocks = 16;
constexpr std::size_t kMostCarvedOfLarge = std::max(kMostCarved, kHeapShape.idle_bytes / 2);

constexpr std::size_t most_carved(std::size_t block_bytes) {
    return std::clamp(kMostCarvedBlocks * block_bytes, kMostCarved, kMostCarvedOfLarge);
}
/// Of the pages that a class has got so far, one in so many is got early.
constexpr std::uint32_t kEarly = 8;
/// Blocks of so many bytes are handed out for the first time one by one, and whoever wants zeroes may find them there.
constexpr std::size_t kFoundZeroed = kCarvedBytes / 2 + 1;
/// A size lends another so many blocks at once, if it has twice as many.
constexpr std::size_t kMostBorrowed = 32;
/// A size that has borrowed so many times as often as a slab has blocks needs one of its own.
constexpr std::uint32_t kBorrowsOften = 8;
constexpr std::uint32_t kRefillsPerLook = 8192;
/// With so many that are ready no more are looked for.
constexpr std::size_t kEnoughReady = 32;
/// So many slabs are looked at each time: LocalHeap::disown_some.
constexpr std::uint32_t kLooksForFull = 16;

}  // namespace

void* LocalHeap::allocate_elsewhere(std::size_t bytes) {
    if (bytes > kLargestBlock) return central_->allocate_large(bytes, kBlockGranule, CentralHeap::Purpose::any);
    return allocate_class(class_for(bytes), Fit::or_larger);
}

void* LocalHeap::allocate_class(std::size_t class_number, Fit fit) {
    if (fit == Fit::exact && slabs_[class_number].borrowed) put_back(class_number);
    if (void* const block = take(class_number); block != nullptr) [[likely]]
        return block;
    ready_[class_number].require_marks();
    if (!find_freed(class_number)) {
        if (void* const block = carve_framed(class_number); block != nullptr) return block;
        if (fit == Fit::exact || !may_borrow(class_number) || !borrow(class_number)) return grow(class_number);
    }
    return take_ready(class_number);
}

/// When some are ready: nullptr would not mean that there is no memory.
void* LocalHeap::take_ready(std::size_t class_number) {
    ready_[class_number].require_marks();
    return take(class_number);
}

void* LocalHeap::allocate(std::size_t bytes, std::size_t alignment) {
    if (!is_power_of_two(alignment) || alignment > kLargestAlignment) return nullptr;
    if (alignment <= kBlockGranule) return allocate(std::max(bytes, alignment));  // all blocks that are long enough are
    const std::size_t class_number = aligned_class(bytes, alignment);
    if (class_number < kSizeClasses) return allocate_exactly(class_number);
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

/// Makes blocks ready that were freed. False if there are none.
bool LocalHeap::find_freed(std::size_t class_number) {
    if (++refills_ == kRefillsPerLook) give_back_surplus();
    Slab*& current = slabs_[class_number].current;
    if (current == nullptr || !ready_freed(*current)) {
        // Now that time does not matter: what others have freed, and what is held for others.
        return_batches();
        receive();
        while (current == nullptr || !ready_freed(*current)) {
            if (current != nullptr) leave(class_number);
            current = slab_with_freed(class_number);
            if (current == nullptr) return false;
        }
    }
    find_more(class_number);
    return true;
}

/// When some are ready, and the current slab is one that had them: those of the next slabs too, until it is some time before blocks must be
/// looked for again. A slab of large blocks has few, and where many threads free each other's blocks, so has any.
void LocalHeap::find_more(std::size_t class_number) {
    Slabs& slabs = slabs_[class_number];
    const std::size_t enough = std::min<std::size_t>((slabs.most_ready + 1U) / 2, kEnoughReady);
    while (ready_[class_number].count() < enough) {
        if (ready_freed(*slabs.current)) continue;
        Slab* const next = slabs.waiting.first();
        if (next == nullptr || !next->has_freed()) return;
        leave(class_number);
        slabs.waiting.remove(*next);
        slabs.current = next;
        use(*next);
    }
}

/// A slab of this heap in no list, with blocks that were freed; nullptr: there is none.
Slab* LocalHeap::slab_with_freed(std::size_t class_number) {
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* slab = waiting.first();
    if (slab != nullptr && slab->has_freed()) {
        waiting.remove(*slab);
    } else if (slab = take_retired(class_number); slab == nullptr) {
        slab = central_->has_shared(class_number) ? central_->take_shared(class_number, this) : nullptr;
        if (slab != nullptr) {
            slab->filled_by = this;
            own(*slab);
        }
    }
    if (slab != nullptr) use(*slab);
    return slab;
}

/// Of slabs of which all blocks that were freed are ready, or were handed out again. Not all of them and not at once, because who frees
/// at random will free the next block there, too.
void LocalHeap::disown_some(SlabList& waiting) {
    const Slab* first_that_stays = nullptr;
    for (std::uint32_t looked = 0; looked < kLooksForFull; ++looked) {
        Slab* const slab = waiting.first();
        if (slab == nullptr || slab == first_that_stays || slab->carved < slab->capacity) return;
        waiting.remove(*slab);
        const bool stays = keep_or_disown(*slab);
        if (stays && first_that_stays == nullptr) first_that_stays = slab;
    }
}

/// A slab becomes the current one.
void LocalHeap::use(Slab& slab) {
    slab.floor = 0;
    slab.set_look_at();
    slab.ready_end = slab.carved;
    known_.know(slab);
}

/// Makes blocks of the current slab ready that were freed, those at lower addresses first; half as many are ready then as there may be, at
/// most. False if there are none.
bool LocalHeap::ready_freed(Slab& slab) {
    if (!slab.has_freed()) return false;
    if (slab.idle) wake(slab);
    const std::size_t class_number = slab.class_number;
    const std::size_t half = (std::size_t{slabs_[class_number].most_ready} + 1) / 2;
    const std::size_t room = half - std::min(half - 1, ready_[class_number].count());
    const std::size_t count = std::min<std::size_t>(slab.carved - slab.owned().taken, room);
    const std::span<ReadyBlocks::Place> ready = ready_[class_number].push_some(count);
    std::size_t left = count;
    for (std::uint32_t first = 0; left != 0; first += Slab::kWordBits) {
        Word& word = slab.free_words()[first / Slab::kWordBits];
        Word free = word;
        for (; free != 0 && left != 0; free &= free - 1)
            ready[--left] = slab.block(first + static_cast<std::uint32_t>(std::countr_zero(free)));
        word = free;
    }
    count_taken(slab, count);
    slabs_[class_number].carved = 0;
    set_full_at(class_number);
    return true;
}

/// Blocks of a slab of this heap are ready now, or handed out.
void LocalHeap::count_taken(Slab& slab, std::size_t blocks) {
    slab.owned().taken += static_cast<std::uint32_t>(blocks);
    slabs_[slab.class_number].taken += static_cast<std::uint32_t>(blocks);
    slab.set_look_at();
}

/// To borrow takes longer than to find a free block, so who is always short gets blocks of its own in the end.
bool LocalHeap::may_borrow(std::size_t class_number) const {
    return slabs_[class_number].borrowings < kBorrowsOften * size_class(class_number).capacity;
}

/// Blocks of one of the next sizes that were freed. They have frames already, and neighbouring sizes are used less and more by chance:
/// what one has too much of saves the other new pages. False if there are none.
bool LocalHeap::borrow(std::size_t class_number) {
    const std::size_t end = lenders_end(class_number);
    for (std::size_t larger = class_number + 1; larger < end; ++larger) {
        // What it has borrowed itself would be too large.
        if (slabs_[larger].borrowed) put_back(larger);
        if (ready_[larger].empty()) {
            const Slab* const waiting = slabs_[larger].waiting.first();
            if (waiting == nullptr || !waiting->has_freed() || !find_freed(larger)) continue;
        }
        const std::size_t blocks =
            std::min({(count_freed(larger) + 1) / 2, kMostBorrowed, std::size_t{slabs_[class_number].most_ready}});
        if (blocks == 0) continue;
        ready_[larger].lend(ready_[class_number], blocks);
        slabs_[larger].lent += static_cast<std::uint32_t>(blocks);
        lower_full_at(larger);
        slabs_[class_number].borrowed = true;
        ++slabs_[class_number].borrowings;
        set_full_at(class_number);
        return true;
    }
    return false;
}

/// How many of the ready blocks were freed. The others were carved and never handed out, so to lend those would take new pages: they are
/// the oldest, still where they were put.
std::size_t LocalHeap::count_freed(std::size_t class_number) const {
    const Slabs& slabs = slabs_[class_number];
    const std::span<std::byte* const> blocks = ready_[class_number].blocks();
    const std::size_t bytes = size_class(class_number).bytes;
    std::size_t fresh = 0;
    for (std::size_t end = std::min<std::size_t>(blocks.size(), slabs.carved); fresh < end;) {
        const std::size_t middle = (fresh + end) / 2;
        if (blocks[middle] == slabs.carved_end - (middle + 1) * bytes)
            fresh = middle + 1;
        else
            end = middle;
    }
    return blocks.size() - fresh;
}

/// A block that was never handed out and has frames; others become ready. nullptr if there are none.
void* LocalHeap::carve_framed(std::size_t class_number) {
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* const slab = waiting.last();
    if (slab == nullptr || slab->carved == slab->capacity || framed_room(*slab) < slab->block_bytes) return nullptr;
    waiting.remove(*slab);
    slabs_[class_number].current = slab;
    return carve(*slab);
}

/// A block that was never handed out; others become ready. nullptr if there is no memory.
void* LocalHeap::grow(std::size_t class_number) {
    // Others may have returned all blocks of a slab since find_freed() looked: borrow() has received them, and it became the current one.
    if (slabs_[class_number].current != nullptr && find_freed(class_number)) return take_ready(class_number);
    SlabList& waiting = slabs_[class_number].waiting;
    Slab* slab = waiting.last();
    if (slab != nullptr && slab->carved < slab->capacity) {
        waiting.remove(*slab);
    } else {  // borrow() may have received whole ones meanwhile
        disown_some(waiting);
        slab = take_over(class_number);
        if (slab == nullptr) {
            make_way(size_class(class_number).slab_pages * kPageSize);
            slab = central_->new_slab(class_number, this);
            if (slab == nullptr) return nullptr;
            miss(*slab);
        }
        own(*slab);
    }
    slabs_[class_number].borrowings = 0;
    slabs_[class_number].current = slab;
    return carve(*slab);
}

/// Hands out a block of the current slab for the first time, and makes some behind it ready: not too many bytes. What may be found to be
/// zero goes one by one, and is not touched.
void* LocalHeap::carve(Slab& slab) {
    require(slab.carved < slab.capacity, "I18: a slab of which all blocks were handed out is to grow");
    const std::size_t class_number = slab.class_number;
    const bool one_by_one = slab.zeroed && slab.block_bytes >= kFoundZeroed;
    const std::size_t bytes =
        one_by_one ? kCarvedBytes : std::clamp(framed_room(slab), kCarvedBytes, most_carved(slab.block_bytes));
    const std::size_t left = std::min<std::size_t>(slab.capacity - slab.carved, slabs_[class_number].most_ready);
    const std::size_t count = std::clamp<std::size_t>(bytes / slab.block_bytes, 1, left);
    found_zeroed_ = one_by_one;
    std::byte* const first = slab.block(slab.carved);
    slab.carved += static_cast<std::uint32_t>(count);
    slab.ready_end = slab.carved;
    known_.know(slab);
    count_taken(slab, count);
    get_frames(slab, slab.carved);
    slabs_[class_number].carved = static_cast<std::uint32_t>(count - 1);
    slabs_[class_number].carved_end = first + count * slab.block_bytes;
    std::byte* block = slabs_[class_number].carved_end;
    for (ReadyBlocks::Place& ready : ready_[class_number].push_some(count - 1)) {
        block -= slab.block_bytes;
        mark_free(block);
        ready = block;
    }
    set_full_at(class_number);
    return first;
}

/// Bytes behind the blocks that were handed out which have frames.
std::size_t LocalHeap::framed_room(const Slab& slab) {
    const auto begin = static_cast<std::size_t>(slab.block(slab.carved) - slab.first_page());
    const std::size_t end = slab.framed * kPageSize;
    return end > begin ? end - begin : 0;
}

/// Blocks below `end` are about to be used: frames for them, several at once because that is much cheaper than a fault for
/// each, and the more the class has grown, the more will be used. No more than a ninth is early, and a page.
void LocalHeap::get_frames(Slab& slab, std::size_t end) {
    const std::uint32_t used = slab.pages_up_to(end);
    if (used <= slab.framed) return;
    std::uint32_t& grown = slabs_[slab.class_number].grown;
    const auto step = std::min<std::uint32_t>(1 + grown / kEarly, static_cast<std::uint32_t>(kUnitPages.value));
    // What lies behind the last block is nobody's.
    const std::uint32_t pages =
        std::min(std::max(step, used - slab.framed), slab.pages_up_to(slab.capacity) - slab.framed);
    // A single page's fault, which comes at once, costs no more than the call.
    if (pages == 1)
        ++slab.framed;
    else
        central_->get_frames(slab, pages);
    grown += pages;
}

/// The current slab has no block that was freed. It waits in the list if it can be carved; a full one belongs to nobody.
void LocalHeap::leave(std::size_t class_number) {
    Slab& slab = *std::exchange(slabs_[class_number].current, nullptr);
    // It looks idle, too, when as many others' blocks are ready as it has in use.
    if (slab.idle) wake(slab);
    if (slab.owned().taken == slab.capacity)
        static_cast<void>(keep_or_disown(slab));
    else
        slabs_[class_number].waiting.add(slab);
}

/// A full slab in no list. Whether it stays this heap's.
bool LocalHeap::keep_or_disown(Slab& slab) {
    if (slab.patience == 0) {
        disown(slab);
        return false;
    }
    --slab.patience;
    slabs_[slab.class_number].waiting.add(slab);
    return true;
}

/// A full slab: whoever frees one of its blocks takes it.
void LocalHeap::disown(Slab& slab) {
    part_with(slab);
    slab.filled_by = this;
    slab.owner.store(Slab::full(), std::memory_order_seq_cst);
}

}  // namespace quire
