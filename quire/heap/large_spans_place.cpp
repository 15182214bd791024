// Which extent a large span is cut out of, and where in it.
#include <algorithm>

#include "quire/heap/large_spans.hpp"

namespace quire {

namespace {

std::byte* aligned(std::byte* place, PageCount alignment) {
    const std::size_t bytes = alignment.value * kPageSize;
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    return place + ((address + bytes - 1) / bytes * bytes - address);
}

std::byte* aligned_down(std::byte* place, PageCount alignment) {
    return place - reinterpret_cast<std::uintptr_t>(place) % (alignment.value * kPageSize);
}

/// A span may be longer than need be by one part in so many. What is kept is there anyway, and a guard that is made in other threads' sight is
/// dear: their processors must be told.
constexpr std::size_t kSlack = 2;

/// Of the room that a span needs, one part in so many may be missing where there are frames.
constexpr std::size_t kLittle = 4;

/// Of a span, one part in so many has frames already, or it gets an extent without any: then it reads as zeroes.
constexpr std::size_t kLeastExtended = 2;

}  // namespace

/// nullptr: it is to be mapped.
LargeSpans::Extent* LargeSpans::extent_for(std::size_t pages, PageCount alignment, Room room) {
    if (room.likely.value == 0) return best_for(pages, alignment, false);
    Extent* const roomy = best_for(pages + room.likely.value, alignment, true);
    if (roomy != nullptr && roomy->dirty != 0) return roomy;
    if (room.sure) {
        Extent* const almost = best_for(pages + room.likely.value - room.likely.value / kLittle, alignment, true);
        return almost != nullptr && almost->dirty != 0 ? almost : roomy;
    }
    // Frames without room are better than room without frames.
    Extent* const any = best_for(pages, alignment, false);
    return any != nullptr && any->dirty != 0 ? any : roomy;
}

/// At its beginning, so that what has frames lies together there; but where another is to grow, at the end, or behind that if both grow.
std::byte* LargeSpans::place_in(const Extent& extent, std::size_t pages, PageCount alignment, bool grows) {
    const bool behind = grows && fits(extent.behind_room(), extent.pages - extent.room, pages, alignment);
    if (extent.room == 0 || behind) return aligned(extent.behind_room(), alignment);
    return aligned_down(extent.end() - pages * kPageSize, alignment);
}

/// Whether so many pages do, in the `room` pages that begin there.
bool LargeSpans::fits(std::byte* first, std::size_t room, std::size_t pages, PageCount alignment) {
    const auto skipped = static_cast<std::size_t>(aligned(first, alignment) - first) / kPageSize;
    return room >= pages && room - pages >= skipped;
}

/// The smallest extent with frames that is large enough, because what is left of it is the least; else the largest that is with what it
/// can be extended by; else the smallest one without frames. For a span that grows, none of what another is to grow into.
LargeSpans::Extent* LargeSpans::best_for(std::size_t pages, PageCount alignment, bool grows) {
    Extent* with = nullptr;
    Extent* extended = nullptr;
    Extent* without = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
        Extent& extent = extents_[i];
        std::byte* const first = grows ? extent.behind_room() : extent.first;
        const std::size_t room = grows ? extent.pages - extent.room : extent.pages;
        if (fits(first, room, pages, alignment)) {
            Extent*& best = extent.dirty != 0 ? with : without;
            if (best == nullptr || extent.pages < best->pages) best = &extent;
        } else if (extent.room == 0 && (grows || extent.pages >= pages / kLeastExtended) &&
                   fits(first, room + extensible_by(extent), pages, alignment)) {
            if (extended == nullptr || extent.pages > extended->pages) extended = &extent;
        }
    }
    return with != nullptr ? with : extended != nullptr ? extended : without;
}

/// Pages without frames that lie behind one with frames.
std::size_t LargeSpans::extensible_by(const Extent& extent) const {
    const Extent* const next = &extent + 1;
    const bool adjacent = next != extents_.data() + count_ && next->first == extent.end();
    return adjacent && extent.dirty != 0 && next->dirty == 0 ? next->pages : 0;
}

/// Up to `end`, at the expense of what lies behind it.
void LargeSpans::extend(Extent& extent, std::byte* end) {
    Extent& next = *(&extent + 1);
    const auto more = static_cast<std::size_t>(end - extent.end()) / kPageSize;
    add_seam(extent.end() - kPageSize);
    const std::size_t room = std::min(more, next.room);
    if (extent.room == extent.pages) extent.room += room;
    extent.pages += more;
    next.first = end;
    next.pages -= more;
    next.room -= room;
    if (next.pages == 0)
        remove(next);
    else
        guard_before(end);
}

LargeSpans::Taken LargeSpans::take_between_seams(PageCount count, PageCount alignment) {
    Cut best;
    Extent* extent = nullptr;
    for (std::size_t i = 0; i < count_; ++i) {
        const std::byte* const before = best.first;
        if (extents_[i].dirty != 0 && extents_[i].room == 0)
            cut_between_seams(extents_[i], with_guard(count), alignment, best);
        if (best.first != before) extent = &extents_[i];
    }
    return extent == nullptr ? Taken{} : take_from(*extent, best.first, PageCount{best.pages - 1});
}

/// From one seam, or the beginning, to the first that is far enough, for each; the fewer seams are in the middle the better, and then the
/// fewer pages.
void LargeSpans::cut_between_seams(const Extent& extent, std::size_t pages, PageCount alignment, Cut& best) const {
    const std::span<std::byte* const> seams = seams_.between(extent.first, extent.end());
    const auto end_of = [&](std::size_t cell) { return cell < seams.size() ? seams[cell] + kPageSize : extent.end(); };
    std::byte* first = extent.first;
    std::size_t last = 0;
    for (std::size_t cell = 0; cell <= seams.size(); first = end_of(cell++)) {
        const auto pages_to = [first](const std::byte* end) {
            return static_cast<std::size_t>(end - first) / kPageSize;
        };
        if (pages_to(extent.end()) < pages) return;  // compared as pages: an address may not have so many behind it
        while (pages_to(end_of(last)) < pages) ++last;
        const Cut cut{.first = first, .pages = pages_to(end_of(last)), .seams = last - cell};
        if (cut.pages > pages + pages / kSlack || aligned(first, alignment) != first) continue;
        if (cut.seams < best.seams || (cut.seams == best.seams && cut.pages < best.pages)) best = cut;
    }
}

}  // namespace quire
