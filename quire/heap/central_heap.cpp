#include "quire/heap/central_heap.hpp"

#include <algorithm>
#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"
#include "quire/heap/returned_blocks.hpp"

namespace quire {

namespace {

Page page_of(const void* address) {
    return VirtualAddress{reinterpret_cast<std::uintptr_t>(address)}.page();
}

/// Of a large block the map knows the first unit only: whoever frees it must name its beginning.
constexpr PageCount kLargeKnown = kUnitPages;

/// From 4 MiB on it is worth a few calls to know whether a block will be used.
constexpr PageCount kWorthALook{1024};
/// A block that must move becomes longer by one part in so many at least.
constexpr std::size_t kGrows = 8;
/// One that can grow where it lies becomes so many times as long as it is to be, if there is room.
constexpr std::size_t kGrowsInPlace = 2;

constexpr PageCount kMostPages{std::size_t{1} << 31U};  // of a block: 8 TiB, more than there are with 32 bits

constexpr std::size_t kFreelyAligned = std::min(std::size_t{4} << 20U, 64 * kUnitBytes);  // bytes: a chunk of SpanCache

}  // namespace

/// Holds the lock for a scope, and then does what the source has left to do.
class QUIRE_SCOPED CentralHeap::Section {
public:
    explicit Section(CentralHeap& heap) QUIRE_ACQUIRE(heap.lock_) : heap_(heap) { heap.lock_.lock(); }
    ~Section() QUIRE_RELEASE() {
        const PageChores chores = heap_.spans_.take_chores();
        heap_.lock_.unlock();
        heap_.spans_.do_chores(chores);
    }
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;
    Section(Section&&) = delete;
    Section& operator=(Section&&) = delete;

private:
    CentralHeap& heap_;
};

/// A descriptor for a span, of which the map shows the first `known` pages. nullptr leaves nothing behind.
Slab* CentralHeap::enter(void* first, PageCount pages, PageCount known, std::size_t words) {
    Slab* const slab = descriptors_.take(words);
    if (slab == nullptr) return nullptr;
    const PageRange range = range_of(page_of(first), known);
    if (!map_.prepare(range, own_)) {
        descriptors_.give(*slab, words);
        return nullptr;
    }
    slab->base = static_cast<std::byte*>(first);
    slab->pages = static_cast<std::uint32_t>(pages.value);
    slab->words = static_cast<std::uint16_t>(words);
    slab->previous_of_all = nullptr;
    slab->next_of_all = all_;
    if (all_ != nullptr) all_->previous_of_all = slab;
    all_ = slab;
    map_.set(range, slab);
    return slab;
}

/// The contrary. Nobody frees a block of this slab any more; a late look at its inbox flag is harmless.
void CentralHeap::forget(Slab& slab, PageCount known) {
    slab.owner.store(nullptr, std::memory_order_relaxed);
    map_.set(range_of(page_of(slab.base), known), nullptr);
    (slab.previous_of_all == nullptr ? all_ : slab.previous_of_all->next_of_all) = slab.next_of_all;
    if (slab.next_of_all != nullptr) slab.next_of_all->previous_of_all = slab.previous_of_all;
    descriptors_.give(slab, slab.words);
}

/// 0 if there was no seed. Slabs whose first blocks do not all lie at the same offset also spread over the processor's caches.
std::uint32_t CentralHeap::next_random() {
    // Marsaglia, Xorshift RNGs, 2003.
    random_ ^= random_ << 13U;
    random_ ^= random_ >> 17U;
    random_ ^= random_ << 5U;
    return random_;
}

std::size_t CentralHeap::usable_size(const void* block) const {
    const Slab* const slab = find(block);
    require(slab != nullptr, Slab::kForeign);
    require(slab->is_large() ? block == slab->base : slab->number_of(block) < slab->capacity, Slab::kNotABlock);
    return slab->is_large() ? slab->pages * kPageSize : slab->block_bytes;
}

Slab* CentralHeap::new_slab(std::size_t class_number, LocalHeap* owner) {
    const PageCount pages{size_class(class_number).slab_pages};
    const Section section(*this);
    void* const first = spans_.acquire(pages, kUnitPages);
    if (first == nullptr) return nullptr;
    Slab* const slab = enter(first, pages, pages, Slab::words_for(class_number));
    if (slab == nullptr) {
        spans_.release(first, pages);
        return nullptr;
    }
    slab->large_bytes = 0;
    slab->shape(class_number, Slab::some_offset(class_number, next_random()));
    slab->zeroed = spans_.is_zero(first, pages);
    slab->filled_by = owner;
    slab->framed = spans_.lacks_frames(first, pages) ? 0 : slab->pages;
    slab->owner.store(owner, std::memory_order_relaxed);
    slab_pages_ += pages;
    return slab;
}

void CentralHeap::delete_slab(Slab& slab) {
    const Section section(*this);
    delete_slab_locked(slab);
}

void CentralHeap::delete_slab_locked(Slab& slab) {
    const PageCount pages{slab.pages};
    std::byte* const first = slab.first_page();
    slab.base = first;
    slab_pages_ -= pages;
    forget(slab, pages);
    spans_.release(first, pages);
}

void CentralHeap::share(Slab& slab) {
    const Section section(*this);
    SlabList& list = shared_[slab.class_number];
    list.add(slab);
    shared_counts_[slab.class_number].fetch_add(1, std::memory_order_relaxed);
    slab.owner.store(Slab::shared(), std::memory_order_seq_cst);
    collect_returned(slab);
    settle_shared_locked(slab);
}

void CentralHeap::unshare_locked(Slab& slab) {
    shared_[slab.class_number].remove(slab);
    shared_counts_[slab.class_number].fetch_sub(1, std::memory_order_relaxed);
}

Slab* CentralHeap::take_shared(std::size_t class_number, LocalHeap* owner) {
    const Section section(*this);
    Slab* const slab = shared_[class_number].first();
    if (slab == nullptr) return nullptr;
    unshare_locked(*slab);
    slab->owner.store(owner, std::memory_order_release);
    return slab;
}

/// Something was freed: was it the last?
void CentralHeap::settle_shared_locked(Slab& slab) {
    if (slab.owned().taken != 0) return;
    unshare_locked(slab);
    delete_slab_locked(slab);
}

bool CentralHeap::free_shared(Slab& slab, std::uint32_t number) {
    const Section section(*this);
    if (slab.owner.load(std::memory_order_acquire) != Slab::shared()) return false;
    require(number < slab.carved, Slab::kNeverTaken);
    slab.give_back(number);
    settle_shared_locked(slab);
    return true;
}

bool CentralHeap::collect_shared(Slab& slab) {
    const Section section(*this);
    if (slab.owner.load(std::memory_order_acquire) != Slab::shared()) return false;
    collect_returned(slab);
    settle_shared_locked(slab);
    return true;
}

void* CentralHeap::allocate_large(std::size_t bytes, std::size_t alignment, Purpose purpose) {
    const PageCount aligned = std::max(pages_for(alignment), kUnitPages);
    // A source may align to a few MiB only what is not tiny.
    const PageCount least{alignment > kFreelyAligned ? aligned.value / 4 : 1};
    const PageCount asked = std::max(pages_for(bytes), least);
    if (asked > kMostPages) return nullptr;
    // What lies before its guard is the block's, so whatever is written past a block's end faults.
    const NewLarge made = enter_large(bytes, spans_.up_to_guard(asked), aligned, purpose);
    if (made.first == nullptr) return nullptr;
    // Both take long, and nobody else knows the block yet: the others need not wait.
    if (made.foreseen) spans_.get_frames(made.first, std::min(asked, kMostAtOnce));
    if (purpose == Purpose::zeroes && !made.is_zero) std::memset(made.first, 0, asked.value * kPageSize);
    return made.first;
}

CentralHeap::NewLarge CentralHeap::enter_large(std::size_t bytes, PageCount asked, PageCount alignment,
                                               Purpose purpose) {
    const Section section(*this);
    const auto [first, pages] = purpose == Purpose::growth
                                    ? SpanSource::Roomy{spans_.acquire_growing(asked, alignment), asked}
                                    : spans_.acquire_roomy(asked, alignment);
    if (first == nullptr) return {};
    Slab* const slab = enter(first, pages, kLargeKnown, 0);
    if (slab == nullptr) {
        spans_.release(first, pages);
        return {};
    }
    slab->class_number = Slab::kLarge;
    slab->large_bytes = bytes;
    slab->owner.store(nullptr, std::memory_order_relaxed);
    large_pages_ += pages;
    const bool is_zero = spans_.is_zero(first, pages);
    const bool lacks_frames = spans_.lacks_frames(first, pages);
    if (lacks_frames && pages >= kWorthALook) look_at_watched(pages);
    const bool foreseen = lacks_frames && (purpose == Purpose::growth || history_.foresee(pages));
    // The frames of one that had some already would say nothing about it.
    slab->framed = lacks_frames && is_zero && !foreseen ? 0 : slab->pages;
    if (slab->framed == 0) history_.watch(pages, slab);
    return {first, is_zero, foreseen};
}

/// The latest block of this size, while it lives: by now it has been used, if it ever will be. If not, its owner may need more time, and
/// nothing is learned.
void CentralHeap::look_at_watched(PageCount pages) {
    Slab* const latest = history_.watched(pages);
    if (latest == nullptr || !spans_.have_frames(latest->base, PageCount{latest->pages})) return;
    history_.unwatch(pages, latest);
    history_.learn(pages, true);
    // Its owner may be about to free it, and reads this without the lock.
    std::atomic_ref(latest->framed).store(latest->pages, std::memory_order_relaxed);
}

void CentralHeap::free_large(Slab& slab, const void* block) {
    require(block == slab.base, Slab::kNotABlock);
    std::byte* const first = slab.base;
    const PageCount pages{slab.pages};
    const bool watched = std::atomic_ref(slab.framed).load(std::memory_order_relaxed) == 0;
    const bool used = watched && spans_.have_frames(first, pages);
    const Section section(*this);
    if (watched) history_.learn(pages, used);
    history_.unwatch(pages, &slab);
    large_pages_ -= pages;
    forget(slab, kLargeKnown);
    spans_.release(first, pages);
}

void* CentralHeap::resize_large(Slab& slab, std::size_t bytes) {
    const PageCount needed = pages_for(bytes);
    const PageCount old{slab.pages};
    const std::size_t in_use = std::atomic_ref(slab.framed).load(std::memory_order_relaxed);
    if (needed <= old && needed.value > (in_use == 0 ? old.value : in_use) / 2) {
        slab.large_bytes = bytes;
        if (in_use != 0) frame_large(slab, needed);
        return slab.base;
    }
    if (needed > kMostPages) return nullptr;
    bool lacks_frames = false;
    if (!resize_roughly(slab, bytes, needed, lacks_frames)) return nullptr;
    slab.lacks_frames = lacks_frames;
    if (needed > old) {
        slab.framed = static_cast<std::uint32_t>(old.value);
        frame_large(slab, needed);
    }
    return slab.base;
}

/// A block that grows once will grow again, so it gets more room each time, the longer it is: much of what is there for it anyway,
/// because a guard that moves is dear; less of what it must move to.
bool CentralHeap::resize_roughly(Slab& slab, std::size_t bytes, PageCount needed, bool& lacks_frames) {
    const PageCount old{slab.pages};
    const PageCount exactly = spans_.up_to_guard(needed);
    if (needed <= old) return resize_in_place(slab, bytes, exactly, exactly, lacks_frames);
    const PageCount in_place = spans_.rounded(std::min(PageCount{needed.value * kGrowsInPlace}, kMostPages));
    const PageCount moved = spans_.rounded(std::max(needed, old + PageCount{old.value / kGrows}));
    return resize_in_place(slab, bytes, exactly, in_place, lacks_frames) ||
           move_large(slab, bytes, moved, lacks_frames);
}

/// So much of a block is in use, or soon will be: it grows because what is new will be used.
void CentralHeap::frame_large(Slab& slab, PageCount needed) {
    const PageCount framed{slab.framed};
    if (needed <= framed) return;
    const PageCount end = std::min(std::max(needed, framed + PageCount{framed.value / kGrows}), PageCount{slab.pages});
    if (slab.lacks_frames) spans_.get_frames(slab.base + framed.value * kPageSize, end - framed);
    slab.framed = static_cast<std::uint32_t>(end.value);
}

bool CentralHeap::resize_in_place(Slab& slab, std::size_t bytes, PageCount least, PageCount most, bool& lacks_frames) {
    const Section section(*this);
    const PageCount old{slab.pages};
    const PageCount pages = spans_.resize(slab.base, old, least, most);
    if (pages.value == 0) return false;
    lacks_frames = pages > old && spans_.lacks_frames(slab.base + old.value * kPageSize, pages - old);
    set_large_size(slab, bytes, pages);
    return true;
}

void CentralHeap::set_large_size(Slab& slab, std::size_t bytes, PageCount pages) {
    history_.unwatch(PageCount{slab.pages}, &slab);
    large_pages_ += pages;
    large_pages_ -= PageCount{slab.pages};
    slab.pages = slab.framed = static_cast<std::uint32_t>(pages.value);
    slab.large_bytes = bytes;
}

/// To where there is room, the contents with it. Moving them takes long, and neither place is anybody else's: the others need
/// not wait.
bool CentralHeap::move_large(Slab& slab, std::size_t bytes, PageCount pages, bool& lacks_frames) {
    const PageCount old{slab.pages};
    std::byte* const from = slab.base;
    if (!spans_.can_transfer(old, pages)) return false;
    bool is_zero = false;
    std::byte* const to = place_to_move_to(pages, is_zero, lacks_frames);
    if (to == nullptr) return false;
    // Frames that are there already are better written to than replaced.
    const bool moved = is_zero && spans_.transfer(from, old, to);
    if (!moved) std::memcpy(to, from, old.value * kPageSize);
    const Section section(*this);
    map_.set(range_of(page_of(from), kLargeKnown), nullptr);
    map_.set(range_of(page_of(to), kLargeKnown), &slab);
    slab.base = to;
    set_large_size(slab, bytes, pages);
    if (moved)
        spans_.release_empty(from, old);
    else
        spans_.release(from, old);
    return true;
}

/// With room behind it, and in the map's reach. nullptr: there is no memory.
std::byte* CentralHeap::place_to_move_to(PageCount pages, bool& is_zero, bool& lacks_frames) {
    const Section section(*this);
    auto* const first = static_cast<std::byte*>(spans_.acquire_growing(pages, kUnitPages));
    if (first == nullptr) return nullptr;
    if (!map_.prepare(range_of(page_of(first), kLargeKnown), own_)) {
        spans_.release(first, pages);
        return nullptr;
    }
    is_zero = spans_.is_zero(first, pages);
    lacks_frames = spans_.lacks_frames(first, pages);
    return first;
}

bool CentralHeap::trim() {
    const Section section(*this);
    return spans_.trim();
}

void CentralHeap::seed(std::uint32_t seed) {
    const Section section(*this);
    random_ = seed;
}

void* CentralHeap::acquire_own(PageCount pages) {
    const Section section(*this);
    void* const first = own_.acquire_zeroed(pages, PageCount{1});
    if (first != nullptr) acquired_own_ += pages;
    return first;
}

}  // namespace quire
