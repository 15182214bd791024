#include "quire/frames/frame_allocator.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace quire {
namespace {

struct Frames {
    explicit Frames(std::uint32_t end) : bitmap(FrameBitmap::words_needed(Frame{end})), records(end) {
        allocator.attach(bitmap, records, Frame{end});
    }
    std::vector<std::uint32_t> bitmap;
    std::vector<std::uint32_t> records;
    FrameAllocator allocator;
};

TEST(FrameAllocator, HandsOutOnlyWhatItWasGiven) {
    Frames frames(100);
    EXPECT_EQ(frames.allocator.take().error(), Error::no_frames);
    frames.allocator.manage({Frame{0}, Frame{3}});
    frames.allocator.manage({Frame{50}, Frame{51}});
    EXPECT_EQ(frames.allocator.statistics().managed.value, 3U);  // never frame 0
    EXPECT_EQ(frames.allocator.take(), Frame{50});
    EXPECT_EQ(frames.allocator.take(), Frame{2});
    EXPECT_EQ(frames.allocator.take(), Frame{1});
    EXPECT_EQ(frames.allocator.take().error(), Error::no_frames);
    frames.allocator.check_invariants();
}

TEST(FrameAllocator, LastDropFrees) {
    Frames frames(10);
    frames.allocator.manage({Frame{1}, Frame{10}});
    const Frame frame = frames.allocator.take().value();
    for (int i = 0; i < 100000; ++i) frames.allocator.share(frame);  // beyond what 16 bits hold
    EXPECT_EQ(frames.allocator.shares(frame), 100001U);
    for (int i = 0; i < 100000; ++i) frames.allocator.drop(frame);
    EXPECT_EQ(frames.allocator.shares(frame), 1U);
    EXPECT_EQ(frames.allocator.statistics().free.value, 8U);
    frames.allocator.drop(frame);
    EXPECT_EQ(frames.allocator.statistics().free.value, 9U);
    frames.allocator.check_invariants();
}

TEST(FrameAllocator, ExemptFramesAreNeverCounted) {
    Frames frames(10);
    frames.allocator.manage({Frame{5}, Frame{10}});
    for (const Frame frame : {Frame{1}, Frame{10}, Frame{0xFFFFF}}) {
        frames.allocator.share(frame);
        frames.allocator.drop(frame);
        frames.allocator.drop(frame);
        EXPECT_EQ(frames.allocator.shares(frame), FrameAllocator::kExempt);
    }
    frames.allocator.check_invariants();
}

TEST(FrameAllocator, ReservedFramesAreThereWhenTaken) {
    Frames frames(10);
    frames.allocator.manage({Frame{1}, Frame{6}});
    {
        auto promise = frames.allocator.reserve(FrameCount{4});
        ASSERT_TRUE(promise);
        EXPECT_EQ(frames.allocator.reserve(FrameCount{2}).error(), Error::no_frames);
        const Frame last = frames.allocator.take().value();
        EXPECT_EQ(frames.allocator.take().error(), Error::no_frames);
        EXPECT_EQ(frames.allocator.take_run({.count = {1}}).error(), Error::no_frames);
        const Frame mine = promise->take();
        EXPECT_NE(mine, last);
        FrameReservation moved = std::move(*promise);
        EXPECT_EQ(moved.left().value, 3U);
        frames.allocator.check_invariants();
        frames.allocator.drop(mine);
        frames.allocator.drop(last);
    }
    EXPECT_EQ(frames.allocator.statistics().reserved.value, 0U);
    EXPECT_EQ(frames.allocator.statistics().free.value, 5U);
    EXPECT_TRUE(frames.allocator.reserve(FrameCount{0}));
}

TEST(FrameAllocator, RunsKeepToTheirLimits) {
    Frames frames(8192);
    frames.allocator.manage({Frame{3}, Frame{8192}});
    EXPECT_EQ(frames.allocator.take_run({.count = {16}, .alignment = {16}, .limit = Frame{4096}}), Frame{16});
    EXPECT_EQ(frames.allocator.take_run({.count = {13}, .alignment = {1}, .limit = Frame{16}}), Frame{3});
    EXPECT_EQ(frames.allocator.take_run({.count = {1}, .limit = Frame{32}}).error(), Error::no_frames);
    EXPECT_EQ(frames.allocator.take_run({.count = {0}}).error(), Error::bad_argument);
    EXPECT_EQ(frames.allocator.take_run({.count = {1025}}).error(), Error::bad_argument);
    EXPECT_EQ(frames.allocator.take_run({.count = {1}, .alignment = {3}}).error(), Error::bad_argument);
    EXPECT_EQ(frames.allocator.take_run({.count = {1024}, .alignment = {1024}}), Frame{1024});
    frames.allocator.check_invariants();
}

TEST(FrameAllocator, AgreesWithAModel) {
    Frames frames(700);
    frames.allocator.manage({Frame{1}, Frame{300}});
    frames.allocator.manage({Frame{400}, Frame{700}});
    std::map<std::uint32_t, std::uint32_t> shares;
    std::mt19937 random(7);
    for (int step = 0; step < 50000; ++step) {
        const unsigned choice = random() % 8;
        if (choice < 3) {
            const auto frame = frames.allocator.take();
            ASSERT_EQ(frame.has_value(), shares.size() < 599);
            if (frame) ASSERT_TRUE(shares.emplace(frame->number, 1).second);
        } else if (choice == 3) {
            const std::size_t count = 1 + random() % 6;
            const auto first = frames.allocator.take_run({.count = {count}, .alignment = {2}});
            for (std::uint32_t i = 0; first && i < count; ++i) ASSERT_TRUE(shares.emplace(first->number + i, 1).second);
        } else if (!shares.empty()) {
            auto at = shares.lower_bound(random() % 700);
            if (at == shares.end()) at = shares.begin();
            if (choice == 4) {
                frames.allocator.share(Frame{at->first});
                ++at->second;
            } else {
                frames.allocator.drop(Frame{at->first});
                if (--at->second == 0) shares.erase(at);
            }
        }
        if (step % 500 == 0) frames.allocator.check_invariants();
    }
    for (const auto& [frame, count] : shares) ASSERT_EQ(frames.allocator.shares(Frame{frame}), count);
    ASSERT_EQ(frames.allocator.statistics().free.value, 599 - shares.size());
}

TEST(FrameAllocatorDeath, MisuseIsADefect) {
    Frames frames(10);
    frames.allocator.manage({Frame{1}, Frame{10}});
    const Frame frame = frames.allocator.take().value();
    frames.allocator.drop(frame);
    EXPECT_DEATH(frames.allocator.drop(frame), "I3: a free frame was dropped");
    EXPECT_DEATH(frames.allocator.share(frame), "I3: a free frame was shared");
    EXPECT_DEATH(frames.allocator.manage({Frame{4}, Frame{5}}), "given to the frame allocator twice");
    EXPECT_DEATH(
        {
            auto none = frames.allocator.reserve(FrameCount{0}).value();
            (void)none.take();
        },
        "more frames were taken than were reserved");
    frames.records[3] = 1;
    EXPECT_DEATH(frames.allocator.check_invariants(), "I3: bitmap and share count disagree");
}

}  // namespace
}  // namespace quire
