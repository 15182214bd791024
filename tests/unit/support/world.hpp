#pragma once
/// A machine with the library on it, as a kernel would set it up; one processor, entered for the life of the world. The
/// destructor proves that nothing was leaked: every test is a leak test (the idea is xv6's usertests).

#include <gtest/gtest.h>

#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "ports/hosted/computer.hpp"
#include "ports/hosted/processor.hpp"
#include "quire/audit/audit.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/paging/paging.hpp"
#include "quire/space/kernel_space.hpp"
#include "quire/space/space.hpp"

namespace quire::test {

inline constexpr Page kMappingBase{0x40000};
inline constexpr Rights kReadWrite = Rights::read | Rights::write;
inline constexpr Rights kAll = Rights::read | Rights::write | Rights::execute;

class World {
public:
    static constexpr Frame kZeroFrame{1};

    explicit World(std::uint32_t end = 4096);
    ~World();
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    /// Counts every owner of every frame, with each open space active in turn.
    void audit();

    /// A space that the audit has to look at; forgotten before it is closed.
    void add(const Space& space);
    void remove(const Space& space);

    /// Takes frames until only `left` are free; give_all() gives them back.
    void leave(std::size_t left);
    void give_all();
    [[nodiscard]] std::size_t free() const { return frames.statistics().free.value; }

    hosted::Computer computer;
    hosted::Processor processor;
    hosted::Processor::Scope scope;
    std::vector<std::uint32_t> bitmap;
    std::vector<std::uint32_t> records;
    FrameAllocator frames;
    Paging paging;
    Directory boot;
    KernelSpace kernel;
    std::mutex spaces_lock;
    std::vector<const Space*> spaces;
    std::vector<Frame> taken;
    std::size_t free_at_start = 0;
    std::size_t kept = 0;  ///< pages that a heap on kernel pages still has when the world ends
};

/// A space of its world: open, and activated by enter().
class TestSpace {
public:
    explicit TestSpace(World& world);
    ~TestSpace();
    TestSpace(const TestSpace&) = delete;
    TestSpace& operator=(const TestSpace&) = delete;

    /// From now on loads and stores are this space's.
    TestSpace& enter();
    /// Anonymous private memory.
    Result<Page> map(std::size_t pages, Rights rights = kReadWrite, Placement placement = Placement::anywhere,
                     Page at = {});
    Result<std::uint8_t> load(Page page, std::size_t offset = 0);
    Result<void> store(Page page, std::uint8_t value, std::size_t offset = 0);

    World& world;
    Space space;
};

/// Pages with contents of their own, as a file would be: page n is full of byte n.
class TestObject final : public MemoryObject {
public:
    TestObject(World& world, std::size_t pages);
    ~TestObject();
    Result<Frame> page(std::uintptr_t index) override;
    const char* name() const override { return "test object"; }
    void last_reference_gone() override { gone = true; }

    World& world;
    std::vector<Frame> pages;
    bool gone = false;
};

}  // namespace quire::test
