#include "quire/paging/paging.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

TEST(FlushBatch, StaleTranslationsHurtWithoutIt) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    ASSERT_TRUE(s.store(page, 1));
    // Cleared behind the library's back, without a flush: the processor goes on using what it remembers.
    const auto entry = Machine::slot(page).exchange({});
    EXPECT_EQ(s.load(page), 1);
    const Frame other = world.frames.take().value();
    Machine::zero_frame(other);
    Machine::slot(page).store(Machine::Entry::make(other, kReadWrite | Rights::user));
    EXPECT_EQ(s.load(page), 1) << "the old frame, which may be somebody else's by now";
    Machine::flush(page);
    EXPECT_EQ(s.load(page), 0);
    Machine::slot(page).store(entry);
    Machine::flush(page);
    EXPECT_EQ(s.load(page), 1);
    world.frames.drop(other);
}

TEST(FlushBatch, UnmapLeavesNothingStale) {
    World world;
    TestSpace s(world);
    s.enter();
    for (const std::size_t pages :
         {std::size_t{1}, std::size_t{31}, std::size_t{32}, std::size_t{33}, std::size_t{200}}) {
        const Page first = s.map(pages).value();
        for (std::size_t i = 0; i < pages; ++i) ASSERT_TRUE(s.store(first + PageCount{i}, 7));
        ASSERT_TRUE(s.space.unmap(range_of(first, PageCount{pages})));
        for (std::size_t i = 0; i < pages; ++i) EXPECT_EQ(s.load(first + PageCount{i}).error(), Error::not_mapped);
        ASSERT_EQ(s.map(pages).value(), first);
        for (std::size_t i = 0; i < pages; ++i) EXPECT_EQ(s.load(first + PageCount{i}), 0);
        ASSERT_TRUE(s.space.unmap(range_of(first, PageCount{pages})));
    }
}

TEST(FlushBatchDeath, MustBeFinished) {
    World world;
    const Frame frame = world.frames.take().value();
    EXPECT_DEATH(
        {
            FlushBatch batch(world.frames);
            batch.removed_table(frame);
        },
        "I6: a flush batch was dropped unfinished");
    world.frames.drop(frame);
}

TEST(Paging, KernelTablesReachEveryDirectory) {
    World world;
    TestSpace before(world);
    const Page page = world.kernel.acquire({.count = PageCount{2000}}).value();  // needs new tables
    TestSpace after(world);
    *Machine::pointer(address_of(page)) = std::byte{1};
    for (TestSpace* s : {&before, &after}) {
        s->enter();
        for (std::size_t i = 0; i < 2000; i += 100) {
            ASSERT_TRUE(Machine::has_table(page + PageCount{i}));
            EXPECT_TRUE(Machine::slot(page + PageCount{i}).load().present());
        }
        EXPECT_EQ(*Machine::pointer(address_of(page)), std::byte{1});
    }
    Machine::activate(world.boot.frame);
    world.kernel.release(page);
}

TEST(Paging, CreateLeavesNothingBehindWhenItFails) {
    World world;
    for (std::size_t left = 0; left < 2; ++left) {
        world.leave(left);
        Directory directory;
        EXPECT_EQ(world.paging.create(directory).error(), Error::no_frames);
        EXPECT_EQ(world.free(), left);
        world.give_all();
    }
}

TEST(PagingDeath, TheActiveDirectoryCannotBeDestroyed) {
    World world;
    Directory directory;
    ASSERT_TRUE(world.paging.create(directory));
    Machine::activate(directory.frame);
    EXPECT_DEATH(world.paging.destroy(directory), "I7: the active page directory was destroyed");
    Machine::activate(world.boot.frame);
    world.paging.destroy(directory);
}

TEST(KernelSpace, SpansAreAlignedGuardedAndGivenBack) {
    World world;
    const Page plain = world.kernel.acquire({.count = PageCount{3}}).value();
    const Page aligned = world.kernel.acquire({.count = PageCount{2}, .alignment = PageCount{64}}).value();
    const Page stack = world.kernel.acquire({.count = PageCount{2}, .guard = PageCount{1}}).value();
    EXPECT_EQ(aligned.number % 64, 0U);
    EXPECT_FALSE(Machine::slot(stack - PageCount{1}).load().occupied());
    EXPECT_TRUE(world.kernel.is_guard(stack - PageCount{1}));
    EXPECT_FALSE(world.kernel.is_guard(stack));
    EXPECT_EQ(world.kernel.committed().value, 7U);
    std::memset(Machine::pointer(address_of(plain)), 1, 3 * kPageSize);
    world.audit();
    for (const Page span : {plain, stack, aligned}) world.kernel.release(span);
    EXPECT_EQ(world.kernel.committed().value, 0U);
    EXPECT_EQ(world.kernel.list().nodes().used(), 1U) << "all of it is one gap again";
    EXPECT_EQ(world.kernel.acquire({.count = PageCount{0}}).error(), Error::bad_argument);
    EXPECT_EQ(world.kernel.acquire({.count = PageCount{1}, .alignment = PageCount{3}}).error(), Error::bad_argument);
    EXPECT_EQ(world.kernel.acquire({.count = PageCount{1}, .guard = PageCount{1U << 20}}).error(), Error::no_addresses);
}

TEST(KernelSpace, SurvivesEveryFailure) {
    World world;
    for (std::size_t left = 0; left < 6; ++left) {
        world.leave(left);
        const auto span = world.kernel.acquire({.count = PageCount{4}});
        world.audit();
        if (span) world.kernel.release(*span);
        world.give_all();
        if (span) return;
    }
    FAIL() << "it never succeeded";
}

TEST(KernelSpace, ShowsFramesThatAreNobodys) {
    World world;
    const Page page = world.kernel.show({Frame{0}, Frame{2}}, Rights::read).value();
    EXPECT_EQ(Machine::slot(page).load().frame(), Frame{0});
    EXPECT_FALSE(Machine::slot(page).load().rights().include(Rights::write));
    world.audit();
    world.kernel.release(page);
}

TEST(KernelSpaceDeath, OnlySpansCanBeReleased) {
    World world;
    const Page span = world.kernel.acquire({.count = PageCount{2}, .guard = PageCount{1}}).value();
    EXPECT_DEATH(world.kernel.release(span + PageCount{1}), "something that is no span was released");
    EXPECT_DEATH(world.kernel.release(span - PageCount{1}), "something that is no span was released");
    EXPECT_DEATH(world.kernel.release(Page{0x100}), "a span outside kernel space was released");
    world.kernel.release(span);
    EXPECT_DEATH(world.kernel.release(span), "something that is no span was released");
}

}  // namespace
}  // namespace quire::test
