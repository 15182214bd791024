#include "quire/frames/boot_map.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <limits>
#include <set>
#include <vector>

namespace quire {
namespace {

struct Statement {
    std::uint64_t start;
    std::uint64_t bytes;
    bool usable;
};

std::set<std::uint32_t> frames_of(const BootMap& map, Frame limit) {
    std::array<FrameRange, 2 * BootMap::kCapacity> out{};
    const auto ranges = map.usable_frames(limit, out);
    EXPECT_TRUE(ranges.has_value());
    std::set<std::uint32_t> frames;
    Frame previous{0};
    for (const FrameRange& range : *ranges) {
        EXPECT_LT(range.first, range.end);
        EXPECT_GE(range.first, previous);
        previous = range.end;
        for (Frame frame = range.first; frame < range.end; frame.number++) frames.insert(frame.number);
    }
    return frames;
}

BootMap map_of(const std::vector<Statement>& statements) {
    BootMap map;
    for (const Statement& s : statements) {
        EXPECT_TRUE((s.usable ? map.add_usable({s.start}, s.bytes) : map.reserve({s.start}, s.bytes)).has_value());
    }
    return map;
}

bool covers(const Statement& s, std::uint64_t byte) {
    return byte >= s.start && byte - s.start < s.bytes;
}

TEST(BootMap, TakesWholeFramesOnly) {
    EXPECT_EQ(frames_of(map_of({{0x1800, 0x2000, true}}), Frame{16}), (std::set<std::uint32_t>{2}));
    // Two entries that meet inside a frame make it whole.
    EXPECT_EQ(frames_of(map_of({{0x1000, 0x800, true}, {0x1800, 0x800, true}}), Frame{16}),
              (std::set<std::uint32_t>{1}));
}

TEST(BootMap, EndsAtTheLimit) {
    EXPECT_EQ(frames_of(map_of({{0x1000, 0x10000, true}}), Frame{4}), (std::set<std::uint32_t>{1, 2, 3}));
    EXPECT_EQ(frames_of(map_of({{0x5000, 0x1000, true}}), Frame{4}), std::set<std::uint32_t>{});
}

TEST(BootMap, ReservedWinsWhateverTheOrder) {
    const std::set<std::uint32_t> expected{1, 4};
    EXPECT_EQ(frames_of(map_of({{0x1000, 0x4000, true}, {0x2FFF, 2, false}}), Frame{16}), expected);
    EXPECT_EQ(frames_of(map_of({{0x2FFF, 2, false}, {0x1000, 0x4000, true}}), Frame{16}), expected);
}

TEST(BootMap, SurvivesWhatFirmwareSays) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
    const BootMap map = map_of({{0, 0, true},
                                {kMost - 10, 100, true},
                                {0x5000, kMost, false},
                                {0x1'0000'0000, 0x1000'0000, true},
                                {0, 0x10'0000, true}});
    EXPECT_EQ(frames_of(map, Frame{1U << 20}), (std::set<std::uint32_t>{0, 1, 2, 3, 4}));
    EXPECT_EQ(map.end_of_memory(Frame{1U << 20}), Frame{256});  // memory above the limit does not count
    EXPECT_EQ(map_of({{0, 0x10'0000, true}}).end_of_memory(Frame{1U << 20}), Frame{256});
}

TEST(BootMap, SaysWhenItIsFull) {
    BootMap map;
    for (std::size_t i = 0; i < BootMap::kCapacity; ++i) ASSERT_TRUE(map.add_usable({i * 0x10000}, 0x1000));
    EXPECT_EQ(map.add_usable({0}, 1).error(), Error::list_full);
    EXPECT_TRUE(map.reserve({0}, 1));
    std::array<FrameRange, 3> few{};
    EXPECT_EQ(map.usable_frames(Frame{1U << 20}, few).error(), Error::list_full);
}

TEST(BootMap, AgreesWithAByteByByteModel) {
    EXPECT_TRUE(rc::check([] {
        // Quarter frames in a universe of 24 frames: small enough to look at every quarter.
        constexpr std::uint64_t kQuarter = kPageSize / 4;
        const auto statements = *rc::gen::container<std::vector<Statement>>(
            rc::gen::apply([](std::uint64_t start, std::uint64_t length,
                              bool usable) { return Statement{start * kQuarter, length * kQuarter, usable}; },
                           rc::gen::inRange<std::uint64_t>(0, 96), rc::gen::inRange<std::uint64_t>(0, 40),
                           rc::gen::arbitrary<bool>()));
        RC_PRE(statements.size() < BootMap::kCapacity);
        std::set<std::uint32_t> expected;
        for (std::uint32_t frame = 0; frame < 20; ++frame) {
            bool good = true;
            for (std::uint64_t quarter = 0; quarter < 4; ++quarter) {
                const std::uint64_t byte = frame * kPageSize + quarter * kQuarter;
                bool usable = false;
                bool reserved = false;
                for (const Statement& s : statements) (s.usable ? usable : reserved) |= covers(s, byte);
                good = good && usable && !reserved;
            }
            if (good) expected.insert(frame);
        }
        RC_ASSERT(frames_of(map_of(statements), Frame{20}) == expected);
    }));
}

}  // namespace
}  // namespace quire
