// The hosted machine does what a machine does, unpleasant things included: without that, tests on it would prove nothing.
#include "ports/hosted/processor.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "ports/hosted/scheduler.hpp"
#include "tests/unit/support/world.hpp"

namespace quire::test {
namespace {

using hosted::Privilege;

TEST(HostedProcessor, TheKernelHeedsReadOnlyEntries) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1, Rights::read).value();
    const VirtualAddress address = address_of(page);
    EXPECT_EQ(world.processor.load(address, Privilege::kernel), 0);
    const auto refused = world.processor.store(address, 1, Privilege::kernel);
    EXPECT_EQ(refused.error(), Error::denied) << "CR0.WP";
}

TEST(HostedProcessor, OnlyTheKernelSeesKernelPages) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = world.kernel.acquire({}).value();
    const VirtualAddress address = address_of(page);
    EXPECT_TRUE(world.processor.store(address, 7, Privilege::kernel));
    EXPECT_EQ(*Machine::pointer(address), std::byte{7});
    EXPECT_EQ(world.processor.load(address).error(), Error::not_mapped) << "a program's read is a fault";
    world.kernel.release(page);
}

TEST(HostedProcessor, SetsAccessedAndDirtyBits) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    ASSERT_TRUE(s.space.handle_fault(address_of(page), Access::write));
    EXPECT_FALSE(Machine::slot(page).load().accessed());
    ASSERT_TRUE(s.load(page));
    EXPECT_TRUE(Machine::slot(page).load().accessed());
    EXPECT_FALSE(Machine::slot(page).load().dirty());
    ASSERT_TRUE(s.store(page, 1));
    EXPECT_TRUE(Machine::slot(page).load().dirty());
}

TEST(HostedProcessor, OldKernelTranslationsStayUntilTheyAreFlushed) {
    World world;
    const Page page = world.kernel.acquire({}).value();
    *Machine::pointer(address_of(page)) = std::byte{1};
    const Frame other = world.frames.take().value();
    *world.computer.ram(other) = std::byte{2};
    const auto entry = Machine::slot(page).exchange(Machine::Entry::make(other, kReadWrite));
    EXPECT_EQ(*Machine::pointer(address_of(page)), std::byte{1}) << "nobody flushed";
    Machine::flush(page);
    EXPECT_EQ(*Machine::pointer(address_of(page)), std::byte{2});
    Machine::slot(page).store(entry);
    Machine::flush(page);
    EXPECT_EQ(*Machine::pointer(address_of(page)), std::byte{1});
    world.frames.drop(other);
    world.kernel.release(page);
}

/// A second processor in the same space, without a thread of its own.
struct SecondProcessor {
    explicit SecondProcessor(TestSpace& s) : processor(s.world.computer, 1) {
        const hosted::Processor::Scope scope(processor);
        s.enter();
        processor.on_fault([&s](VirtualAddress address, Access access) -> Result<void> {
            const auto kind = s.space.handle_fault(address, access);
            if (!kind) return fail(kind.error());
            return {};
        });
    }
    hosted::Processor processor;
};

TEST(HostedProcessor, FlushesReachTheOtherProcessorsOfASpace) {
    World world;
    TestSpace s(world);
    s.enter();
    for (const std::size_t pages : {1U, 32U, 100U}) {
        SecondProcessor second(s);
        const Page first = s.map(pages).value();
        for (std::size_t i = 0; i < pages; ++i) ASSERT_TRUE(s.store(first + PageCount{i}, 5));
        for (std::size_t i = 0; i < pages; ++i) EXPECT_EQ(second.processor.load(address_of(first + PageCount{i})), 5);
        ASSERT_TRUE(s.space.protect(range_of(first, PageCount{pages}), Rights::read));
        for (std::size_t i = 0; i < pages; ++i) {
            EXPECT_EQ(second.processor.store(address_of(first + PageCount{i}), 6).error(), Error::denied);
        }
        ASSERT_TRUE(s.space.unmap(range_of(first, PageCount{pages})));
        for (std::size_t i = 0; i < pages; ++i) {
            EXPECT_EQ(second.processor.load(address_of(first + PageCount{i})).error(), Error::not_mapped);
        }
        world.audit();
    }
}

TEST(HostedProcessor, CopiesReachTheOtherProcessorsOfASpace) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    SecondProcessor second(s);
    EXPECT_EQ(second.processor.load(address_of(page)), 0) << "the zero frame";
    ASSERT_TRUE(s.store(page, 4));
    EXPECT_EQ(second.processor.load(address_of(page)), 4);
}

