#pragma once
/// Flush before free, as a type.
///
/// When an entry leaves a page table, processors may still hold its old translation. Whoever clears entries puts the
/// pages and the frames into a FlushBatch; the frames come free only in finish(), after the flush that covers them
/// (gotchas 2, 4 and 11; the idea is Asterinas' must-use page-table fragment).
///
///      clear entry ──▶ batch.weakened(page)          flush page or everything
///                      batch.removed(page, frame) ──▶ then, and only then, drop frames
///
/// Not locked: a batch lives on the stack of one verb. Never allocates: when it is full it flushes and goes on.

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/port.hpp"

namespace quire {

class [[nodiscard]] FlushBatch {
public:
    explicit FlushBatch(FrameAllocator& frames) : frames_(frames) {}
    FlushBatch(const FlushBatch&) = delete;
    FlushBatch& operator=(const FlushBatch&) = delete;
    /// A defect if finish() was forgotten.
    ~FlushBatch();

    /// The entry of `page` in the active space was `old` and now grants less, or nothing.
    void weakened(Page page, Machine::Entry old);
    /// The entry of `page` is gone, and with it one share of its frame.
    void removed(Page page, Machine::Entry old);
    /// A table that was taken out of the active space; all its pages were reported before.
    void removed_table(Frame table);

    /// Flushes, then drops the frames. The batch is empty afterwards and may be used again.
    void finish();

private:
    static constexpr std::size_t kPages = 32;  ///< beyond this many a full flush is cheaper than single ones
    static constexpr std::size_t kFrames = 64;
    void hold(Frame frame);

    FrameAllocator& frames_;
    std::size_t page_count_ = 0;
    std::size_t frame_count_ = 0;
    // Numbers, not Page and Frame: these would be set to 0 each time a batch is made.
    std::array<std::uintptr_t, kPages> pages_;
    std::array<std::uint32_t, kFrames> held_;
};

}  // namespace quire
