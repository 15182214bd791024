// Slabs that stay although none of their blocks is taken, because they may be wanted again soon.
//
//      the current slab of a size    stays when its last block is freed, so that a block which is taken and freed in turn does not cost
//                                    a slab each time
//      other empty ones              stay (are "retired") only after slabs that went were missed
//
// The bytes of both are counted, and if there are too many, slabs go. How many may stay is learned: what went and was missed soon after
// should have stayed; if it was not missed, less may stay from now on. What one size keeps another may need: while a heap grows, little
// stays idle. And what was never needed for long goes.
#include <algorithm>
#include <utility>

#include "quire/heap/local_heap.hpp"

namespace quire {

namespace {

/// While a heap grows, one part in so many of what its slabs have may be idle.
constexpr std::size_t kIdleInGrowth = 16;

/// Told by the address, which is as random as any: neighbours differ, because the golden ratio spreads numbers that follow one another
/// (Knuth, The Art of Computer Programming, 6.4).
std::uint32_t random_of(const Slab& slab) {
    const auto unit = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(slab.first_page()) / kUnitBytes);
    return unit * 2654435769U >> 16U;
}

}  // namespace

/// An empty slab in no list stays for the next time, if slabs that went were missed and not too much is idle; else it goes.
void LocalHeap::retire(Slab& slab) {
    const std::size_t bytes = std::size_t{slab.carved} * slab.block_bytes;
    if (idle_learned_ == 0 || idle_bytes_ + bytes > most_idle()) {
        count_released(bytes);
        end_slab(slab);
        ++deleted_;
        return;
    }
    Slabs& slabs = slabs_[slab.class_number];
    --slabs.owned;
    owned_bytes_ -= slab.pages * kPageSize;
    slabs.retired.add_first(slab);
    count_idle(slab);
    lower_full_at(slab.class_number);
}

/// One that was retired is to be used again, or ends; nullptr: there is none.
Slab* LocalHeap::take_retired(std::size_t class_number) {
    Slab* const slab = slabs_[class_number].retired.first();
    if (slab == nullptr) return nullptr;
    slabs_[class_number].retired.remove(*slab);
    wake(*slab);
    ++slabs_[class_number].owned;
    owned_bytes_ += slab->pages * kPageSize;
    return slab;
}

/// So many bytes may be idle of other sizes when one needs a slab.
std::size_t LocalHeap::idle_in_growth() const {
    return std::max(kHeapShape.idle_bytes, owned_bytes_ / kIdleInGrowth);
}

/// An empty slab that another size retired becomes one of this size, if more is idle than they may need meanwhile; nullptr: there is none
/// that can. Without the lock, because it is in the map already.
Slab* LocalHeap::take_over(std::size_t class_number) {
    if (idle_bytes_ <= idle_in_growth()) return nullptr;
    const std::size_t words = Slab::words_for(class_number);
    for (std::size_t looked = 0; looked < kSizeClasses; ++looked) {
        const Slab* const retired = slabs_[next_released_].retired.first();
        if (retired != nullptr && retired->pages == size_class(class_number).slab_pages &&
            DescriptorPool::are_alike(retired->words, words)) {
            Slab& slab = *take_retired(next_released_);
            part_with(slab);
            count_gone(slab);
            std::fill_n(slab.free_words(), slab.carved_words(), Slab::Word{0});
            slab.shape(class_number, Slab::some_offset(class_number, random_of(slab)));
            slab.zeroed = false;
            slab.filled_by = this;
            asked_ = true;
            return &slab;
        }
        next_released_ = (next_released_ + 1) % kSizeClasses;
    }
    return nullptr;
}

/// A new slab of so many bytes is needed. If there is as much idle and no slab that can be taken over, as many bytes go.
void LocalHeap::make_way(std::size_t bytes) {
    release_until(std::max(idle_in_growth(), idle_bytes_ - std::min(idle_bytes_, bytes)));
}

/// Idle slabs go until no more than so many of their bytes are left: of one size after the other, all that were retired before the current
/// one.
void LocalHeap::release_until(std::size_t most) {
    while (idle_bytes_ > most) {
        if (Slab* const slab = take_retired(next_released_); slab != nullptr) {
            end_slab(*slab);
        } else {
            const Slab* const current = slabs_[next_released_].current;
            if (current != nullptr && current->idle) release_if_empty(next_released_);
            next_released_ = (next_released_ + 1) % kSizeClasses;
        }
    }
}

/// What has been idle all the time since this was called last need not stay.
void LocalHeap::give_back_surplus() {
    refills_ = 0;
    const std::size_t surplus = std::min(least_idle_, idle_bytes_ - std::min(idle_bytes_, kHeapShape.idle_bytes));
    if (surplus != 0) {
        idle_learned_ -= std::min(idle_learned_, surplus);
        count_released(surplus);
        release_until(idle_bytes_ - surplus);
    }
    least_idle_ = idle_bytes_;
}

void LocalHeap::count_idle(Slab& slab) {
    slab.idle = true;
    idle_bytes_ += std::size_t{slab.carved} * slab.block_bytes;
}

/// Slabs empty, one after the other: the current ones may be empty, too, without anybody having seen it.
void LocalHeap::find_idle() {
    if (deleted_ < kDeletionsPerLook) return;
    deleted_ = 0;
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        Slab* const slab = slabs_[i].current;
        if (slab != nullptr && !slab->idle && all_free(i)) count_idle(*slab);
    }
}

/// So many bytes go because they are too many. If not all of those that went the last time, before slabs were asked for, were missed, there
/// may be fewer from now on.
void LocalHeap::count_released(std::size_t bytes) {
    if (std::exchange(asked_, false)) {
        if (idle_released_ != 0) idle_learned_ /= 2;
        idle_released_ = 0;
    }
    idle_released_ = std::min(idle_released_ + bytes, kHeapShape.idle_learned);
}

/// If there are too many idle bytes: half of what may be stays.
void LocalHeap::release_idle() {
    const std::size_t most = most_idle();
    if (idle_bytes_ <= most) return;
    count_released(idle_bytes_ - most / 2);
    release_until(most / 2);
}

/// A slab had to be asked for. If as much was idle just before, that should have stayed.
void LocalHeap::miss(const Slab& slab) {
    asked_ = true;
    const std::size_t missed = std::min(slab.pages * kPageSize, idle_released_);
    idle_released_ -= missed;
    idle_learned_ = std::min(idle_learned_ + missed, kHeapShape.idle_learned);
}

/// A slab that was idle is in use again, or ends.
void LocalHeap::wake(Slab& slab) {
    slab.idle = false;
    idle_bytes_ -= std::size_t{slab.carved} * slab.block_bytes;
    least_idle_ = std::min(least_idle_, idle_bytes_);
}

/// Gives back the slabs of a class that were retired, and the current one if it is empty.
void LocalHeap::release_if_empty(std::size_t class_number) {
    if (Slab* const slab = slabs_[class_number].current; slab != nullptr) {
        if (slab->idle) wake(*slab);
        if (all_free(class_number)) {
            take_back_lent(class_number);
            put_back(class_number);
        }
        if (slab->owned().taken == 0) {
            slabs_[class_number].current = nullptr;
            end_slab(*slab);
        }
        set_full_at(class_number);
    }
    // Last, because slabs that have emptied just now may have been retired.
    release_retired(class_number);
}

void LocalHeap::release_retired(std::size_t class_number) {
    while (Slab* const slab = take_retired(class_number)) end_slab(*slab);
}

void LocalHeap::release_empty() {
    for (std::size_t i = 0; i < kSizeClasses; ++i) release_if_empty(i);
}

}  // namespace quire
