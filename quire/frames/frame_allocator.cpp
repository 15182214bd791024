#include "quire/frames/frame_allocator.hpp"

#include <algorithm>
#include <utility>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

namespace {
constexpr FrameCount kLongestRun{1024};
}

FrameReservation::FrameReservation(FrameReservation&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), left_(std::exchange(other.left_, FrameCount{})) {}

FrameReservation::~FrameReservation() {
    if (left_.value != 0) owner_->unreserve(left_);
}

Frame FrameReservation::take() {
    require(left_.value != 0, "more frames were taken than were reserved");
    left_ -= FrameCount{1};
    return owner_->take_reserved();
}

void FrameAllocator::attach(std::span<std::uint32_t> bitmap, std::span<std::uint32_t> records, Frame end) {
    require(records.size() >= end.number, "the frame allocator was given too few records");
    const Guard guard(lock_);
    bitmap_.attach(bitmap, end);
    std::ranges::fill(records, kExempt);
    records_ = records.data();
    end_ = end;
    statistics_ = {};
}

void FrameAllocator::manage(FrameRange range) {
    const Guard guard(lock_);
    require(range.end <= end_, "memory beyond the end of memory was given to the frame allocator");
    for (Frame frame = range.first; frame < range.end; frame = frame + FrameCount{1}) {
        if (frame == Frame{0}) continue;
        require(records_[frame.number] == kExempt, "a frame was given to the frame allocator twice");
        set_record(frame, 0);
        bitmap_.set_free(frame);
        statistics_.managed += FrameCount{1};
        statistics_.free += FrameCount{1};
    }
}

Frame FrameAllocator::take_locked() {
    const auto frame = bitmap_.highest_free();
    require(frame.has_value(), "I4: frames are counted as free but none is");
    bitmap_.set_used(*frame);
    set_record(*frame, 1);
    statistics_.free -= FrameCount{1};
    ++statistics_.taken;
    return *frame;
}

Result<Frame> FrameAllocator::take() {
    const Guard guard(lock_);
    if (statistics_.free == statistics_.reserved) return fail(Error::no_frames);
    return take_locked();
}

Result<Frame> FrameAllocator::take_run(const RunRequest& request) {
    if (request.count.value == 0 || request.count > kLongestRun) return fail(Error::bad_argument);
    if (!is_power_of_two(request.alignment.value)) return fail(Error::bad_argument);
    const Guard guard(lock_);
    if (statistics_.free - statistics_.reserved < request.count) return fail(Error::no_frames);
    const auto first = bitmap_.lowest_free_run(request.count, request.alignment, {Frame{1}, request.limit});
    if (!first) return fail(Error::no_frames);
    for (FrameCount i{}; i < request.count; i += FrameCount{1}) {
        bitmap_.set_used(*first + i);
        set_record(*first + i, 1);
    }
    statistics_.free -= request.count;
    statistics_.taken += request.count.value;
    return *first;
}

Result<FrameReservation> FrameAllocator::reserve(FrameCount count) {
    const Guard guard(lock_);
    if (statistics_.free - statistics_.reserved < count) return fail(Error::no_frames);
    statistics_.reserved += count;
    return FrameReservation(*this, count);
}

Frame FrameAllocator::take_reserved() {
    const Guard guard(lock_);
    statistics_.reserved -= FrameCount{1};
    return take_locked();
}

void FrameAllocator::unreserve(FrameCount count) {
    const Guard guard(lock_);
    statistics_.reserved -= count;
}

void FrameAllocator::share(Frame frame) {
    if (!(frame < end_)) return;
    const Guard guard(lock_);
    const std::uint32_t shares = records_[frame.number];
    if (shares == kExempt) return;
    require(shares != 0, "I3: a free frame was shared");
    require(shares != kExempt - 1, "I3: a share count is full");
    set_record(frame, shares + 1);
}

void FrameAllocator::drop_locked(Frame frame) {
    if (!(frame < end_)) return;
    const std::uint32_t shares = records_[frame.number];
    if (shares == kExempt) return;
    require(shares != 0, "I3: a free frame was dropped");
    set_record(frame, shares - 1);
    if (shares != 1) return;
    bitmap_.set_free(frame);
    statistics_.free += FrameCount{1};
    ++statistics_.dropped;
}

void FrameAllocator::drop(Frame frame) {
    const Guard guard(lock_);
    drop_locked(frame);
}

void FrameAllocator::drop_all(std::span<const std::uint32_t> frames) {
    if (frames.empty()) return;
    const Guard guard(lock_);
    for (const std::uint32_t number : frames) drop_locked(Frame{number});
}

FrameStatistics FrameAllocator::statistics() const {
    const Guard guard(lock_);
    return statistics_;
}

void FrameAllocator::check_invariants() const {
    const Guard guard(lock_);
    FrameCount managed{};
    FrameCount free{};
    for (Frame frame{0}; frame < end_; frame = frame + FrameCount{1}) {
        const std::uint32_t record = records_[frame.number];
        require(bitmap_.is_free(frame) == (record == 0), "I3: bitmap and share count disagree about a frame");
        if (record != kExempt) managed += FrameCount{1};
        if (record == 0) free += FrameCount{1};
    }
    require(bitmap_.recount() == free, "I1: the bitmap has another number of free frames than the records");
    require(managed == statistics_.managed && free == statistics_.free, "I4: frame statistics have drifted");
    require(statistics_.reserved <= statistics_.free, "I4: more frames are reserved than free");
    require(statistics_.taken - statistics_.dropped == (managed - free).value,
            "I4: frames taken and dropped do not add up");
}

}  // namespace quire
