#include "quire/space/space.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

TEST(Space, NothingIsMappedUntilTouched) {
    World world;
    TestSpace s(world);
    s.enter();
    const std::size_t before = world.free();
    const Page page = s.map(1000).value();
    EXPECT_EQ(page, kMappingBase);
    EXPECT_EQ(world.free(), before);
    EXPECT_EQ(s.store(page, 7), Result<void>{});
    EXPECT_EQ(world.free(), before - 2);  // the frame and its table
    EXPECT_EQ(s.load(page), 7);
    EXPECT_EQ(s.load(page, 1), 0);  // zeroed
}

TEST(Space, ReadsOfUntouchedPagesCostNoFrame) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(100).value();
    EXPECT_EQ(s.load(page), 0);
    const std::size_t before = world.free();
    for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(s.load(page + PageCount{i}), 0);
    EXPECT_EQ(world.free(), before);
    EXPECT_EQ(s.store(page, 1), Result<void>{});
    EXPECT_EQ(world.free(), before - 1);
    EXPECT_EQ(s.load(page + PageCount{1}), 0);
}

TEST(Space, AFaultThatWasAnsweredAlreadyChangesNothing) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    EXPECT_EQ(s.store(page, 7), Result<void>{});
    const std::size_t before = world.free();
    for (const Access access : {Access::read, Access::write})
        EXPECT_EQ(s.space.handle_fault(address_of(page), access), Result<FaultKind>{FaultKind::spurious});
    EXPECT_EQ(world.free(), before);
    EXPECT_EQ(s.load(page), 7);
}

TEST(Space, WhatNobodyAllocatedIsNeverMapped) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1, Rights::read).value();
    EXPECT_EQ(s.load(Page{0}).error(), Error::not_mapped);
    EXPECT_EQ(s.load(Page{0x50000}).error(), Error::not_mapped);
    EXPECT_EQ(s.load(Page{0xC0000}).error(), Error::not_mapped);
    EXPECT_EQ(s.load(page + PageCount{1}).error(), Error::not_mapped);
    EXPECT_EQ(s.store(page, 1).error(), Error::denied);
    EXPECT_EQ(s.load(page), 0);
    EXPECT_EQ(s.store(page, 1).error(), Error::denied);
}

TEST(Space, SpacesAtTheSameAddressesAreStrangers) {
    World world;
    TestSpace a(world);
    TestSpace b(world);
    a.enter();
    const Page page = a.map(4).value();
    ASSERT_TRUE(a.store(page, 1));
    b.enter();
    ASSERT_EQ(b.map(4).value(), page);
    EXPECT_EQ(b.load(page), 0);
    ASSERT_TRUE(b.store(page, 2));
    a.enter();
    EXPECT_EQ(a.load(page), 1);
    b.enter();
    EXPECT_EQ(b.load(page), 2);
}

TEST(Space, PlacementsDoWhatTheySay) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page here{0x20000};
    EXPECT_EQ(s.map(4, kReadWrite, Placement::preferred, here), here);
    EXPECT_EQ(s.map(4, kReadWrite, Placement::preferred, here + PageCount{3}), kMappingBase);
    EXPECT_EQ(s.map(4, kReadWrite, Placement::fixed_if_free, here + PageCount{3}).error(), Error::already_mapped);
    ASSERT_TRUE(s.store(here, 9));
    EXPECT_EQ(s.map(2, kReadWrite, Placement::fixed, here), here);
    EXPECT_EQ(s.load(here), 0);  // replaced, not kept
    EXPECT_EQ(s.map(1, kReadWrite, Placement::fixed, Page{0xF}).error(), Error::bad_argument);
    EXPECT_EQ(s.map(1, kReadWrite, Placement::fixed, Page{0xC0000}).error(), Error::bad_argument);
    EXPECT_EQ(s.map(2, kReadWrite, Placement::fixed, Page{0xBFFFF}).error(), Error::bad_argument);
    EXPECT_EQ(s.map(0).error(), Error::no_addresses);
    EXPECT_EQ(s.map(0xC0000).error(), Error::no_addresses);
    EXPECT_EQ(s.map(~std::size_t{0}).error(), Error::no_addresses);
    // Below the mapping base when there is no room above.
    const auto above = s.map(0x7FF00);
    ASSERT_TRUE(above);
    EXPECT_LT(s.map(0x1000).value(), kMappingBase);
}

