#include "quire/heap/large_spans.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

LargeSpans::Taken LargeSpans::take(PageCount count, PageCount alignment, Room room) {
    if (count.value > ~std::size_t{0} / kPageSize / 4) return {};
    const std::size_t pages = with_guard(count);
    Extent* extent = extent_for(pages, alignment, room);
    if (extent == nullptr) {
        const bool mapped = map(with_guard(PageCount{pages + room.mapped.value}), alignment);
        extent = extent_for(pages, alignment, room);
        if (extent == nullptr) extent = best_for(pages, alignment, false);
        if (!mapped && extent == nullptr && map(pages, alignment)) extent = best_for(pages, alignment, false);
        if (extent == nullptr) return {};
    }
    std::byte* const first = place_in(*extent, pages, alignment, room.likely.value != 0);
    std::byte* const end = first + pages * kPageSize;
    if (end > extent->end()) extend(*extent, end);
    const Taken taken = take_from(*extent, first, count);
    keep_room(end, room);
    return taken;
}

PageCount LargeSpans::rounded(PageCount count) {
    return {with_guard(count) - 1};
}

/// A new extent without frames.
bool LargeSpans::map(std::size_t pages, PageCount alignment) {
    auto* const first = static_cast<std::byte*>(pages_.map(PageCount{pages}, alignment, fence_count_ < kMostFences));
    if (first == nullptr) return false;
    if (fence_count_ < kMostFences) fences_[fence_count_++] = first;
    mapped_ += pages;
    pages_.protect(first + (pages - 1) * kPageSize, PageCount{1}, false);
    insert({.first = first, .pages = pages, .since = ++time_});
    return true;
}

LargeSpans::Taken LargeSpans::take_from(Extent& extent, std::byte* first, PageCount count) {
    const std::size_t pages = with_guard(count);
    const auto before = static_cast<std::size_t>(first - extent.first) / kPageSize;
    const Extent whole = extent;
    const bool dirty = whole.dirty != 0;
    remove(extent);
    const std::size_t behind = whole.pages - before - pages;
    // Where exactly the frames of an extent are is not known; they count for its beginning.
    std::size_t frames = whole.dirty;
    if (before != 0) {
        // At once: this extent may become another's span before the chores are done.
        if (!seams_.take(first - kPageSize)) pages_.protect(first - kPageSize, PageCount{1}, false);
        const std::size_t part = std::min(frames, before);
        frames -= part;
        insert({.first = whole.first,
                .pages = before,
                .dirty = std::max<std::size_t>(part, dirty ? 1 : 0),
                .since = whole.since,
                .room = std::min(whole.room, before)});
    }
    const std::size_t clean = count.value - std::min(frames, count.value);
    taken_clean_ += clean;
    frames -= std::min(frames, pages);
    if (behind != 0)
        insert({first + pages * kPageSize, behind, std::max<std::size_t>(frames, dirty ? 1 : 0), whole.since});
    // Room that went on behind it is cut off.
    if (whole.room == whole.pages) free_room(whole.end());
    std::byte* const end = first + pages * kPageSize;
    end_seams(first, end - kPageSize);
    if (behind != 0) guard_before(end);
    while (count_ > kMostExtents) have_fewer();
    return {.first = first, .count = count, .dirty = dirty, .lacks_frames = clean > count.value / 4};
}

void LargeSpans::give(void* first, PageCount count) {
    auto* const begin = static_cast<std::byte*>(first);
    const std::size_t pages = with_guard(count);
    free_room(begin + pages * kPageSize);
    insert({.first = begin, .pages = pages, .dirty = std::max<std::size_t>(count.value, 1), .since = ++time_});
    while (count_ > kMostExtents) have_fewer();
}

/// What begins there is for the span before it to grow into: so much of it, or if that is a guess, all of an extent.
void LargeSpans::keep_room(const std::byte* first, const Room& room) {
    const std::size_t units = (room.likely.value + kUnitPages.value - 1) / kUnitPages.value;
    for (std::size_t left = units * kUnitPages.value; left != 0;) {
        Extent* const behind = extent_at(first);
        if (behind == nullptr) return;
        behind->room = room.sure ? std::min(left, behind->pages) : behind->pages;
        left -= std::min(left, behind->room);
        first = behind->end();
    }
}

/// Nobody will grow into what begins there.
void LargeSpans::free_room(const std::byte* first) {
    for (Extent* behind = extent_at(first); behind != nullptr && behind->room != 0; behind = extent_at(behind->end()))
        behind->room = 0;
}

