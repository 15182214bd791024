#pragma once
/// An address space: what a program's addresses mean.
///
///      program's address ──▶ range list: is it allocated, what may be done, what backs it?     (the truth)
///                        ──▶ page tables: which frame is there now?                               (derived, on demand)
///
/// No frame is mapped until something touches its page; then handle_fault() looks up the region, checks the access and
/// only then finds a frame. An address that nobody allocated is never mapped.
///
/// Every verb decodes (validates, changes nothing), reserves (may fail, undoes itself) and commits (cannot fail).
///
/// Locking: a space belongs to one process; whoever acts on it holds that process's memory lock (a kernel that is not
/// preemptible holds it by being in the kernel). All verbs except create() and destroy() act on the *active* space.
///
/// Life: create() ── activate ── open() ── map, unmap, faults … ── close() ── activate another ── destroy()
///       or, for a child: parent.fork(child) ── activate ── map, unmap, faults …

#include <array>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/rights.hpp"
#include "quire/paging/paging.hpp"
#include "quire/space/range_list.hpp"

namespace quire {

/// How firmly a mapping asks for its place.
enum class Placement : std::uint8_t {
    anywhere,      ///< first fit from the mapping base upwards
    preferred,     ///< there if it is free, else anywhere
    fixed,         ///< there; what was there is replaced
    fixed_if_free  ///< there, or already_mapped
};

struct MapRequest {
    PageCount count;
    Placement placement = Placement::anywhere;
    Page at{};  ///< for all placements but anywhere
    RangeTraits traits;
    std::uintptr_t object_page = 0;  ///< first page of traits.object to show
};

/// How a fault was resolved.
enum class FaultKind : std::uint8_t {
    zero_filled,  ///< a fresh zeroed frame
    shared_zero,  ///< a read of an untouched page: the zero frame, which costs nothing
    object_page,  ///< a page of the object itself
    copied,       ///< a private copy of a shared frame
    reused,       ///< the frame turned out to be ours alone and was made writable
    spurious,     ///< the entry was right already; the processor had an old one
};
inline constexpr std::size_t kFaultKinds = 6;

struct SpaceStatistics {
    PageCount resident;   ///< entries that hold a frame, the zero frame's included
    PageCount allocated;  ///< pages of all regions
    PageCount heap;       ///< pages of regions that brk or anonymous mmap made writable: what malloc lives on
    std::array<std::uint64_t, kFaultKinds> faults{};  ///< by FaultKind
};

class Space {
public:
    /// `zero_frame` is a frame of zeroes that the allocator does not manage. Mappings that may lie anywhere
    /// are placed first fit from `mapping_base` upwards, then from the bottom.
    Space(Paging& paging, Frame zero_frame, Page mapping_base);
    Space(const Space&) = delete;
    Space& operator=(const Space&) = delete;

    /// Makes the directory. no_frames.
    [[nodiscard]] Result<void> create() { return paging_.create(directory_); }
    /// Starts the range list: one gap. The space is active. no_frames.
    [[nodiscard]] Result<void> open() { return list_.open(); }
    /// Frees everything but the directory. The space is active; nothing runs in it any more.
    void close();
    /// Frees the directory. The space is closed (or was never opened) and active nowhere.
    void destroy() { paging_.destroy(directory_); }

    [[nodiscard]] Frame directory() const { return directory_.frame; }
    [[nodiscard]] const Directory& frames_of_directory() const { return directory_; }
    [[nodiscard]] const RangeList& list() const { return list_; }
    [[nodiscard]] SpaceStatistics statistics() const;

    /// Allocates addresses. Returns the first page. bad_argument (no pages, outside user space, shared without an
    /// object), already_mapped, no_addresses, no_frames, list_full.
    [[nodiscard]] Result<Page> map(const MapRequest& request);

    /// Frees addresses, and frames behind them; holes in the range are no error (gotcha 76). bad_argument, no_frames,
    /// list_full (a split may need a node).
    [[nodiscard]] Result<void> unmap(PageRange range);

    /// Changes what the regions of the range grant. not_mapped if part of it is a gap, denied beyond what is allowed,
    /// bad_argument, no_frames, list_full; then nothing has changed.
    [[nodiscard]] Result<void> protect(PageRange range, Rights rights);

    /// Forgets the contents of the private zero-fill pages in the range: the next read sees zeroes (private file pages:
    /// the file
    /// again). not_mapped if part of it is a gap.
    [[nodiscard]] Result<void> discard(PageRange range);

    /// Makes `child` (neither created nor opened) a copy of this, the active space: the same regions; private pages are shared
    /// until one side writes, shared ones stay shared. no_frames; then neither has changed. O(nodes + tables + resident pages).
    [[nodiscard]] Result<void> fork(Space& child);

    /// Where brk begins; once, after the program is loaded. The address is page aligned.
    void start_break(VirtualAddress start) { break_start_ = break_ = start; }
    [[nodiscard]] VirtualAddress current_break() const { return break_; }
    /// Moves the break. bad_argument below its start; no_addresses if something is in the way; no_frames,
    /// list_full. On an error the break stays (gotcha 75).
    [[nodiscard]] Result<void> set_break(VirtualAddress end);

    /// Resolves a fault at an address of user space. not_mapped: nobody allocated it; denied: the region does not grant
    /// the
    /// access; beyond_end, io: the object has no such page; no_frames. On an error nothing has changed.
    /// Takes at most one frame and one table; does not recurse.
    [[nodiscard]] Result<FaultKind> handle_fault(VirtualAddress address, Access access);

    /// The list is sound and every entry belongs to a region that grants what it lets through (I10 to I14). The space
    /// is active.
    void check_invariants() const;

private:
    [[nodiscard]] Result<Page> place(const MapRequest& request) const;
    void copy_list_pages(Space& child, FrameReservation& frames) const;
    void copy_tables(Space& child, FrameReservation& frames);
    [[nodiscard]] static std::size_t user_tables();
    void remove_pages(PageRange range);
    void remove_empty_tables(PageRange range);
    [[nodiscard]] Rights entry_rights(const RangeNode& region, Frame frame) const;
    [[nodiscard]] Result<FaultKind> fill(Page page, const RangeNode& region, Access access);
    [[nodiscard]] Result<FaultKind> fill_with_zeroes(Page page, const RangeNode& region, Access access);
    [[nodiscard]] Result<FaultKind> fill_from_object(Page page, const RangeNode& region, Access access);
    [[nodiscard]] Result<FaultKind> make_writable(Page page, const RangeNode& region);

    Paging& paging_;
    Frame zero_frame_;
    Page mapping_base_;
    Directory directory_{};
    RangeList list_;
    VirtualAddress break_start_{};
    VirtualAddress break_{};
    PageCount resident_{};
    std::array<std::uint64_t, kFaultKinds> faults_{};
};

}  // namespace quire
