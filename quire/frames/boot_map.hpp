#pragma once
/// From what the boot loader says about memory to the frames one may use.
///
/// Firmware maps overlap, are unsorted, unaligned, reach beyond 4 GiB and contain empty entries (gotcha 41). The rule:
/// usable bytes are united first, then everything reserved is taken away — reserved always wins, whatever the order of
/// the calls — then what is left shrinks inward to whole frames and is cut off at the last frame of `limit`.
///
///      usable     ████████████      ██████        ██████████
///      reserved        ░░░░░                  ░░░░░░
///      result     [  ]     [ ]      [    ]          [   ]      whole frames only

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"

namespace quire {

/// Collects the boot loader's statements. No locking: used once, by one processor, before anything else.
class BootMap {
public:
    /// How many entries each of the two lists takes. A PC's map has 5 to 30.
    static constexpr std::size_t kCapacity = 128;

    /// Says that [start, start + bytes) is memory. An end beyond 2^64 is cut off there; zero bytes say nothing.
    /// list_full if there are more than kCapacity such entries: then the map must not be used.
    [[nodiscard]] Result<void> add_usable(PhysicalAddress start, std::uint64_t bytes);

    /// Says that no frame touched by [start, start + bytes) may ever be handed out. Errors as above.
    [[nodiscard]] Result<void> reserve(PhysicalAddress start, std::uint64_t bytes);

    /// Writes the usable frames into `out`: disjoint, ascending, not empty, all below `limit`. Returns the part of
    /// `out`
    /// that was filled. list_full if it is too small (2 * kCapacity is always enough). O(n^2) in the entries.
    [[nodiscard]] Result<std::span<FrameRange>> usable_frames(Frame limit, std::span<FrameRange> out) const;

    /// One more than the highest frame with usable memory below `limit`, reserved or not; frame 0 if there is none.
    /// What
    /// the bitmap has to cover.
    [[nodiscard]] Frame end_of_memory(Frame limit) const;

private:
    struct Bytes {
        std::uint64_t first;
        std::uint64_t end;
    };
    struct List {
        std::array<Bytes, kCapacity> entries{};
        std::size_t size = 0;
        [[nodiscard]] Result<void> add(PhysicalAddress start, std::uint64_t bytes);
        [[nodiscard]] std::span<const Bytes> all() const { return {entries.data(), size}; }
    };
    List usable_;
    List reserved_;
};

}  // namespace quire