/// Puts an extent into its place, and makes one of it and those neighbours that have frames as it does, or none as it does.
void LargeSpans::insert(Extent extent) {
    kept_ += extent.dirty;
    std::size_t place = 0;
    while (place < count_ && extents_[place].first < extent.first) ++place;
    const auto alike = [&extent](const Extent& other) { return (extent.dirty != 0) == (other.dirty != 0); };
    if (place < count_ && extent.end() == extents_[place].first && alike(extents_[place])) {
        add_seam(extent.end() - kPageSize);
        if (extent.room == extent.pages) extent.room += extents_[place].room;
        extent.pages += extents_[place].pages;
        extent.dirty += extents_[place].dirty;
        std::copy(extents_.data() + place + 1, extents_.data() + count_, extents_.data() + place);
        --count_;
    }
    if (place > 0 && extents_[place - 1].end() == extent.first && alike(extents_[place - 1])) {
        Extent& before = extents_[place - 1];
        add_seam(before.end() - kPageSize);
        if (before.room == before.pages) before.room += extent.room;
        before.pages += extent.pages;
        before.dirty += extent.dirty;
        before.since = extent.since;
        return;
    }
    std::copy_backward(extents_.data() + place, extents_.data() + count_, extents_.data() + count_ + 1);
    extents_[place] = extent;
    ++count_;
}

/// The smallest extent without frames becomes part of one that has some, or goes; if there is none, the oldest goes.
void LargeSpans::have_fewer() {
    const auto before = [](const Extent& a, const Extent& b) {
        return (a.dirty == 0) != (b.dirty == 0) ? a.dirty == 0 : a.pages < b.pages;
    };
    Extent& smallest = *std::min_element(extents_.data(), extents_.data() + count_, before);
    if (smallest.dirty != 0) {
        give_back_oldest();
        return;
    }
    Extent joined = smallest;
    const auto touches = [&joined](const Extent& other) {
        return other.end() == joined.first || joined.end() == other.first;
    };
    const bool part = std::any_of(extents_.data(), extents_.data() + count_, touches);
    remove(smallest);
    joined.dirty = 1;
    if (part)
        insert(joined);
    else
        unmap(joined);
}

void LargeSpans::remove(Extent& extent) {
    kept_ -= extent.dirty;
    std::copy(&extent + 1, extents_.data() + count_, &extent);
    --count_;
}

LargeSpans::Extent* LargeSpans::extent_at(const std::byte* first) {
    for (std::size_t i = 0; i < count_; ++i) {
        if (extents_[i].first == first) return &extents_[i];
    }
    return nullptr;
}

LargeSpans::Taken LargeSpans::resize(void* first, PageCount count, PageCount least, PageCount most) {
    auto* const begin = static_cast<std::byte*>(first);
    const std::size_t pages = with_guard(count);
    if (least.value > ~std::size_t{0} / kPageSize / 4) return {};
    const std::size_t least_pages = with_guard(least);
    const Taken nothing_new{.first = begin + count.value * kPageSize, .count = least, .dirty = true};
    if (least_pages < pages) {
        guard_before(begin + least_pages * kPageSize);
        // The rest is a span of its own, with the old guard.
        give(begin + least_pages * kPageSize, PageCount{pages - least_pages - 1});
        return nothing_new;
    }
    if (least_pages == pages) return nothing_new;
    Extent* const behind = extent_at(begin + pages * kPageSize);
    if (behind == nullptr) return {};
    std::size_t more = behind->pages;
    if (more < least_pages - pages) more += extensible_by(*behind);
    if (more < least_pages - pages) return {};
    const PageCount new_count = std::min(most, PageCount{pages + more - 1});
    more = with_guard(new_count) - pages;
    const std::size_t clean = grow_into(*behind, more);
    keep_room_again(begin + (pages + more) * kPageSize, with_guard(new_count));
    unguard(begin + (pages - 1) * kPageSize);
    return {.first = nothing_new.first, .count = new_count, .dirty = true, .lacks_frames = clean > more / 4};
}

/// The span before an extent has its first so many pages now. How many of them have no frames.
std::size_t LargeSpans::grow_into(Extent& extent, std::size_t pages) {
    std::byte* const end = extent.first + pages * kPageSize;
    if (extent.pages < pages) extend(extent, end);
    const Extent whole = extent;
    remove(extent);
    const std::size_t frames = whole.dirty - std::min(whole.dirty, pages);
    const std::size_t clean = pages - (whole.dirty - frames);
    taken_clean_ += clean;
    if (whole.pages != pages) {
        insert({.first = end,
                .pages = whole.pages - pages,
                .dirty = std::max<std::size_t>(frames, whole.dirty != 0 ? 1 : 0),
                .since = whole.since,
                .room = whole.room - std::min(whole.room, pages)});
    }
    end_seams(whole.first, end - kPageSize);
    if (whole.pages != pages) guard_before(end);
    return clean;
}

/// Behind a span that has grown. If it is longer than was expected, it may well become twice as long.
void LargeSpans::keep_room_again(const std::byte* first, std::size_t pages) {
    const Extent* const behind = extent_at(first);
    if (behind != nullptr && behind->room == 0) keep_room(first, {.likely = PageCount{pages}});
}

PageCount LargeSpans::keep_at_most(PageCount count) {
    std::size_t given = 0;
    while (kept_ > count.value) given += give_back_oldest(kept_ - count.value);
    while (count_ > kMostExtents) have_fewer();
    return {given};
}

