#pragma once
/// Spans of more than 512 KiB for a program's heap, each before a guard page. What is given back is kept as an extent, in
/// the order of addresses, next to its neighbours: it serves a span of any size that fits, and a span that grows takes what
/// it needs of the extent behind it.
///
///       ◀──────────────────────── one mapping ───────────────────────▶
///      ┌─┬──────────────┬─┬───────────────────────────┬─┬─────────┬─┐
///      │f│ span         │g│ extent (kept)             │g│ span    │g│      g: guard, f: fence; pages that fault
///      └─┴──────────────┴─┴───────────────────────────┴─┴─────────┴─┘
///        ▲ unit           ▲ unit                        ▲ unit
///
/// Everything begins at a unit and ends with a guard: the last page of its last unit. A guard that always is in the same place
/// seldom has to be moved, and each move costs a call, a frame and a fault. A span of rounded() pages reaches to its guard. What
/// lies before a span faults, too: another's guard, or the mapping's fence (but for mappings beyond the 256th, which have none).
/// Where extents have become one, their guards stay between them, seams, until a span is cut out. A span may be longer than need be if it
/// then ends at a seam. Those that have frames become one, and those that have none and read as zeroes; what has frames lies at the
/// beginning of a mapping, is used first, and is extended by what lies behind it. Behind a span that grows is room for it: others
/// begin at the room's end, or, if it is known how much that must be and they grow as well, behind that. A new guard is a chore: what
/// lies behind it may be another's before that is done.

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/heap/page_chores.hpp"
#include "quire/heap/page_source.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/seams.hpp"

namespace quire {

/// Not locked: it is used with its heap's lock held. Counts are pages.
class LargeSpans {
public:
    /// What need not be done at once is added to `chores`; before it is done a new span may not be used.
    constexpr LargeSpans(PageSource& pages, PageChores& chores) : pages_(pages), chores_(chores) {}

    struct Taken {
        std::byte* first = nullptr;  ///< nullptr: there is no memory
        PageCount count{};           ///< pages of the span
        bool dirty = false;          ///< it may not read as zeroes
        bool lacks_frames = false;   ///< at least a quarter of it has none, perhaps
    };
    /// Addresses behind a span: for it to grow into, and for others. What lies in one mapping becomes one extent again.
    struct Room {
        PageCount mapped{};  ///< behind what is mapped anew, if there are so many
        PageCount likely{};  ///< by so much the span will grow: others begin as far behind it as there is room
        bool sure = false;  ///< that is not a guess: an extent with much less is not good enough, even if it has frames
    };
    /// `alignment` is a power of two. O(extents).
    [[nodiscard]] Taken take(PageCount count, PageCount alignment, Room room);
    /// The same for a span that may be longer, by up to a half, among what was kept, has frames and is nobody's room; `first` is nullptr if
    /// there is none for which no guard need be made. O(extents + seams).
    [[nodiscard]] Taken take_between_seams(PageCount count, PageCount alignment);
    /// As many pages as there is room for in the units that `count` pages take.
    [[nodiscard]] static PageCount rounded(PageCount count);
    /// Keeps a span. If there are too many extents, one without frames becomes part of another or goes, or the oldest goes. O(extents).
    void give(void* first, PageCount count);
    /// Makes a span shorter, or longer where it lies, contents kept, from `least` to `most` pages: up to the end of what lies behind it, if that
    /// is less than `most`, because there is a guard. `first` is where its end was, or nullptr if something is in the way, and nothing has
    /// changed. O(extents).
    [[nodiscard]] Taken resize(void* first, PageCount count, PageCount least, PageCount most);
    /// Gives back the addresses of a span that has lost its frames to another.
    void give_empty(void* first, PageCount count) {
        unmap({.first = static_cast<std::byte*>(first), .pages = with_guard(count)});
    }

