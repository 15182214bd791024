// How many blocks are ready, and when they go back into the bits of their slabs.
//
// A block that is ready counts as taken in its slab, so it may keep a slab that is empty otherwise. That these are few, and none when all
// blocks of a size are free, is what set_full_at() sees to:
//
//      slabs of the size    full with so many blocks        then
//      1 or 2               all that are taken              none is in use: all go back, and slabs with them
//      more                 three quarters of all that      as many stay as are in use
//                           are taken, or a few more
//      any                  Slabs::most_ready               what is freed goes back at once; when few are in use, as above
#include <algorithm>

#include "quire/heap/local_heap.hpp"

namespace quire {

namespace {

constexpr std::uint32_t kFewSlabs = 2;
/// So many at least are freed before they are looked at again: one part in so many of what may be ready, but some in any case.
constexpr std::size_t kHeadroom = 16;
constexpr std::size_t kLeastHeadroom = std::min<std::size_t>(kHeapShape.ready / 4, 8);
/// A size that was short of places so many times gets more. Each time it has had a page, or a page's worth of blocks came or went.
constexpr std::uint8_t kCrowdedOften = 8;

}  // namespace

/// Frees a marked block of this heap's that is not to be ready.
void LocalHeap::free_past_ready(Slab& slab, std::uint32_t number) {
    slab.give_back(number);
    --slabs_[slab.class_number].taken;
    const bool look = all_free(slab.class_number);
    if (look || slab.owned().taken <= slab.owned().look_at) [[unlikely]]
        settle_bits(slab, look);
}

/// The same for one that might be: there are as many as set_full_at() said.
void LocalHeap::free_when_full(Slab& slab, std::uint32_t number) {
    slab.give_back(number);
    Slabs& slabs = slabs_[slab.class_number];
    const bool look = --slabs.taken <= slabs.look_at;
    if (look || slab.owned().taken <= slab.owned().look_at) [[unlikely]]
        settle_bits(slab, look);
}

/// One more bit of a slab is set, and it or its class is to be looked at.
void LocalHeap::settle_bits(Slab& slab, bool look) {
    const std::size_t class_number = slab.class_number;
    freed_in(slab, 1);
    if (look) look_at_ready(class_number);
}

/// Sees what of a class is kept.
void LocalHeap::look_at_ready(std::size_t class_number) {
    Slabs& slabs = slabs_[class_number];
    take_back_lent(class_number);
    const bool none_in_use = all_free(class_number);
    // The last slab stays, and its blocks may as well be ready.
    const bool last = slabs.owned == 1;
    if (last && none_in_use && slabs.current == nullptr) {
        slabs.current = slabs.waiting.first();
        slabs.waiting.remove(*slabs.current);
        use(*slabs.current);
    }
    if (!last) put_back_oldest(class_number, too_many_ready(class_number));
    if (slabs.current != nullptr && !slabs.current->idle && all_free(class_number)) count_idle(*slabs.current);
    set_full_at(class_number);
    find_idle();
    release_idle();
}

/// As many stay ready as are in use, but no more than half of them: what is freed and taken at random needs some soon.
std::size_t LocalHeap::too_many_ready(std::size_t class_number) const {
    const std::size_t count = ready_[class_number].count();
    const std::size_t in_use = counted(class_number) - std::min(counted(class_number), count);
    return count - std::min(count / 2, in_use);
}

void LocalHeap::set_full_at(std::size_t class_number) {
    Slabs& slabs = slabs_[class_number];
    ReadyBlocks& ready = ready_[class_number];
    const std::size_t count = ready.count();
    const std::size_t taken = counted(class_number);
    std::size_t most = slabs.most_ready;
    const std::size_t headroom = std::max(most / kHeadroom, kLeastHeadroom);
    std::size_t at = count + headroom;
    if (slabs.current != nullptr && slabs.current->idle) {
        at = most;
    } else if (taken > count) {
        at = taken - 1;
        if (slabs.owned > kFewSlabs) at = std::min(at, std::max(count + headroom, taken / 4 * 3));
    }
    if (at > most && taken > most && most < kFarRoom.of[class_number] && ++slabs.crowded == kCrowdedOften) {
        make_room(class_number);
        most = slabs.most_ready;
    }
    ready.set_full_at(std::min(at, most));
    const std::size_t few = slabs.owned > kFewSlabs ? most + most / 3 : most;
    slabs.look_at = at < most ? ~std::uint32_t{0} : static_cast<std::uint32_t>(few) + slabs.missed();
}

/// From the few places nearby to all that a size may need.
void LocalHeap::make_room(std::size_t class_number) {
    ready_[class_number].move_to(far_.of(class_number));
    slabs_[class_number].most_ready = kFarRoom.of[class_number];
}

/// Fewer blocks are taken now, but not because this heap freed them.
void LocalHeap::lower_full_at(std::size_t class_number) {
    const std::size_t before = ready_[class_number].full_at();
    set_full_at(class_number);
    if (ready_[class_number].full_at() <= before) return;
    ready_[class_number].set_full_at(before);
    slabs_[class_number].look_at = ~std::uint32_t{0};
}

/// No block of a class is ready any more.
void LocalHeap::put_back(std::size_t class_number) {
    slabs_[class_number].borrowed = false;
    put_back_oldest(class_number, ready_[class_number].count());
}

/// So many of them, those that were ready for the longest time, are not ready any more.
void LocalHeap::put_back_oldest(std::size_t class_number, std::size_t count) {
    ReadyBlocks& ready = ready_[class_number];
    slabs_[class_number].carved = 0;
    std::span<std::byte* const> blocks = ready.blocks().first(count);
    while (!blocks.empty()) blocks = blocks.subspan(put_back_some(blocks));
    ready.drop_oldest(count);
    set_full_at(class_number);
}

/// Of what smaller sizes borrowed, none is ready any more.
void LocalHeap::take_back_lent(std::size_t class_number) {
    if (slabs_[class_number].missed() == 0) return;
    slabs_[class_number].lent = 0;
    for (std::size_t i = class_number - std::min(class_number, kHeapShape.borrowed); i < class_number; ++i) {
        if (slabs_[i].borrowed) put_back(i);
    }
}

/// The first of these blocks, and those behind it of the same slab. How many.
std::size_t LocalHeap::put_back_some(std::span<std::byte* const> blocks) {
    Slab* const known = known_.find(blocks.front());
    Slab& slab = known != nullptr ? *known : *central_->find(blocks.front());
    if (known == nullptr) {
        while (!is_mine(slab)) {
            if (give_elsewhere(slab, slab.number_of(blocks.front()))) return 1;
        }
    }
    const std::size_t some = slab.give_back_some(blocks);
    slabs_[slab.class_number].taken -= static_cast<std::uint32_t>(some);
    freed_in(slab, static_cast<std::uint32_t>(some));
    return some;
}

/// Searches the blocks of its own size, and of the smaller ones that may have borrowed it.
bool LocalHeap::is_ready(const Slab& slab, const void* block) const {
    const std::size_t class_number = slab.class_number;
    for (std::size_t i = class_number - std::min(class_number, kHeapShape.borrowed); i <= class_number; ++i) {
        if (ready_[i].has(block)) return true;
    }
    return false;
}

std::size_t LocalHeap::ready_blocks(std::size_t class_number) const {
    std::size_t count = 0;
    for (std::size_t i = class_number - std::min(class_number, kHeapShape.borrowed); i <= class_number; ++i) {
        for (const std::byte* const block : ready_[i].blocks())
            count += central_->find(block)->class_number == class_number ? 1U : 0U;
    }
    return count;
}

}  // namespace quire
