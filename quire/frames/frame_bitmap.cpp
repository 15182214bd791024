#include "quire/frames/frame_bitmap.hpp"

#include <algorithm>
#include <bit>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

void FrameBitmap::attach(std::span<std::uint32_t> words, Frame end) {
    require(words.size() >= words_needed(end), "the frame bitmap was given too few words");
    std::ranges::fill(words, 0U);
    end_ = end;
    level_count_ = 0;
    std::uint32_t* next = words.data();
    std::size_t count = words_for(end.number);
    for (;;) {
        levels_[level_count_++] = next;
        if (count <= 1) return;
        next += count;
        count = words_for(count);
    }
}

void FrameBitmap::set_free(Frame frame) {
    require(frame < end_, "a frame beyond the end of memory was freed");
    std::size_t index = frame.number;
    for (std::size_t level = 0; level < level_count_; ++level) {
        std::uint32_t& word = levels_[level][index / kBitsPerWord];
        const std::uint32_t bit = 1U << (index % kBitsPerWord);
        if (level == 0) require((word & bit) == 0, "I1: a free frame was freed again");
        const bool was_empty = word == 0;
        word |= bit;
        if (!was_empty) return;  // the levels above know already
        index /= kBitsPerWord;
    }
}

void FrameBitmap::set_used(Frame frame) {
    std::size_t index = frame.number;
    for (std::size_t level = 0; level < level_count_; ++level) {
        std::uint32_t& word = levels_[level][index / kBitsPerWord];
        const std::uint32_t bit = 1U << (index % kBitsPerWord);
        if (level == 0) require((word & bit) != 0, "I1: a used frame was taken again");
        word &= ~bit;
        if (word != 0) return;
        index /= kBitsPerWord;
    }
}

std::optional<Frame> FrameBitmap::highest_free() const {
    std::size_t index = 0;
    for (std::size_t level = level_count_; level-- > 0;) {
        const std::uint32_t word = levels_[level][index];
        if (word == 0) return std::nullopt;  // only at the top: a set summary bit promises a set bit below
        index = index * kBitsPerWord + static_cast<std::size_t>(std::bit_width(word) - 1);
    }
    return Frame{static_cast<std::uint32_t>(index)};
}

/// The lowest free frame in [from, before).
std::optional<Frame> FrameBitmap::next_free(Frame from, Frame before) const {
    // Up until a level has a bit at or after the position, then down along first set bits.
    std::size_t index = from.number;
    std::size_t words = words_for(end_.number);
    for (std::size_t level = 0; level < level_count_; ++level) {
        const std::size_t word_index = index / kBitsPerWord;
        const std::uint32_t word = word_index < words ? levels_[level][word_index] >> (index % kBitsPerWord) : 0;
        if (word != 0) {
            index += static_cast<std::size_t>(std::countr_zero(word));
            while (level-- > 0) {
                index = index * kBitsPerWord + static_cast<std::size_t>(std::countr_zero(levels_[level][index]));
            }
            const Frame found{static_cast<std::uint32_t>(index)};
            return found < before ? std::optional(found) : std::nullopt;
        }
        index = word_index + 1;
        words = words_for(words);
    }
    return std::nullopt;
}

std::optional<Frame> FrameBitmap::lowest_free_run(FrameCount count, FrameCount alignment, FrameRange within) const {
    const std::size_t end = std::min(within.end, end_).number;
    std::size_t start = within.first.number;
    for (;;) {
        const auto free = next_free(Frame{static_cast<std::uint32_t>(start)}, Frame{static_cast<std::uint32_t>(end)});
        if (!free) return std::nullopt;
        start = (free->number + alignment.value - 1) & ~(alignment.value - 1);
        if (start > end || end - start < count.value) return std::nullopt;
        std::size_t length = 0;
        while (length < count.value && is_free(Frame{static_cast<std::uint32_t>(start + length)})) ++length;
        if (length == count.value) return Frame{static_cast<std::uint32_t>(start)};
        start += length + 1;
    }
}

FrameCount FrameBitmap::recount() const {
    FrameCount free{};
    std::size_t words = words_for(end_.number);
    for (std::size_t level = 0; level < level_count_; ++level) {
        for (std::size_t i = 0; i < words; ++i) {
            const std::uint32_t word = levels_[level][i];
            if (level == 0) free.value += ones_in(word);
            if (level + 1 == level_count_) continue;
            const bool summary = (levels_[level + 1][i / kBitsPerWord] >> (i % kBitsPerWord) & 1U) != 0;
            require(summary == (word != 0), "I2: a summary bit disagrees with the word below it");
        }
        words = words_for(words);
    }
    return free;
}

}  // namespace quire