    /// Gives kept extents with frames back, those first that were kept for the longest time, until no more than `count` of their
    /// pages may have frames; of the last one, the beginning stays as it is, and the rest without frames. How many it gave back. Addresses
    /// alone stay: spans may grow into them. O(extents) for each that goes.
    PageCount keep_at_most(PageCount count);
    /// Gives back all kept extents, the addresses too.
    void keep_nothing();

    [[nodiscard]] PageCount kept() const { return {kept_}; }  ///< pages in extents that may have frames
    /// Pages of addresses, guards too.
    [[nodiscard]] PageCount mapped() const { return {mapped_}; }
    /// Pages without frames that went into spans, in all so far.
    [[nodiscard]] std::size_t taken_clean() const { return taken_clean_; }
    void check_invariants() const;

private:
    struct Extent {
        std::byte* first = nullptr;
        std::size_t pages = 0;    ///< whole units, with the guard
        std::size_t dirty = 0;    ///< pages that may have frames; 0: it reads as zeroes
        std::uint32_t since = 0;  ///< when it was kept
        std::size_t room = 0;     ///< pages at its beginning for the span before it to grow into: whole units
        [[nodiscard]] std::byte* end() const { return first + pages * kPageSize; }
        [[nodiscard]] std::byte* behind_room() const { return first + room * kPageSize; }
    };
    static constexpr std::size_t kMostExtents = 64;
    static constexpr std::size_t kMostFences = 256;  ///< mappings beyond that do without

    /// Pages of a span: its own and at least one guard, in whole units.
    [[nodiscard]] static constexpr std::size_t with_guard(PageCount count) {
        return (count.value / kUnitPages.value + 1) * kUnitPages.value;
    }
    [[nodiscard]] Taken take_from(Extent& extent, std::byte* first, PageCount count);
    [[nodiscard]] static std::byte* place_in(const Extent& extent, std::size_t pages, PageCount alignment, bool grows);
    [[nodiscard]] static bool fits(std::byte* first, std::size_t room, std::size_t pages, PageCount alignment);
    [[nodiscard]] std::size_t extensible_by(const Extent& extent) const;
    void extend(Extent& extent, std::byte* end);
    std::size_t grow_into(Extent& extent, std::size_t pages);
    [[nodiscard]] Extent* extent_for(std::size_t pages, PageCount alignment, Room room);
    [[nodiscard]] Extent* best_for(std::size_t pages, PageCount alignment, bool grows);
    void keep_room(const std::byte* first, const Room& room);
    void keep_room_again(const std::byte* first, std::size_t pages);
    void free_room(const std::byte* first);
    struct Cut {
        std::byte* first = nullptr;
        std::size_t pages = 0;
        std::size_t seams = ~std::size_t{0};  ///< that are to be ended within it
    };
    void cut_between_seams(const Extent& extent, std::size_t pages, PageCount alignment, Cut& best) const;
    [[nodiscard]] bool map(std::size_t pages, PageCount alignment);
    [[nodiscard]] Extent* extent_at(const std::byte* first);
    void insert(Extent extent);
    void have_fewer();
    void remove(Extent& extent);
    std::size_t give_back_oldest(std::size_t pages = ~std::size_t{0});
    void purge(std::byte* first, std::byte* end);
    void unmap(const Extent& extent);
    void guard_before(std::byte* end);
    void unguard(std::byte* page);
    void end_seams(std::byte* first, std::byte* end);
    void add_seam(std::byte* page);

    PageSource& pages_;
    PageChores& chores_;
    std::array<Extent, kMostExtents + 2> extents_{};  ///< by address; two more while a span is cut out of one
    std::size_t count_ = 0;
    Seams seams_;
    std::array<std::byte*, kMostFences> fences_{};
    std::size_t fence_count_ = 0;
    std::size_t kept_ = 0;
    std::size_t mapped_ = 0;
    std::size_t taken_clean_ = 0;
    std::uint32_t time_ = 0;
};

}  // namespace quire
