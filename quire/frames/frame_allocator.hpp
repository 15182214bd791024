#pragma once
/// Physical memory: who owns which frame, and how often.
///
/// A frame is free, or it has a share count: one share for each page-table entry, page cache or kernel structure that
/// holds it. The last drop() frees it. Frames that were never given to the allocator (holes, firmware, the kernel
/// image,
/// boot modules) and the shared zero frame are *exempt*: sharing and dropping them does nothing, and they are never
/// free.
///
///      record[f]   0                    free
///                  1 .. 2^32 - 2        that many shares                    (I3)
///                  kExempt = 2^32 - 1   not managed, not counted
///
/// The counts are 32 bits wide so that no number of mappings can wrap them (gotcha 26: a machine of 4 GiB has at most
/// 2^30 page-table entries). The metadata lies outside the frames, so that a stray write to a freed frame
/// cannot corrupt it (gotcha 53). Everything is locked inside; every verb but take_run is O(1).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/lock.hpp"
#include "quire/frames/frame_bitmap.hpp"
#include "quire/port.hpp"

namespace quire {

/// What a run of frames has to satisfy.
struct RunRequest {
    FrameCount count{1};      ///< how many, at least 1, at most 1024 (4 MiB)
    FrameCount alignment{1};  ///< the first frame is a multiple of this power of two
    Frame limit{1U << 20};    ///< the run ends at or below this frame: 4096 for a DMA controller's 16 MiB
};

/// All counts in frames. managed == free + used, and the audit recounts both (I4).
struct FrameStatistics {
    FrameCount managed;         ///< given to the allocator
    FrameCount free;            ///< not owned by anybody, including what is reserved
    FrameCount reserved;        ///< free, but promised to a FrameReservation
    std::uint64_t taken = 0;    ///< frames handed out since the start
    std::uint64_t dropped = 0;  ///< frames that came back since the start
};

class FrameAllocator;

/// A promise of frames: taking them later cannot fail. The reserve step of a verb makes one, the commit step uses it,
/// the
/// destructor gives back what was not used.
class [[nodiscard]] FrameReservation {
public:
    FrameReservation(FrameReservation&& other) noexcept;
    FrameReservation& operator=(FrameReservation&& other) = delete;
    FrameReservation(const FrameReservation&) = delete;
    FrameReservation& operator=(const FrameReservation&) = delete;
    ~FrameReservation();

    /// A frame with one share, contents undefined. A defect if nothing is left of the promise.
    [[nodiscard]] Frame take();
    [[nodiscard]] FrameCount left() const { return left_; }

private:
    friend class FrameAllocator;
    FrameReservation(FrameAllocator& owner, FrameCount count) : owner_(&owner), left_(count) {}
    FrameAllocator* owner_;
    FrameCount left_;
};

class FrameAllocator {
public:
    static constexpr std::uint32_t kExempt = ~std::uint32_t{0};

    FrameAllocator() = default;
    FrameAllocator(const FrameAllocator&) = delete;
    FrameAllocator& operator=(const FrameAllocator&) = delete;

    /// Starts with no frame managed. `bitmap` holds FrameBitmap::words_needed(end) words, `records` end.number counts;
    /// both
    /// belong to the caller and stay in place as long as the allocator.
    void attach(std::span<std::uint32_t> bitmap, std::span<std::uint32_t> records, Frame end);

    /// Gives a range of free frames to the allocator: usable memory at boot, or the memory of a boot module that is no
    /// longer needed. Frame 0 is left out (gotcha 38). A defect if one of them is managed already (gotcha 48).
    void manage(FrameRange range) QUIRE_EXCLUDES(lock_);

    /// A frame with one share, contents undefined. no_frames when all are used or reserved.
    [[nodiscard]] Result<Frame> take() QUIRE_EXCLUDES(lock_);

    /// A run of frames with one share each. bad_argument for a request out of range; no_frames when there is no such
    /// run,
    /// though there may be enough single frames.
    [[nodiscard]] Result<Frame> take_run(const RunRequest& request) QUIRE_EXCLUDES(lock_);

    /// Promises `count` frames (0 is allowed). no_frames if that many are not there; then nothing is reserved.
    [[nodiscard]] Result<FrameReservation> reserve(FrameCount count) QUIRE_EXCLUDES(lock_);

    /// One more share of a frame that has at least one. Nothing happens to an exempt frame.
    void share(Frame frame) QUIRE_EXCLUDES(lock_);

    /// One share less; the last one frees the frame. Before that, no processor may still reach the frame through a
    /// cached
    /// translation (quire/paging/flush_batch.hpp). A defect if the frame is free (gotcha 51).
    void drop(Frame frame) QUIRE_EXCLUDES(lock_);
    /// drop() for each frame number, under one lock.
    void drop_all(std::span<const std::uint32_t> frames) QUIRE_EXCLUDES(lock_);

    /// How many shares a frame has: 0 if it is free, kExempt if it is not counted. Exact only while nobody else can
    /// share or drop it: a count of 1 seen by the only owner is (gotcha 22).
    [[nodiscard]] std::uint32_t shares(Frame frame) const {
        return frame < end_ ? std::atomic_ref(records_[frame.number]).load(std::memory_order_acquire) : kExempt;
    }

    [[nodiscard]] FrameStatistics statistics() const QUIRE_EXCLUDES(lock_);
    [[nodiscard]] Frame end() const { return end_; }

    /// Recounts bitmap, summaries, records and statistics and compares them (I1 to I4). A defect if they disagree.
    /// O(end).
    void check_invariants() const QUIRE_EXCLUDES(lock_);

private:
    friend class FrameReservation;
    /// Under the lock, but shares() reads without it.
    void set_record(Frame frame, std::uint32_t shares) QUIRE_REQUIRES(lock_) {
        // Released: whoever sees that he is the last owner writes to the frame, and another's copy of it must be over by then
        // (gotcha 22).
        std::atomic_ref(records_[frame.number]).store(shares, std::memory_order_release);
    }
    [[nodiscard]] Frame take_locked() QUIRE_REQUIRES(lock_);
    void drop_locked(Frame frame) QUIRE_REQUIRES(lock_);
    [[nodiscard]] Frame take_reserved() QUIRE_EXCLUDES(lock_);
    void unreserve(FrameCount count) QUIRE_EXCLUDES(lock_);

    mutable Machine::Lock lock_;
    FrameBitmap bitmap_ QUIRE_GUARDED_BY(lock_);
    std::uint32_t* records_ = nullptr;
    Frame end_{};
    FrameStatistics statistics_ QUIRE_GUARDED_BY(lock_);
};

}  // namespace quire
