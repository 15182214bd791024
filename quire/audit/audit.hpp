#pragma once
/// The audit: one pass that proves the books balance. Every frame is free, or owned exactly as often as its share count
/// says; every table entry belongs to a region; every node is reachable; the counters add up.
///
///      Audit audit(frames, tally);
///      audit.own(frame);                    once for each share that the kernel itself holds (page cache, its own
/// tables)
///      audit.add(kernel_space);             spans, their node window
///      audit.add(space);                    for each space, while it is active
///      audit.finish();                      compares what was found with the share counts
///
/// Anything that does not balance is a defect and names its invariant (docs/invariants.md). O(frames + entries +
/// nodes).
/// Nothing may change meanwhile.

#include <cstdint>
#include <span>

#include "quire/base/address.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/space/kernel_space.hpp"
#include "quire/space/space.hpp"

namespace quire {

class Audit {
public:
    /// `tally` has room for one number a frame: frames.end().number of them. The caller's; it may come from a span.
    Audit(const FrameAllocator& frames, std::span<std::uint32_t> tally);

    /// One share of `frame` is held by the caller.
    void own(Frame frame);
    void add(const KernelSpace& space);
    /// `space` is active.
    void add(const Space& space);
    /// The frames shown in a range of kernel pages that belong to nobody else: each slot is one share. The tables
    /// themselves are counted by own_tables().
    void own_mapped(PageRange range);
    /// The tables of a range of pages of the active space.
    void own_tables(PageRange range);

    /// Compares (I3, I5) and checks the allocator's own books (I1 to I4).
    void finish() const;

private:
    const FrameAllocator& frames_;
    std::span<std::uint32_t> tally_;
};

}  // namespace quire
