#include "quire/frames/frame_bitmap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace quire {
namespace {

struct Bitmap {
    explicit Bitmap(std::uint32_t end) : words(FrameBitmap::words_needed(Frame{end}), 0xFFFFFFFFU) {
        bits.attach(words, Frame{end});
    }
    std::vector<std::uint32_t> words;
    FrameBitmap bits;
};

/// What lowest_free_run should find, looked up the slow way.
std::optional<Frame> slow_run(const std::set<std::uint32_t>& free, std::size_t count, std::size_t alignment,
                              FrameRange within) {
    for (std::uint32_t start = within.first.number; start + count <= within.end.number; ++start) {
        if (start % alignment != 0) continue;
        std::size_t length = 0;
        while (length < count && free.contains(start + static_cast<std::uint32_t>(length))) ++length;
        if (length == count) return Frame{start};
    }
    return std::nullopt;
}

TEST(FrameBitmap, StartsWithNothingFree) {
    const Bitmap bitmap(1U << 20);
    EXPECT_EQ(bitmap.words.size(), 32768U + 1024 + 32 + 1);
    EXPECT_FALSE(bitmap.bits.highest_free());
    EXPECT_EQ(bitmap.bits.recount().value, 0U);
}

TEST(FrameBitmap, EverySizeFindsItsFirstAndLastFrame) {
    for (std::uint32_t end = 1; end < 1100; ++end) {
        Bitmap bitmap(end);
        bitmap.bits.set_free(Frame{0});
        EXPECT_EQ(bitmap.bits.highest_free(), Frame{0});
        if (end > 1) bitmap.bits.set_free(Frame{end - 1});
        EXPECT_EQ(bitmap.bits.highest_free(), Frame{end - 1});
        bitmap.bits.set_used(Frame{end - 1});
        EXPECT_EQ(bitmap.bits.highest_free().has_value(), end > 1);
        (void)bitmap.bits.recount();
    }
}

TEST(FrameBitmap, AgreesWithASetOfNumbers) {
    for (const std::uint32_t end : {31U, 32U, 33U, 1023U, 1024U, 1025U, 40000U}) {
        Bitmap bitmap(end);
        std::set<std::uint32_t> free;
        std::mt19937 random(end);
        for (int step = 0; step < 4000; ++step) {
            const std::uint32_t frame = random() % end;
            if (free.erase(frame) != 0) {
                bitmap.bits.set_used(Frame{frame});
            } else {
                bitmap.bits.set_free(Frame{frame});
                free.insert(frame);
            }
            ASSERT_EQ(bitmap.bits.is_free(Frame{frame}), free.contains(frame));
            ASSERT_EQ(bitmap.bits.highest_free(), free.empty() ? std::nullopt : std::optional(Frame{*free.rbegin()}));
            if (step % 16 != 0) continue;
            ASSERT_EQ(bitmap.bits.recount().value, free.size());
            const std::size_t count = 1 + random() % 5;
            const std::size_t alignment = std::size_t{1} << random() % 4;
            const std::uint32_t first = random() % end;
            const FrameRange within{Frame{first},
                                    Frame{std::min(end, first + static_cast<std::uint32_t>(random() % 2000))}};
            ASSERT_EQ(bitmap.bits.lowest_free_run(FrameCount{count}, FrameCount{alignment}, within),
                      slow_run(free, count, alignment, within));
        }
    }
}

TEST(FrameBitmap, FindsRunsUpToTheEnd) {
    Bitmap bitmap(2048);
    for (std::uint32_t frame = 1024; frame < 2048; ++frame) bitmap.bits.set_free(Frame{frame});
    EXPECT_EQ(bitmap.bits.lowest_free_run(FrameCount{1024}, FrameCount{1024}, {Frame{0}, Frame{2048}}), Frame{1024});
    EXPECT_FALSE(bitmap.bits.lowest_free_run(FrameCount{1025}, FrameCount{1}, {Frame{0}, Frame{4096}}));
    EXPECT_FALSE(bitmap.bits.lowest_free_run(FrameCount{1}, FrameCount{1}, {Frame{0}, Frame{1024}}));
}

TEST(FrameBitmapDeath, DoubleFreeAndDoubleUseAreDefects) {
    Bitmap bitmap(64);
    bitmap.bits.set_free(Frame{5});
    EXPECT_DEATH(bitmap.bits.set_free(Frame{5}), "I1: a free frame was freed again");
    EXPECT_DEATH(bitmap.bits.set_used(Frame{6}), "I1: a used frame was taken again");
    EXPECT_DEATH(bitmap.bits.set_free(Frame{64}), "beyond the end of memory");
    bitmap.words.back() = 0;
    EXPECT_DEATH((void)bitmap.bits.recount(), "I2: a summary bit disagrees");
}

}  // namespace
}  // namespace quire