void LargeSpans::keep_nothing() {
    while (count_ > 0) give_back_oldest();
}

/// What has frames goes first; addresses alone cost next to nothing. So many pages with frames of it, or all: what stays is the beginning.
std::size_t LargeSpans::give_back_oldest(std::size_t pages) {
    const auto before = [](const Extent& a, const Extent& b) {
        return (a.dirty != 0) != (b.dirty != 0) ? a.dirty != 0 : a.since < b.since;
    };
    Extent& oldest = *std::min_element(extents_.data(), extents_.data() + count_, before);
    Extent extent = oldest;
    remove(oldest);
    const std::size_t frames = extent.dirty - std::min(extent.dirty, pages);
    const std::size_t stay = (frames + kUnitPages.value - 1) / kUnitPages.value * kUnitPages.value;
    if (stay != 0 && stay < extent.pages) {
        std::byte* const end = extent.first + stay * kPageSize;
        if (!seams_.take(end - kPageSize)) pages_.protect(end - kPageSize, PageCount{1}, false);
        const std::size_t room = std::min(extent.room, stay);
        insert({extent.first, stay, frames, extent.since, room});
        // The rest stays with it, so that there is room for what is longer.
        purge(end, extent.end());
        insert({.first = end, .pages = extent.pages - stay, .since = extent.since, .room = extent.room - room});
        return extent.dirty - frames;
    }
    unmap(extent);
    return extent.dirty;
}

/// Of an extent, up to its end. Not the guards: frames that are locked become zero by being written to.
void LargeSpans::purge(std::byte* first, std::byte* end) {
    std::array<PageRun, 32> runs;
    std::size_t count = 0;
    const auto purge_before = [&](std::byte* guard) {
        if (guard != first) runs[count++] = {first, PageCount{static_cast<std::size_t>(guard - first) / kPageSize}};
        first = guard + kPageSize;
        if (count == runs.size() || (first == end && count != 0))
            pages_.purge(std::span(runs).first(std::exchange(count, 0)));
    };
    for (std::byte* const seam : seams_.between(first, end)) purge_before(seam);
    purge_before(end - kPageSize);
}

void LargeSpans::unmap(const Extent& extent) {
    free_room(extent.end());
    std::byte** const end = fences_.data() + fence_count_;
    std::byte** const fence = std::find(fences_.data(), end, extent.first);
    if (fence != end) *fence = fences_[--fence_count_];
    const auto what = fence != end ? PageChores::What::unmap_fenced : PageChores::What::unmap;
    chores_.add(pages_, what, {extent.first, PageCount{extent.pages}});
    mapped_ -= extent.pages;
    seams_.take_between(extent.first, extent.end(), [](std::byte*) {});
}

/// Unless there is one.
void LargeSpans::guard_before(std::byte* end) {
    if (!seams_.take(end - kPageSize)) chores_.add(pages_, PageChores::What::guard, {end - kPageSize, PageCount{1}});
}

void LargeSpans::unguard(std::byte* page) {
    chores_.add(pages_, PageChores::What::unguard, {page, PageCount{1}});
}

/// In the middle of a span.
void LargeSpans::end_seams(std::byte* first, std::byte* end) {
    seams_.take_between(first, end, [this](std::byte* page) { unguard(page); });
}

/// In the middle of an extent. At once, if too many are known: whoever takes the extent would not end it.
void LargeSpans::add_seam(std::byte* page) {
    if (seams_.full())
        pages_.protect(page, PageCount{1}, true);
    else
        seams_.add(page);
}

void LargeSpans::check_invariants() const {
    require(count_ <= kMostExtents, "I18: there are too many extents");
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const Extent& extent = extents_[i];
        kept += extent.dirty;
        require(extent.pages != 0 && extent.pages % kUnitPages.value == 0 && extent.dirty <= extent.pages,
                "I18: an extent is not made of units");
        require(i == 0 || extents_[i - 1].end() < extent.first ||
                    (extents_[i - 1].end() == extent.first && (extents_[i - 1].dirty != 0) != (extent.dirty != 0)),
                "I18: two extents are one, or not in order");
        require(extent.room <= extent.pages && extent.room % kUnitPages.value == 0,
                "I18: an extent has more room than pages");
        require(i == 0 || extent.room == 0 || extents_[i - 1].room == extents_[i - 1].pages ||
                    extents_[i - 1].end() != extent.first,
                "I18: nobody can grow into what is kept for that");
    }
    require(kept == kept_, "I18: kept pages have drifted");
    seams_.for_each([this](const std::byte* page) {
        const bool inside = std::any_of(extents_.data(), extents_.data() + count_, [page](const Extent& extent) {
            return page >= extent.first && page + kPageSize < extent.end();
        });
        require(inside, "I18: a seam is not in the middle of an extent");
    });
}

}  // namespace quire