TEST(Space, TablesComeAndGo) {
    World world;
    TestSpace s(world);
    s.enter();
    const std::size_t before = world.free();
    const Page first = s.map(3000).value();
    for (std::size_t i = 0; i < 3000; i += 500) ASSERT_TRUE(s.store(first + PageCount{i}, 1));
    ASSERT_TRUE(s.space.unmap(range_of(first, PageCount{3000})));
    EXPECT_EQ(world.free(), before);
    // A table stays while any region lies above it.
    const Page a = s.map(1, kReadWrite, Placement::fixed, Page{0x10}).value();
    const Page b = s.map(1, kReadWrite, Placement::fixed, Page{0x3FF}).value();
    ASSERT_TRUE(s.store(a, 1));
    ASSERT_TRUE(s.space.unmap(range_of(a, PageCount{1})));
    EXPECT_EQ(world.free(), before - 1);
    EXPECT_EQ(s.load(b), 0);
    ASSERT_TRUE(s.space.unmap(range_of(b, PageCount{1})));
    EXPECT_EQ(world.free(), before);
}

TEST(Space, ProtectChangesRightsAndKeepsContents) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(8).value();
    for (std::size_t i = 0; i < 8; ++i) ASSERT_TRUE(s.store(page + PageCount{i}, static_cast<std::uint8_t>(i + 1)));
    ASSERT_TRUE(s.space.protect({page + PageCount{2}, page + PageCount{5}}, Rights::read));
    EXPECT_EQ(s.store(page + PageCount{2}, 0).error(), Error::denied);
    EXPECT_EQ(s.load(page + PageCount{2}), 3);
    EXPECT_TRUE(s.store(page + PageCount{5}, 6));
    ASSERT_TRUE(s.space.protect({page + PageCount{2}, page + PageCount{5}}, Rights::none));
    EXPECT_EQ(s.load(page + PageCount{2}).error(), Error::denied);
    ASSERT_TRUE(s.space.protect({page, page + PageCount{8}}, kReadWrite));
    const std::uint64_t faults = world.processor.faults();
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(s.load(page + PageCount{i}), i + 1);
    ASSERT_TRUE(s.store(page + PageCount{3}, 99));
    EXPECT_EQ(world.processor.faults(), faults) << "a page that is ours alone is writable at once";
    EXPECT_EQ(s.space.list().nodes().used(), 3U) << "equal neighbours are one region again";
    EXPECT_EQ(s.space.protect({page, page + PageCount{9}}, Rights::read).error(), Error::not_mapped);
    EXPECT_EQ(s.space.protect({page, page}, Rights::read).error(), Error::bad_argument);
    EXPECT_TRUE(s.store(page, 1));
}

TEST(Space, ProtectGrantsNoMoreThanIsAllowed) {
    World world;
    TestSpace s(world);
    s.enter();
    TestObject object(world, 1);
    MapRequest request{.count = PageCount{1},
                       .traits = {.kind = RangeKind::mapped,
                                  .rights = Rights::read,
                                  .allowed = Rights::read,
                                  .shared = true,
                                  .object = &object}};
    const Page page = s.space.map(request).value();
    EXPECT_EQ(s.space.protect(range_of(page, PageCount{1}), kReadWrite).error(), Error::denied);
    request.traits.rights = kReadWrite;
    EXPECT_EQ(s.space.map(request).error(), Error::denied);
    request.traits.object = nullptr;
    request.traits.allowed = kAll;
    EXPECT_EQ(s.space.map(request).error(), Error::bad_argument) << "shared with nobody";
    ASSERT_TRUE(s.space.unmap(range_of(page, PageCount{1})));
}

TEST(Space, PrivateMappingsOfAnObjectAreCopiedOnWrite) {
    World world;
    TestSpace s(world);
    TestSpace t(world);
    TestObject object(world, 3);
    const MapRequest request{
        .count = PageCount{4},
        .traits = {.kind = RangeKind::mapped, .rights = kReadWrite, .allowed = kAll, .object = &object},
        .object_page = 1};
    s.enter();
    const Page page = s.space.map(request).value();
    EXPECT_EQ(s.load(page), 1);
    EXPECT_EQ(s.load(page + PageCount{1}), 2);
    EXPECT_EQ(s.load(page + PageCount{2}).error(), Error::beyond_end);
    ASSERT_TRUE(s.store(page, 50));                    // after a read
    ASSERT_TRUE(s.store(page + PageCount{1}, 60, 9));  // and of a page read before
    EXPECT_EQ(s.load(page), 50);
    EXPECT_EQ(s.load(page, 1), 1);
    EXPECT_EQ(s.load(page + PageCount{1}, 9), 60);
    t.enter();
    ASSERT_EQ(t.space.map(request).value(), page);
    ASSERT_TRUE(t.store(page, 70));  // without a read before
    EXPECT_EQ(t.load(page, 5), 1);
    EXPECT_EQ(std::to_integer<int>(*world.computer.ram(object.pages[1])), 1) << "the object itself is as it was";
    world.audit();
    ASSERT_TRUE(t.space.discard(range_of(page, PageCount{1})));
    EXPECT_EQ(t.load(page), 1);
    ASSERT_TRUE(t.space.unmap(range_of(page, PageCount{4})));
    s.enter();
    EXPECT_EQ(s.load(page), 50);
    ASSERT_TRUE(s.space.unmap(range_of(page, PageCount{4})));
    EXPECT_TRUE(object.gone);
}

