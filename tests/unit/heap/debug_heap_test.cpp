#include "quire/heap/debug/debug_heap.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>

#include "tests/unit/support/debug_world.hpp"

namespace quire {
namespace {

using test::DebugWorld;
using test::KeptGroups;
using test::Place;

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

bool all_are(const std::byte* at, std::size_t bytes, std::byte value) {
    for (std::size_t i = 0; i < bytes; ++i) {
        if (at[i] != value) return false;
    }
    return true;
}

/// The one finding there is; a failure if there are more or fewer.
Finding only(const DebugWorld& w) {
    EXPECT_EQ(w.findings.all.size(), 1U);
    EXPECT_EQ(w.heap.statistics().findings, w.findings.all.size());
    w.heap.check_invariants();
    return w.findings.all.empty() ? Finding{} : w.findings.all.front();
}

TEST(DebugHeap, EverySizeAndAlignment) {
    DebugWorld w;
    std::vector<void*> blocks;
    for (std::size_t bytes = 0; bytes < 5000; bytes += bytes < 100 ? 1 : 61) {
        for (std::size_t alignment = 1; alignment <= 8192; alignment *= 2) {
            std::byte* const block = w.take(bytes, alignment);
            ASSERT_NE(block, nullptr);
            ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % std::max<std::size_t>(alignment, 16), 0U);
            ASSERT_EQ(w.heap.usable_size(block, {}), bytes);
            ASSERT_TRUE(all_are(block, bytes, kFreshPoison));
            std::memset(block, 0x77, bytes);
            blocks.push_back(block);
        }
    }
    w.heap.check_invariants();
    w.heap.check_all({});
    for (void* block : blocks) w.give(block);
    EXPECT_TRUE(w.findings.all.empty());
    EXPECT_EQ(w.heap.statistics().live_bytes, 0U);
    w.heap.check_invariants();
}

TEST(DebugHeap, OddRequests) {
    DebugWorld w;
    w.give(nullptr);
    w.heap.free_sized(nullptr, 7, {});
    EXPECT_EQ(w.heap.usable_size(nullptr, {}), 0U);
    EXPECT_EQ(w.take(1, 0), nullptr);
    EXPECT_EQ(w.take(1, 24), nullptr);
    for (const std::size_t bytes : {kMost, kMost - 31, kMost - 32, kMost - 64, kMost - 4096, kMost / 2}) {
        EXPECT_EQ(w.take(bytes), nullptr);
        EXPECT_EQ(w.take(bytes, 4096), nullptr);
    }
    EXPECT_EQ(w.take(1, kMost / 2 + 1), nullptr);
    std::byte* const block = w.take(10);
    EXPECT_EQ(w.heap.reallocate(block, kMost, {}), nullptr);
    EXPECT_EQ(w.heap.usable_size(block, {}), 10U);
    auto* const zeroes = static_cast<std::byte*>(w.heap.allocate_zeroed(1000, 64, {}));
    EXPECT_TRUE(all_are(zeroes, 1000, std::byte{0}));
    auto* const fresh = static_cast<std::byte*>(w.heap.reallocate(nullptr, 9, {}));
    EXPECT_TRUE(all_are(fresh, 9, kFreshPoison));
    for (std::byte* each : {block, zeroes, fresh}) w.give(each);
    EXPECT_TRUE(w.findings.all.empty());
}

TEST(DebugHeap, OneByteBehindABlock) {
    for (std::size_t bytes = 0; bytes < 70; ++bytes) {
        DebugWorld w;
        std::byte* const block = w.take(bytes);
        block[bytes] = std::byte{0};
        w.give(block, 2);
        const Finding finding = only(w);
        EXPECT_EQ(finding.kind, FindingKind::overflow);
        EXPECT_EQ(finding.address, block + bytes);
        EXPECT_EQ(finding.bytes, bytes);
        EXPECT_EQ(finding.value, 0U);
        EXPECT_EQ(finding.allocated->site()[0], 0x1001U);
        EXPECT_EQ(finding.found->site()[0], 0x1002U);
        EXPECT_EQ(finding.freed, nullptr);
        w.heap.empty_quarantine({});
        EXPECT_EQ(w.findings.all.size(), 1U) << "each damage is reported once";
    }
}

TEST(DebugHeap, EveryByteThatTheSourceGaveIsWatched) {
    for (std::size_t bytes = 0; bytes < 40; ++bytes) {
        DebugWorld w;
        std::byte* const block = w.take(bytes);
        std::byte* const raw = block - 32;
        std::size_t seen = 0;
        for (std::size_t i = 0; i < w.blocks.usable_size(raw); ++i) {
            if (raw + i >= block && raw + i < block + bytes) continue;
            raw[i] = std::byte{0};
            w.heap.check_all({});
            ASSERT_EQ(w.findings.all.size(), ++seen);
            ASSERT_EQ(w.findings.all.back().address, raw + i);
        }
        w.give(block);
    }
}

TEST(DebugHeap, OneByteBeforeABlock) {
    for (const std::size_t alignment : {16U, 32U, 64U, 4096U}) {
        DebugWorld w;
        std::byte* const block = w.take(24, alignment);
        block[-1] = std::byte{0x41};
        std::byte* const moved = static_cast<std::byte*>(w.heap.reallocate(block, 30, Place(3)));
        const Finding finding = only(w);
        EXPECT_EQ(finding.kind, FindingKind::underflow);
        EXPECT_EQ(finding.address, block - 1);
        EXPECT_EQ(finding.found->site()[0], 0x1003U) << "reallocate looks too";
        w.give(moved);
    }
}

TEST(DebugHeap, DamageIsSeenByCheckAll) {
    DebugWorld w;
    std::byte* const block = w.take(24);
    block[24 + 31] = std::byte{0x41};
    block[-32] = std::byte{0x41};
    w.heap.check_all(Place(9));
    ASSERT_EQ(w.findings.all.size(), 2U);
    w.heap.check_all(Place(9));
    EXPECT_EQ(w.findings.all.size(), 2U);
    w.give(block);
    block[3] = std::byte{0x41};
    w.heap.check_all(Place(9));
    ASSERT_EQ(w.findings.all.size(), 3U);
    EXPECT_EQ(w.findings.all.back().kind, FindingKind::write_after_free);
    EXPECT_EQ(w.findings.all.back().found->site()[0], 0x1009U);
}

TEST(DebugHeap, DamageToAFreedBlocksZones) {
    DebugWorld w;
    std::byte* const block = w.take(24);
    w.give(block);
    block[24] = std::byte{0x41};
    w.heap.empty_quarantine({});
    const Finding finding = only(w);
    EXPECT_EQ(finding.kind, FindingKind::overflow);
    EXPECT_EQ(finding.freed->site()[0], 0x1002U);
}

TEST(DebugHeap, WriteAfterFree) {
    for (std::size_t offset = 0; offset < 100; ++offset) {
        DebugWorld w;
        std::byte* const block = w.take(100, 16, 1);
        w.give(block, 2);
        EXPECT_TRUE(all_are(block, 100, kFreePoison));
        block[offset] = std::byte{7};
        while (w.findings.all.empty()) w.give(w.take(500, 16, 4), 5);  // until it is the oldest
        const Finding finding = only(w);
        EXPECT_EQ(finding.kind, FindingKind::write_after_free);
        EXPECT_EQ(finding.address, block + offset);
        EXPECT_EQ(finding.value, 7U);
        EXPECT_EQ(finding.allocated->site()[0], 0x1001U);
        EXPECT_EQ(finding.freed->site()[0], 0x1002U);
        EXPECT_EQ(finding.found->site()[0], 0x1005U);
        EXPECT_EQ(finding.sequence, 1U);
    }
}

TEST(DebugHeap, BadPointers) {
    DebugWorld w;
    std::byte* const block = w.take(24);
    int local = 0;
    w.give(&local);
    w.give(block + 8);
    w.give(block - 1);
    w.give(block + 24);
    EXPECT_EQ(w.heap.usable_size(block + 1, {}), 0U);
    EXPECT_EQ(w.heap.reallocate(&local, 5, {}), nullptr);
    w.give(block);
    w.give(block, 3);
    w.heap.free_sized(block, 24, {});
    EXPECT_EQ(w.heap.reallocate(block, 5, {}), nullptr);
    w.give(block + 8);
    using enum FindingKind;
    std::vector<FindingKind> kinds;
    for (const Finding& finding : w.findings.all) kinds.push_back(finding.kind);
    EXPECT_EQ(kinds,
              (std::vector{foreign_pointer, interior_pointer, interior_pointer, interior_pointer, interior_pointer,
                           foreign_pointer, double_free, double_free, double_free, interior_pointer}));
    EXPECT_EQ(w.findings.all[6].freed->site()[0], 0x1002U);
    EXPECT_EQ(w.findings.all[6].found->site()[0], 0x1003U);
    w.heap.check_invariants();
    w.heap.empty_quarantine({});
    w.findings.all.clear();
    w.give(block);
    EXPECT_EQ(w.findings.all.at(0).kind, foreign_pointer) << "forgotten";
}

TEST(DebugHeap, WrongSize) {
    for (const std::size_t said : {0U, 23U, 25U, 32U}) {
        DebugWorld w;
        w.heap.free_sized(w.take(5), 5, {});
        w.heap.free_sized(w.take(24), said, Place(2));
        const Finding finding = only(w);
        EXPECT_EQ(finding.kind, FindingKind::size_mismatch);
        EXPECT_EQ(finding.said, said);
        EXPECT_EQ(w.heap.statistics().live_blocks, 0U) << "it is freed all the same";
    }
}

TEST(DebugHeap, LinesSayWhatAndWhere) {
    DebugWorld w;
    std::byte* const block = w.take(24);
    block[24] = std::byte{0};
    w.give(block);
    w.heap.free_sized(w.take(7), 9, {});
    Line address;
    address.hex(block);
    EXPECT_EQ(w.findings.lines[0], "write past the end: block " + std::string(address.view()) +
                                       " of 24 bytes, byte +24 is now 0x0 (allocation 1); allocated at 0x1001 0x2000 "
                                       "0x3000; found at 0x1002 0x2000 0x3000");
    EXPECT_NE(w.findings.lines[1].find("freed with a wrong size"), std::string::npos);
    EXPECT_NE(w.findings.lines[1].find("of 7 bytes, not 9"), std::string::npos);
}

TEST(DebugHeapDeath, AFindingStopsUnlessSomebodySaysOtherwise) {
    test::Calls calls;
    test::DoubleBlocks blocks(calls);
    test::DoubleSpans spans(calls);
    StopOnFinding sink;
    DebugHeap heap(blocks, spans, sink);
    void* const block = heap.allocate(24, 16, Place(1));
    EXPECT_DEATH(heap.free(static_cast<std::byte*>(block) + 4, Place(2)), "heap: pointer into the middle of a block");
    heap.free(block, Place(2));
    EXPECT_DEATH(heap.free(block, Place(3)), "freed twice: .*allocated at 0x1001.*freed at 0x1002.*found at 0x1003");
}

TEST(DebugHeap, QuarantineIsBoundedAndFirstInFirstOut) {
    DebugWorld w({.quarantine = 1000});
    std::vector<std::byte*> blocks;
    for (int i = 0; i < 50; ++i) blocks.push_back(w.take(100));
    for (std::size_t i = 0; i < 50; ++i) {
        w.give(blocks[i]);
        ASSERT_LE(w.heap.statistics().quarantine_bytes, 1000U);
        w.heap.check_invariants();
    }
    const std::size_t kept = w.heap.statistics().quarantine_blocks;
    EXPECT_EQ(kept, 1000U / 176U);  // 32 before, 100, 44 behind
    EXPECT_EQ(w.blocks.taken.size(), kept);
    for (std::size_t i = 50 - kept; i < 50; ++i)
        EXPECT_TRUE(w.blocks.taken.contains(blocks[i] - 32)) << "the latest stay";
    w.give(w.take(5000));
    EXPECT_EQ(w.heap.statistics().quarantine_blocks, kept) << "what is larger than the quarantine passes by";
    w.heap.set_quarantine(200, {});
    EXPECT_EQ(w.heap.statistics().quarantine_blocks, 1U);
    w.heap.set_quarantine(0, {});
    EXPECT_TRUE(w.blocks.taken.empty());
    EXPECT_TRUE(w.findings.all.empty());
}

TEST(DebugHeap, LargeBlocksAreNotTouched) {
    DebugWorld w({.quarantine = 1 << 20, .largest_poisoned = 1000});
    std::byte* const block = w.take(1001);
    EXPECT_TRUE(all_are(block, 1001, std::byte{0xEE}));
    w.give(block);
    EXPECT_TRUE(all_are(block, 1001, std::byte{0xEE}));
    w.heap.empty_quarantine({});
    EXPECT_TRUE(w.findings.all.empty());
}

TEST(DebugHeap, ReallocationKeepsWhatBothReach) {
    DebugWorld w;
    std::byte* block = w.take(100);
    std::memset(block, 0x33, 100);
    for (const std::size_t bytes : {50U, 200U, 1U, 4000U}) {
        const std::size_t before = w.heap.usable_size(block, {});
        auto* const moved = static_cast<std::byte*>(w.heap.reallocate(block, bytes, {}));
        ASSERT_NE(moved, block);
        ASSERT_TRUE(all_are(moved, std::min(before, bytes), std::byte{0x33}));
        if (bytes > before) ASSERT_TRUE(all_are(moved + before, bytes - before, kFreshPoison));
        std::memset(moved, 0x33, bytes);
        block = moved;
    }
    w.give(block);
}

/// Random operations against a map: bytes intact, counts right, no finding.
TEST(DebugHeap, AgreesWithAModel) {
    EXPECT_TRUE(rc::check([] {
        DebugWorld w({.quarantine = 3000, .largest_poisoned = 500});
        std::vector<std::pair<std::byte*, std::size_t>> model;
        const auto steps = *rc::gen::container<std::vector<std::tuple<unsigned, unsigned, unsigned>>>(
            rc::gen::tuple(rc::gen::inRange(0U, 6U), rc::gen::inRange(0U, 900U), rc::gen::inRange(0U, 1000U)));
        std::size_t bytes_live = 0;
        const auto enter = [&](std::byte* block, std::size_t bytes) {
            std::memset(block, static_cast<int>(bytes & 0xFFU), bytes);
            model.emplace_back(block, bytes);
            bytes_live += bytes;
        };
        const auto leave = [&](unsigned which) {
            const auto chosen = model.begin() + which % model.size();
            const auto [block, bytes] = *chosen;
            model.erase(chosen);
            bytes_live -= bytes;
            RC_ASSERT(all_are(block, bytes, static_cast<std::byte>(bytes)));
            return std::pair(block, bytes);
        };
        for (const auto& [verb, size, which] : steps) {
            if (verb < 2 || model.empty()) {
                enter(w.take(size, std::size_t{1} << which % 9, which % 5), size);
            } else if (verb == 2) {
                auto* const block = static_cast<std::byte*>(w.heap.allocate_zeroed(size, 16, Place(which % 5)));
                RC_ASSERT(all_are(block, size, std::byte{0}));
                enter(block, size);
            } else if (verb == 3) {
                const auto [old, bytes] = leave(which);
                auto* const block = static_cast<std::byte*>(w.heap.reallocate(old, size, Place(which % 5)));
                RC_ASSERT(all_are(block, std::min<std::size_t>(bytes, size), static_cast<std::byte>(bytes)));
                enter(block, size);
            } else if (verb == 4) {
                w.give(leave(which).first);
            } else {
                const auto [block, bytes] = leave(which);
                w.heap.free_sized(block, bytes, Place(7));
            }
            w.heap.check_invariants();
            RC_ASSERT(w.heap.statistics().live_blocks == model.size());
            RC_ASSERT(w.heap.statistics().live_bytes == bytes_live);
        }
        KeptGroups groups;
        w.heap.visit_leaks(0, groups);
        std::size_t grouped = 0;
        for (const LeakGroup& group : groups.all) grouped += group.bytes;
        RC_ASSERT(grouped == bytes_live);
        while (!model.empty()) w.give(leave(0).first);
        w.heap.check_all({});
        RC_ASSERT(w.findings.all.empty());
    }));
}

/// Every call of either source fails once: the request fails, or is served all the same, and nothing is lost.
TEST(DebugHeap, SurvivesEveryFailureOfItsSources) {
    for (std::size_t position = 1;; ++position) {
        DebugWorld w({.quarantine = 2000, .sample = 1});
        w.calls.fail_at = position;
        std::vector<std::byte*> blocks;
        for (unsigned i = 0; i < 1200; ++i) {
            const std::size_t live = w.heap.statistics().live_blocks;
            std::byte* block =
                i % 7 == 0 ? static_cast<std::byte*>(w.heap.allocate_zeroed(40, 16, Place(i))) : w.take(i % 100, 16, i);
            if (block != nullptr && i % 5 == 0) {
                std::memset(block, 0x21, w.heap.usable_size(block, {}));
                void* const moved = w.heap.reallocate(block, 60, Place(i));
                if (moved != nullptr) block = static_cast<std::byte*>(moved);
            }
            ASSERT_EQ(w.heap.statistics().live_blocks, live + (block != nullptr ? 1 : 0));
            if (block != nullptr) blocks.push_back(block);
            if (i % 3 == 0 && !blocks.empty()) {
                w.give(blocks.back(), i);
                blocks.pop_back();
            }
        }
        w.heap.check_invariants();
        w.heap.check_all({});
        for (std::byte* block : blocks) w.give(block);
        ASSERT_TRUE(w.findings.all.empty());
        ASSERT_EQ(w.heap.statistics().live_blocks, 0U);
        if (w.calls.made < position) break;
        position += position / 12;
    }
}

TEST(DebugHeap, EmptiesTheQuarantineBeforeItFails) {
    DebugWorld w({.quarantine = 1 << 20});
    for (int i = 0; i < 10; ++i) w.give(w.take(1000));
    EXPECT_EQ(w.heap.statistics().quarantine_blocks, 10U);
    w.calls.fail_at = w.calls.made + 1;
    std::byte* const block = w.take(100);
    EXPECT_NE(block, nullptr);
    EXPECT_EQ(w.heap.statistics().quarantine_blocks, 0U);
    w.give(block);
    const PageCount own = w.heap.statistics().own_pages;
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(w.take(w.blocks.most), nullptr);
    EXPECT_EQ(w.heap.statistics().own_pages, own) << "a failure keeps no record";
}

}  // namespace
}  // namespace quire
