#include "tests/unit/support/world.hpp"

#include <algorithm>
#include <cstring>

namespace quire::test {

World::World(std::uint32_t end)
    : computer(Frame{end}),
      processor(computer, 0),
      scope(processor),
      bitmap(FrameBitmap::words_needed(Frame{end})),
      records(end),
      paging(frames),
      kernel(paging, Machine::kKernelNodes, Machine::kKernelPages) {
    frames.attach(bitmap, records, Frame{end});
    frames.manage({Frame{2}, Frame{end}});
    boot.frame = frames.take().value();
    boot.list_table = frames.take().value();
    Machine::make_directory(boot.frame, boot.list_table);
    Machine::activate(boot.frame);
    paging.adopt(boot);
    EXPECT_TRUE(kernel.open().has_value());
    free_at_start = free();
}

World::~World() {
    audit();
    // Kernel tables stay for ever once they were made; nothing else may.
    std::size_t tables = 0;
    for (Page page = Machine::kKernelPages.first; page < Machine::kKernelPages.end;
         page.number += Machine::kPagesPerTable) {
        if (Machine::has_table(page)) ++tables;
    }
    EXPECT_EQ(kernel.committed().value, kept);
    EXPECT_EQ(free() + kept + tables + kernel.list().nodes().committed().value - 1, free_at_start);
}

void World::audit() {
    std::vector<std::uint32_t> tally(frames.end().number);
    Audit audit(frames, tally);
    audit.own(boot.frame);
    audit.own(boot.list_table);
    for (const Frame frame : taken) audit.own(frame);
    audit.add(kernel);
    const Frame before = Machine::active_directory();
    for (const Space* space : spaces) {
        Machine::activate(space->directory());
        audit.add(*space);
    }
    Machine::activate(before);
    audit.finish();
    computer.for_each_processor([](hosted::Processor& other) { other.check_cached(); });
    std::size_t shown = 0;
    Paging::for_each_occupied(
        {Machine::kKernelPages.first, Machine::kKernelNodes.end}, [&](Page page, Machine::Slot slot) {
            EXPECT_TRUE(computer.kernel_mirror().shows(page, slot.load())) << "I22: a kernel page shows an old frame";
            ++shown;
        });
    EXPECT_EQ(computer.kernel_mirror().count(), shown) << "I22: a kernel page shows a frame that is not mapped there";
}

void World::add(const Space& space) {
    const std::lock_guard guard(spaces_lock);
    spaces.push_back(&space);
}

void World::remove(const Space& space) {
    const std::lock_guard guard(spaces_lock);
    std::erase(spaces, &space);
}

void World::leave(std::size_t left) {
    while (free() > left) taken.push_back(frames.take().value());
}

void World::give_all() {
    for (const Frame frame : taken) frames.drop(frame);
    taken.clear();
}

TestSpace::TestSpace(World& owner) : world(owner), space(owner.paging, World::kZeroFrame, kMappingBase) {
    const Frame before = Machine::active_directory();
    EXPECT_TRUE(space.create().has_value());
    Machine::activate(space.directory());
    EXPECT_TRUE(space.open().has_value());
    Machine::activate(before);
    world.add(space);
}

TestSpace::~TestSpace() {
    world.remove(space);
    Machine::activate(space.directory());
    space.close();
    Machine::activate(world.boot.frame);
    space.destroy();
}

TestSpace& TestSpace::enter() {
    Machine::activate(space.directory());
    world.processor.on_fault([this](VirtualAddress address, Access access) -> Result<void> {
        const auto kind = space.handle_fault(address, access);
        if (!kind) return fail(kind.error());
        return {};
    });
    return *this;
}

Result<Page> TestSpace::map(std::size_t pages, Rights rights, Placement placement, Page at) {
    MapRequest request;
    request.count = PageCount{pages};
    request.placement = placement;
    request.at = at;
    request.traits = {.kind = RangeKind::mapped, .rights = rights, .allowed = kAll};
    return space.map(request);
}

Result<std::uint8_t> TestSpace::load(Page page, std::size_t offset) {
    return world.processor.load({address_of(page).value + offset});
}

Result<void> TestSpace::store(Page page, std::uint8_t value, std::size_t offset) {
    return world.processor.store({address_of(page).value + offset}, value);
}

TestObject::TestObject(World& owner, std::size_t count) : world(owner) {
    for (std::size_t i = 0; i < count; ++i) {
        pages.push_back(world.frames.take().value());
        world.taken.push_back(pages.back());
        std::memset(world.computer.ram(pages.back()), static_cast<int>(i), kPageSize);
    }
}

TestObject::~TestObject() {
    for (const Frame frame : pages) {
        std::erase(world.taken, frame);
        world.frames.drop(frame);
    }
}

Result<Frame> TestObject::page(std::uintptr_t index) {
    if (index >= pages.size()) return fail(Error::beyond_end);
    world.frames.share(pages[index]);
    return pages[index];
}

}  // namespace quire::test
