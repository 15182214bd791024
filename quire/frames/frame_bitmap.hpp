#pragma once
/// Which frames are free: one bit a frame, and summaries above so that finding a free one is a few bit scans and never
/// a walk. Like every allocator of this library it owns no memory: the caller asks words_needed() and supplies them.
///
///      level 2   bit j: word j of level 1 is not zero            1 set bit = "look below, there is something free"
///      level 1   bit i: word i of level 0 is not zero
///      level 0   bit f: frame f is free                          1 = free, so that bits nobody set mean "never"
///
/// The levels lie one behind the other in one array of 32-bit words, level 0 first: for 4 GiB that is
/// 128 KiB + 4 KiB + 128 B + 4 B. Gotchas 38, 47, 51, 53, 55.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "quire/base/address.hpp"

namespace quire {

/// Not locked: its owner (FrameAllocator) locks.
class FrameBitmap {
public:
    static constexpr std::size_t kBitsPerWord = 32;
    static constexpr std::size_t kMaxLevels = 4;  // 32^4 = 2^20 frames = 4 GiB

    /// How many 32-bit words frames [0, end) take, all levels. `end` at most frame 2^20.
    [[nodiscard]] static constexpr std::size_t words_needed(Frame end) {
        std::size_t total = 0;
        std::size_t words = words_for(end.number);
        for (;;) {
            total += words;
            if (words <= 1) return total;
            words = words_for(words);
        }
    }

    /// Takes over `words` (words_needed(end) of them) for frames [0, end), all of them not free.
    void attach(std::span<std::uint32_t> words, Frame end);

    [[nodiscard]] bool is_free(Frame frame) const {
        return (levels_[0][frame.number / kBitsPerWord] >> (frame.number % kBitsPerWord) & 1U) != 0;
    }

    /// Marks a frame that is not free as free. A defect if it is free already: a double free (gotcha 51).
    void set_free(Frame frame);
    /// Marks a free frame as used. A defect if it is used already.
    void set_used(Frame frame);

    /// The highest free frame. High frames go first because devices want low ones (gotcha 49). O(levels).
    [[nodiscard]] std::optional<Frame> highest_free() const;

    /// The lowest run of `count` free frames within `within` that starts at a multiple of `alignment` frames (a power
    /// of
    /// two). Skips empty words by the summary; O(words within) at worst.
    [[nodiscard]] std::optional<Frame> lowest_free_run(FrameCount count, FrameCount alignment, FrameRange within) const;

    /// Counts the free bits of level 0 and checks that every summary bit says what the word below it says (I2).
    /// A defect if one does not.
    [[nodiscard]] FrameCount recount() const;

private:
    [[nodiscard]] static constexpr std::size_t words_for(std::size_t bits) {
        return (bits + kBitsPerWord - 1) / kBitsPerWord;
    }
    [[nodiscard]] std::optional<Frame> next_free(Frame from, Frame before) const;

    std::array<std::uint32_t*, kMaxLevels> levels_{};
    std::size_t level_count_ = 0;
    Frame end_{};
};

}  // namespace quire