TEST(Space, SharedMappingsOfAnObjectShowEachOther) {
    World world;
    TestSpace s(world);
    TestSpace t(world);
    TestObject object(world, 1);
    const MapRequest request{
        .count = PageCount{1},
        .traits = {
            .kind = RangeKind::mapped, .rights = kReadWrite, .allowed = kAll, .shared = true, .object = &object}};
    s.enter();
    const Page page = s.space.map(request).value();
    t.enter();
    ASSERT_TRUE(t.space.map(request));
    EXPECT_EQ(t.load(page, 8), 0);
    s.enter();
    ASSERT_TRUE(s.store(page, 42, 8));
    t.enter();
    EXPECT_EQ(t.load(page, 8), 42);
    world.audit();
    ASSERT_TRUE(t.space.unmap(range_of(page, PageCount{1})));
    s.enter();
    ASSERT_TRUE(s.space.unmap(range_of(page, PageCount{1})));
}

TEST(Space, TheBreakMoves) {
    World world;
    TestSpace s(world);
    s.enter();
    const VirtualAddress start = address_of(Page{0x9000});
    s.space.start_break(start);
    EXPECT_TRUE(s.space.set_break({start.value + 10}));
    ASSERT_TRUE(s.store(Page{0x9000}, 5));
    EXPECT_EQ(s.store(Page{0x9001}, 5).error(), Error::not_mapped);
    EXPECT_TRUE(s.space.set_break({start.value + 3 * kPageSize}));
    EXPECT_EQ(s.load(Page{0x9000}), 5);
    EXPECT_EQ(s.space.set_break({start.value - 1}).error(), Error::bad_argument);
    ASSERT_TRUE(s.map(1, kReadWrite, Placement::fixed, Page{0x9004}));
    EXPECT_TRUE(s.space.set_break({start.value + 4 * kPageSize}));
    EXPECT_EQ(s.space.set_break({start.value + 4 * kPageSize + 1}).error(), Error::no_addresses);
    EXPECT_EQ(s.space.current_break().value, start.value + 4 * kPageSize);
    EXPECT_EQ(s.space.statistics().heap.value, 4U + 1U);
    EXPECT_TRUE(s.space.set_break(start));
    EXPECT_EQ(s.load(Page{0x9000}).error(), Error::not_mapped);
    EXPECT_TRUE(s.space.set_break({start.value + 1}));
    EXPECT_EQ(s.load(Page{0x9000}), 0) << "what was given back comes again as zeroes";
}

/// Every verb, with memory for exactly n frames left, for every n until it succeeds: the error comes out, nothing has
/// changed,
/// nothing is lost, and a retry works.
void fail_at_every_frame(const std::function<void(TestSpace&)>& prepare, const std::function<bool(TestSpace&)>& act) {
    for (std::size_t left = 0; left < 8; ++left) {
        World world;
        TestSpace s(world);
        s.enter();
        prepare(s);
        const std::size_t allocated = s.space.statistics().allocated.value;
        world.leave(left);
        const bool worked = act(s);
        world.audit();
        if (!worked) {
            EXPECT_EQ(s.space.statistics().allocated.value, allocated);
            EXPECT_EQ(world.free(), left) << "a failed verb must give everything back";
        }
        world.give_all();
        s.enter();
        if (worked) return;
        EXPECT_TRUE(act(s));
    }
    FAIL() << "it never succeeded";
}

TEST(Space, EveryVerbSurvivesEveryFailure) {
    const auto fill_nodes = [](TestSpace& s) {
        // Until the next split needs another page of nodes.
        for (std::size_t i = 0; s.space.list().nodes().free() >= 2; ++i)
            ASSERT_TRUE(s.map(1, i % 2 == 0 ? Rights::read : kReadWrite));
    };
    fail_at_every_frame([](TestSpace& s) { ASSERT_TRUE(s.map(4)); },
                        [](TestSpace& s) { return s.store(kMappingBase, 1).has_value(); });
    fail_at_every_frame([](TestSpace& s) { ASSERT_TRUE(s.map(4)); },
                        [](TestSpace& s) { return s.load(kMappingBase).has_value(); });
    fail_at_every_frame(fill_nodes, [](TestSpace& s) {
        return s.map(1, Rights::read | Rights::execute, Placement::fixed, Page{0x90000}).has_value();
    });
    fail_at_every_frame(
        [&](TestSpace& s) {
            ASSERT_TRUE(s.map(9, kReadWrite, Placement::fixed, Page{0x90000}));
            fill_nodes(s);
        },
        [](TestSpace& s) { return s.space.protect({Page{0x90003}, Page{0x90004}}, Rights::read).has_value(); });
}

