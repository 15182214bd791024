#include <gtest/gtest.h>

#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

/// A child of a test space; closed with the test.
struct Child {
    explicit Child(TestSpace& parent) : world(parent.world), space(world.paging, World::kZeroFrame, kMappingBase) {
        EXPECT_TRUE(parent.space.fork(space));
        world.add(space);
    }
    ~Child() {
        world.remove(space);
        Machine::activate(space.directory());
        space.close();
        Machine::activate(world.boot.frame);
        space.destroy();
    }
    void enter() {
        Machine::activate(space.directory());
        world.processor.on_fault([this](VirtualAddress address, Access access) -> Result<void> {
            const auto kind = space.handle_fault(address, access);
            if (!kind) return fail(kind.error());
            return {};
        });
    }
    World& world;
    Space space;
};

TEST(Fork, EachSideKeepsItsOwn) {
    World world;
    TestSpace parent(world);
    parent.enter();
    const Page page = parent.map(3).value();
    ASSERT_TRUE(parent.store(page, 1));
    ASSERT_EQ(parent.load(page + PageCount{1}), 0) << "the zero frame";
    Child child(parent);
    const std::size_t before = world.free();
    EXPECT_EQ(parent.load(page), 1);
    EXPECT_EQ(world.free(), before) << "reading copies nothing";
    // The parent's processor could write a moment ago and must have forgotten that (gotcha 23).
    ASSERT_TRUE(parent.store(page, 2));
    EXPECT_EQ(world.free(), before - 1);
    ASSERT_TRUE(parent.store(page + PageCount{1}, 3));
    child.enter();
    EXPECT_EQ(parent.load(page), 1) << "the child's processor now";
    EXPECT_EQ(parent.load(page + PageCount{1}), 0);
    ASSERT_TRUE(parent.store(page, 9));
    EXPECT_EQ(child.space.statistics().faults[static_cast<std::size_t>(FaultKind::reused)], 1U)
        << "nobody shares it any more";
    ASSERT_TRUE(parent.store(page + PageCount{2}, 8));
    parent.enter();
    EXPECT_EQ(parent.load(page), 2);
    EXPECT_EQ(parent.load(page + PageCount{2}), 0);
}

TEST(Fork, WhatIsSharedStaysShared) {
    World world;
    TestObject object(world, 2);
    object.retain();
    TestSpace parent(world);
    parent.enter();
    MapRequest request;
    request.count = PageCount{2};
    request.traits = {
        .kind = RangeKind::mapped, .rights = kReadWrite, .allowed = kAll, .shared = true, .object = &object};
    const Page page = parent.space.map(request).value();
    ASSERT_TRUE(parent.store(page, 5));
    {
        Child child(parent);
        ASSERT_TRUE(parent.store(page, 6));
        child.enter();
        EXPECT_EQ(parent.load(page), 6);
        ASSERT_TRUE(parent.store(page + PageCount{1}, 7));
    }
    parent.enter();
    EXPECT_EQ(parent.load(page + PageCount{1}), 7);
    EXPECT_FALSE(object.gone);
}

TEST(Fork, FailsWholeOrNotAtAll) {
    World world;
    TestSpace parent(world);
    parent.enter();
    const Page page = parent.map(1).value();
    ASSERT_TRUE(parent.store(page, 1));
    for (std::size_t left = 0;; ++left) {
        world.leave(left);
        Space child(world.paging, World::kZeroFrame, kMappingBase);
        const auto forked = parent.space.fork(child);
        if (forked) {
            EXPECT_EQ(left, 4U) << "directory, list table, one list page, one table";
            EXPECT_EQ(world.free(), 0U);
            Machine::activate(child.directory());
            child.close();
            Machine::activate(parent.space.directory());
            child.destroy();
            world.give_all();
            break;
        }
        EXPECT_EQ(forked.error(), Error::no_frames);
        EXPECT_EQ(world.free(), left);
        EXPECT_TRUE(Machine::slot(page).load().rights().include(Rights::write)) << "still the parent's alone";
        world.audit();
        world.give_all();
    }
    EXPECT_EQ(parent.load(page), 1);
}

TEST(Fork, ManyGenerations) {
    World world;
    TestSpace parent(world);
    parent.enter();
    const Page page = parent.map(1).value();
    ASSERT_TRUE(parent.store(page, 1));
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < 300; ++i) children.push_back(std::make_unique<Child>(parent));
    EXPECT_EQ(world.frames.shares(Machine::slot(page).load().frame()), 301U) << "more than a byte holds (gotcha 26)";
    world.audit();
    children.clear();
    parent.enter();
    ASSERT_TRUE(parent.store(page, 2));
    EXPECT_EQ(parent.load(page), 2);
}

TEST(ForkDeath, OnlyTheActiveSpaceCanBeForked) {
    World world;
    TestSpace parent(world);
    Space child(world.paging, World::kZeroFrame, kMappingBase);
    EXPECT_DEATH((void)parent.space.fork(child), "a space was forked that is not active");
}

}  // namespace
}  // namespace quire::test