TEST(HostedProcessor, LeavesASpaceOnlyWhenItRemembersNothingOfIt) {
    // One leaves, the other takes a page away and uses its frame again; at no order of the two may the first still reach it (I6).
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        World world;
        TestSpace s(world);
        s.enter();
        const Page page = s.map(1).value();
        ASSERT_TRUE(s.store(page, 1));
        const Frame frame = Machine::slot(page).load().frame();
        SecondProcessor second(s);
        ASSERT_EQ(second.processor.load(address_of(page)), 1);
        hosted::Scheduler scheduler(seed, 2);
        scheduler.add([&] {
            const hosted::Processor::Scope scope(second.processor);
            Machine::activate(world.boot.frame);
        });
        scheduler.add([&] {
            const hosted::Processor::Scope scope(world.processor);
            ASSERT_TRUE(s.space.unmap(range_of(page, PageCount{1})));
            EXPECT_EQ(world.frames.shares(frame), 0U) << "its next owner would zero it";
            Machine::zero_frame(frame);
        });
        scheduler.run();
        world.audit();
    }
}

TEST(HostedProcessor, ATableGoesOnlyWhenNobodyWalksItAtOnce) {
    // One uses a page all the time, the other takes its table away and makes it somebody else's: a walk that had begun would mark an
    // entry in it, which the data-race check sees.
    World world;
    TestSpace s(world);
    s.enter();
    SecondProcessor second(s);
    second.processor.on_fault([](VirtualAddress, Access) -> Result<void> { return fail(Error::not_mapped); });
    const Page page = Machine::kUserPages.first + PageCount{16 * Machine::kPagesPerTable};
    const Frame table = world.frames.take().value();
    const Frame frame = world.frames.take().value();
    std::atomic<bool> over = false;
    std::thread user([&] {
        const hosted::Processor::Scope scope(second.processor);
        while (!over) (void)second.processor.load(address_of(page));
    });
    for (int round = 0; round < 20000; ++round) {
        Machine::zero_frame(table);
        Machine::link_table(page, table);
        Machine::slot(page).store(Machine::Entry::make(frame, kReadWrite | Rights::user));
        EXPECT_EQ(Machine::unlink_table(page), table);
        std::fill_n(world.computer.ram(table), kPageSize, std::byte{});  // zero_frame() would wait for walks itself
        Machine::flush(page);
    }
    over = true;
    user.join();
    world.frames.drop(frame);
    world.frames.drop(table);
}

TEST(HostedProcessorDeath, AFrameThatIsStillReachedIsSeen) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    ASSERT_TRUE(s.store(page, 1));
    EXPECT_DEATH(Machine::zero_frame(Machine::slot(page).load().frame()),
                 "I6: a frame was freed that a processor still reaches");
}

TEST(HostedProcessorDeath, AStaleTranslationIsSeenByTheAudit) {
    World world;
    TestSpace s(world);
    s.enter();
    const Page page = s.map(1).value();
    ASSERT_TRUE(s.store(page, 1));
    const auto entry = Machine::slot(page).exchange({});
    EXPECT_DEATH(world.processor.check_cached(), "I22: a processor remembers more than the tables say");
    Machine::slot(page).store(entry);
    world.processor.check_cached();
}

std::vector<int> order_of(std::uint64_t seed) {
    std::vector<int> order;
    hosted::Scheduler scheduler(seed, 2);
    for (int task = 0; task < 3; ++task) {
        scheduler.add([task, &order] {
            for (int i = 0; i < 20; ++i) {
                order.push_back(task);
                hosted::Scheduler::checkpoint();
            }
        });
    }
    scheduler.run();
    return order;
}

TEST(HostedScheduler, ASeedIsARun) {
    const auto first = order_of(1);
    EXPECT_EQ(first.size(), 60U);
    EXPECT_EQ(first, order_of(1));
    EXPECT_NE(first, order_of(2));
    EXPECT_FALSE(std::ranges::is_sorted(first)) << "tasks take turns";
}

TEST(HostedScheduler, LocksKeepOthersOut) {
    Machine::Lock lock;
    int inside = 0;
    int entered = 0;
    hosted::Scheduler scheduler(3, 2);
    for (int task = 0; task < 4; ++task) {
        scheduler.add([&] {
            for (int i = 0; i < 50; ++i) {
                const Guard guard(lock);
                EXPECT_EQ(++inside, 1);
                hosted::Scheduler::checkpoint();
                --inside;
                ++entered;
            }
        });
    }
    scheduler.run();
    EXPECT_EQ(entered, 200);
}

}  // namespace
}  // namespace quire::test