TEST(Space, CopyOnWriteSurvivesRunningOut) {
    World world;
    TestSpace s(world);
    s.enter();
    TestObject object(world, 1);
    const Page page =
        s.space
            .map({.count = PageCount{1},
                  .traits = {.kind = RangeKind::mapped, .rights = kReadWrite, .allowed = kAll, .object = &object}})
            .value();
    EXPECT_EQ(s.load(page), 0);
    const std::size_t mine = world.taken.size();
    while (world.free() != 0) world.taken.push_back(world.frames.take().value());
    EXPECT_EQ(s.store(page, 1).error(), Error::no_frames);
    EXPECT_EQ(s.load(page), 0);
    while (world.taken.size() > mine) {
        world.frames.drop(world.taken.back());
        world.taken.pop_back();
    }
    EXPECT_TRUE(s.store(page, 1));
    EXPECT_EQ(s.load(page), 1);
    ASSERT_TRUE(s.space.unmap(range_of(page, PageCount{1})));
}

/// A byte for every page of a small universe, and what may be done with it.
struct Shadow {
    static constexpr std::size_t kPages = 300;
    struct PageState {
        bool allocated = false;
        Rights rights;
        std::uint8_t byte = 0;
    };
    std::array<PageState, kPages> pages{};
};

TEST(Space, AgreesWithAShadowOfEveryPage) {
    World world(8192);
    std::vector<std::unique_ptr<TestSpace>> spaces;
    std::array<Shadow, 3> shadows{};
    for (int i = 0; i < 3; ++i) spaces.push_back(std::make_unique<TestSpace>(world));
    std::mt19937 random(11);
    const Page base{0x3FF};  // so that the universe straddles a table
    for (int step = 0; step < 40000; ++step) {
        const std::size_t which = random() % 3;
        TestSpace& s = spaces[which]->enter();
        Shadow& shadow = shadows[which];
        const std::size_t first = random() % Shadow::kPages;
        const std::size_t count = 1 + random() % std::min<std::size_t>(Shadow::kPages - first, 12);
        const PageRange range{base + PageCount{first}, base + PageCount{first + count}};
        const auto part = std::span(shadow.pages).subspan(first, count);
        const Rights rights = random() % 3 == 0 ? Rights::read : random() % 5 == 0 ? Rights::none : kReadWrite;
        switch (random() % 8) {
            case 0:
                ASSERT_TRUE(s.map(count, rights, Placement::fixed, range.first));
                for (auto& page : part) page = {true, rights, 0};
                break;
            case 1:
                ASSERT_TRUE(s.space.unmap(range));
                for (auto& page : part) page = {};
                break;
            case 2: {
                const bool whole = std::ranges::all_of(part, [](const auto& page) { return page.allocated; });
                ASSERT_EQ(s.space.protect(range, rights).has_value(), whole);
                if (whole)
                    for (auto& page : part) page.rights = rights;
                break;
            }
            case 3: {
                const bool whole = std::ranges::all_of(part, [](const auto& page) { return page.allocated; });
                ASSERT_EQ(s.space.discard(range).has_value(), whole);
                if (whole)
                    for (auto& page : part) page.byte = 0;
                break;
            }
            default: {
                auto& page = shadow.pages[first];
                const auto value = static_cast<std::uint8_t>(random());
                if (random() % 2 == 0) {
                    const auto got = s.load(range.first, 77);
                    ASSERT_EQ(got.has_value(), page.allocated && page.rights.include(Rights::read));
                    if (got)
                        ASSERT_EQ(*got, page.byte);
                    else
                        ASSERT_EQ(got.error(), page.allocated ? Error::denied : Error::not_mapped);
                } else {
                    const auto stored = s.store(range.first, value, 77);
                    ASSERT_EQ(stored.has_value(), page.allocated && page.rights.include(Rights::write));
                    if (stored) page.byte = value;
                }
            }
        }
        if (step % 1000 == 0) world.audit();
    }
}

}  // namespace
}  // namespace quire::test
