// What the debug heap tells when asked: leaks by place, sampled profiles, and the numbers in them.
#include "quire/heap/debug/profile.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>

#include "tests/unit/support/debug_world.hpp"

namespace quire {
namespace {

using test::DebugWorld;
using test::KeptGroups;
using test::Place;

class KeptText final : public TextSink {
public:
    void write(std::string_view text) override { all += text; }
    std::string all;
};

TEST(Line, NumbersAndLimits) {
    EXPECT_TRUE(rc::check([](std::uint64_t value, std::uint32_t address) {
        Line line;
        line.decimal(value).text(" ").hex(std::uintptr_t{address});
        std::array<char, 64> expected{};
        std::snprintf(expected.data(), expected.size(), "%llu 0x%x", static_cast<unsigned long long>(value), address);
        RC_ASSERT(line.view() == expected.data());
    }));
    Line line;
    line.decimal(std::numeric_limits<std::uint64_t>::max()).text(" ").decimal(0);
    EXPECT_EQ(line.view(), "18446744073709551615 0");
    for (int i = 0; i < 1000; ++i) line.text("long");
    EXPECT_EQ(line.view().size(), Line::kCapacity);
    EXPECT_EQ(std::strlen(line.c_str()), Line::kCapacity);
}

TEST(Leaks, AreGroupedByPlaceLargestFirst) {
    DebugWorld w({.quarantine = 0});
    for (int i = 0; i < 3; ++i) (void)w.take(100, 16, 1);
    for (int i = 0; i < 5; ++i) (void)w.take(10, 16, 2);
    (void)w.take(1000, 16, 3);
    w.give(w.take(5000, 16, 4));
    const std::uint64_t mark = w.heap.statistics().allocations;
    (void)w.take(20, 16, 2);
    (void)w.heap.allocate(7, 16, {});

    KeptGroups groups;
    w.heap.visit_leaks(0, groups);
    ASSERT_EQ(groups.all.size(), 4U);
    const std::array<std::array<std::size_t, 3>, 4> expected{
        {{0x1003, 1, 1000}, {0x1001, 3, 300}, {0x1002, 6, 70}, {0, 1, 7}}};
    for (std::size_t i = 0; i < 4; ++i) {
        const LeakGroup& group = groups.all[i];
        EXPECT_EQ(group.site.empty() ? 0 : group.site[0], expected[i][0]);
        EXPECT_EQ(group.blocks, expected[i][1]);
        EXPECT_EQ(group.bytes, expected[i][2]);
    }
    KeptGroups since;
    w.heap.visit_leaks(mark, since);
    ASSERT_EQ(since.all.size(), 2U);
    EXPECT_EQ(since.all[0].bytes, 20U);
    for (auto* block : std::vector<void*>{}) w.give(block);
    while (!w.blocks.taken.empty()) w.give(static_cast<std::byte*>(w.blocks.taken.begin()->first) + 32);
    EXPECT_TRUE(w.findings.all.empty());
}

TEST(Leaks, AnyNumberOfPlacesIsSorted) {
    DebugWorld w({.quarantine = 0});
    std::vector<std::byte*> blocks;
    for (std::uintptr_t i = 0; i < 3000; ++i) blocks.push_back(w.take(i * 7919 % 1009, 16, i));
    KeptGroups groups;
    w.heap.visit_leaks(0, groups);
    ASSERT_EQ(groups.all.size(), 3000U);
    for (std::size_t i = 1; i < groups.all.size(); ++i) ASSERT_GE(groups.all[i - 1].bytes, groups.all[i].bytes);
    EXPECT_EQ(w.heap.statistics().call_stacks, 3000U);
    for (std::byte* block : blocks) w.give(block, 0);
}

TEST(HashTable, WorksOnWithoutMemoryToGrow) {
    constexpr std::size_t kFull = kPageSize / sizeof(void*);
    DebugWorld w({.quarantine = 0});
    std::vector<std::byte*> blocks;
    while (blocks.size() < kFull - 1) blocks.push_back(w.take(1));
    w.spans.closed = true;
    while (std::byte* const block = w.take(1)) blocks.push_back(block);
    EXPECT_GT(blocks.size(), kFull + 1) << "as long as there are records";
    w.heap.check_invariants();
    for (std::byte* block : blocks) w.give(block);
    EXPECT_TRUE(w.findings.all.empty());
}

TEST(StackTable, APrefixIsAnotherPlace) {
    DebugWorld w;
    const Place place(1);
    void* const whole = w.heap.allocate(1, 16, place);
    void* const prefix = w.heap.allocate(1, 16, CallSite(place).first(2));
    EXPECT_EQ(w.heap.statistics().call_stacks, 2U);
    w.give(whole);
    w.give(prefix);
}

TEST(StackTable, KeepsSixteenAddresses) {
    DebugWorld w;
    std::vector<std::uintptr_t> deep(40);
    for (std::size_t i = 0; i < deep.size(); ++i) deep[i] = 0x100 + i;
    void* const first = w.heap.allocate(1, 16, deep);
    deep[16] = 0;
    void* const second = w.heap.allocate(1, 16, deep);
    KeptGroups groups;
    w.heap.visit_leaks(0, groups);
    ASSERT_EQ(groups.all.size(), 1U);
    EXPECT_EQ(groups.all[0].site.size(), kCallStackDepth);
    w.give(first);
    w.give(second);
}

TEST(Sampler, DistancesAreExponential) {
    constexpr std::uint64_t kMean = 512 * 1024;
    Sampler sampler(kMean, 1);
    constexpr int kDraws = 400000;
    double sum = 0;
    double squares = 0;
    int below_half = 0;
    int above_three = 0;
    for (int i = 0; i < kDraws; ++i) {
        const auto distance = static_cast<double>(sampler.draw()) / kMean;
        sum += distance;
        squares += distance * distance;
        below_half += distance < 0.5;
        above_three += distance > 3;
    }
    EXPECT_NEAR(sum / kDraws, 1, 0.01);
    EXPECT_NEAR(squares / kDraws, 2, 0.05);
    EXPECT_NEAR(below_half / double{kDraws}, 1 - std::exp(-0.5), 0.005);
    EXPECT_NEAR(above_three / double{kDraws}, std::exp(-3), 0.002);
}

TEST(Sampler, WeightsAddUpToWhatWasAllocated) {
    for (const std::uint64_t mean : {2U, 1000U, 65536U}) {
        for (const std::size_t bytes : {1U, 24U, 1000U, 30000U, 2000000U}) {
            Sampler sampler(mean, bytes);
            std::uint64_t weight = 0;
            std::uint64_t taken = 0;
            const std::uint64_t blocks = std::max<std::uint64_t>(20000, mean * 4000 / bytes);
            for (std::uint64_t i = 0; i < blocks; ++i) {
                const std::uint64_t w = sampler.weigh(bytes);
                weight += w;
                taken += w != 0;
            }
            const double size = static_cast<double>(bytes) / static_cast<double>(mean);
            // Distances are whole bytes and at least one: for the mean of 2 that makes them half a byte too long.
            if (mean > 2)
                EXPECT_NEAR(static_cast<double>(weight) / static_cast<double>(blocks * bytes), 1, 0.06)
                    << mean << ' ' << bytes;
            if (mean > 2)
                EXPECT_NEAR(static_cast<double>(taken) / static_cast<double>(blocks) / (1 - std::exp(-size)), 1, 0.06)
                    << mean << ' ' << bytes;
        }
    }
    Sampler none(0, 1);
    Sampler every(1, 1);
    for (const std::size_t bytes : {1U, 24U, 100000U}) {
        EXPECT_EQ(none.weigh(bytes), 0U);
        EXPECT_EQ(every.weigh(bytes), bytes);
    }
    EXPECT_EQ(every.weigh(0), 1U);
    Sampler widest(std::numeric_limits<std::uint64_t>::max(), 3);
    EXPECT_EQ(widest.mean(), Sampler::kMostMean);
    EXPECT_GT(widest.draw(), 1000U);
}

TEST(Profile, CountsLiveAndEver) {
    DebugWorld w({.quarantine = 0, .sample = 1});
    std::byte* const kept = w.take(1000, 16, 1);
    std::byte* const grown = w.take(24, 16, 2);
    w.give(w.take(24, 16, 2));
    void* const unknown = w.heap.allocate(5, 16, {});
    KeptText pprof;
    write_pprof(w.heap, pprof);
    EXPECT_NE(pprof.all.find("heap profile: 3: 1029 [4: 1053] @ heap_v2/1\n"), std::string::npos) << pprof.all;
    EXPECT_NE(pprof.all.find("\n1: 1000 [1: 1000] @ 0x1001 0x2000 0x3000\n"), std::string::npos) << pprof.all;
    EXPECT_NE(pprof.all.find("\n1: 24 [2: 48] @ 0x1002 0x2000 0x3000\n"), std::string::npos) << pprof.all;
    EXPECT_TRUE(pprof.all.ends_with("\n\nMAPPED_LIBRARIES:\n"));

    KeptText folded;
    FrameNumbers numbers;
    write_folded(w.heap, ProfileOf::live, numbers, folded);
    EXPECT_NE(folded.all.find("0x3000;0x2000;0x1001 1000\n"), std::string::npos) << folded.all;
    EXPECT_NE(folded.all.find("unknown 5\n"), std::string::npos);
    KeptText ever;
    write_folded(w.heap, ProfileOf::allocated_ever, numbers, ever);
    EXPECT_NE(ever.all.find("0x3000;0x2000;0x1002 48\n"), std::string::npos) << ever.all;

    for (void* block : {static_cast<void*>(kept), static_cast<void*>(grown), unknown}) w.give(block);
    KeptText nothing;
    write_folded(w.heap, ProfileOf::live, numbers, nothing);
    EXPECT_EQ(nothing.all, "");
}

TEST(Profile, SampledBytesStandForAll) {
    DebugWorld w({.quarantine = 0, .seed = 5});
    w.heap.set_sample(4096);
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 40000; ++i) blocks.push_back(w.take(100, 16, 1));
    for (int i = 0; i < 20000; ++i) w.give(blocks[static_cast<std::size_t>(i)]);
    std::uint64_t live = 0;
    std::uint64_t total = 0;
    w.heap.for_each_stack([&](const CallStack& stack) {
        live += stack.live.weight;
        total += stack.total.weight;
    });
    EXPECT_NEAR(static_cast<double>(live), 2e6, 2e5);
    EXPECT_NEAR(static_cast<double>(total), 4e6, 3e5);
    for (int i = 20000; i < 40000; ++i) w.give(blocks[static_cast<std::size_t>(i)]);
    w.heap.for_each_stack(
        [&](const CallStack& stack) { EXPECT_EQ(stack.live.weight + stack.live.blocks + stack.live.bytes, 0U); });
}

}  // namespace
}  // namespace quire
