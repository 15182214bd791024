#include "quire/frames/boot_map.hpp"

#include <algorithm>
#include <limits>

namespace quire {

namespace {
constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

/// First byte at or after `from` that a range of `ranges` covers, and the end of what is covered without a hole from
/// there on. Empty (first == end == kNoEnd) if there is none.
template <typename Ranges>
auto next_covered(const Ranges& ranges, std::uint64_t from) {
    struct Covered {
        std::uint64_t first;
        std::uint64_t end;
    };
    std::uint64_t first = kNoEnd;
    for (const auto& range : ranges) {
        if (range.end > from) first = std::min(first, std::max(range.first, from));
    }
    std::uint64_t end = first;
    for (bool grew = true; grew;) {
        grew = false;
        for (const auto& range : ranges) {
            if (range.first <= end && range.end > end) {
                end = range.end;
                grew = true;
            }
        }
    }
    return Covered{first, end};
}

constexpr std::uint64_t frames_up(std::uint64_t bytes) {
    return bytes / kPageSize + (bytes % kPageSize != 0 ? 1U : 0U);
}
constexpr std::uint64_t frames_down(std::uint64_t bytes) {
    return bytes / kPageSize;
}
}  // namespace

Result<void> BootMap::List::add(PhysicalAddress start, std::uint64_t bytes) {
    if (bytes == 0) return {};
    if (size == kCapacity) return fail(Error::list_full);
    const std::uint64_t end = bytes > kNoEnd - start.value ? kNoEnd : start.value + bytes;
    entries[size++] = {start.value, end};
    return {};
}

Result<void> BootMap::add_usable(PhysicalAddress start, std::uint64_t bytes) {
    return usable_.add(start, bytes);
}

Result<void> BootMap::reserve(PhysicalAddress start, std::uint64_t bytes) {
    return reserved_.add(start, bytes);
}

Result<std::span<FrameRange>> BootMap::usable_frames(Frame limit, std::span<FrameRange> out) const {
    const std::uint64_t limit_bytes = address_of(limit).value;
    std::size_t filled = 0;
    std::uint64_t position = 0;
    while (position < limit_bytes) {
        const auto memory = next_covered(usable_.all(), position);
        if (memory.first >= limit_bytes) break;
        std::uint64_t first = memory.first;
        const std::uint64_t end = std::min(memory.end, limit_bytes);
        position = memory.end;
        while (first < end) {
            const auto hole = next_covered(reserved_.all(), first);
            const std::uint64_t stop = std::min(hole.first, end);
            const std::uint64_t first_frame = frames_up(first);
            const std::uint64_t end_frame = frames_down(stop);
            if (first_frame < end_frame) {
                if (filled == out.size()) return fail(Error::list_full);
                out[filled++] = {Frame{static_cast<std::uint32_t>(first_frame)},
                                 Frame{static_cast<std::uint32_t>(end_frame)}};
            }
            if (hole.first >= end) break;
            // A reservation ends in the middle of a frame: that frame is not usable either.
            if (hole.end > limit_bytes) break;
            first = frames_up(hole.end) * kPageSize;
        }
    }
    return out.first(filled);
}

Frame BootMap::end_of_memory(Frame limit) const {
    std::uint64_t end = 0;
    const std::uint64_t limit_bytes = address_of(limit).value;
    for (const Bytes& range : usable_.all()) {
        if (range.first < limit_bytes) end = std::max(end, std::min(range.end, limit_bytes));
    }
    return Frame{static_cast<std::uint32_t>(frames_down(end))};
}

}  // namespace quire
