// Up to three programs and their doubles (tests/unit/support/shadow.hpp): any sequence of steps and forks, in little memory, with
// arguments between that no program should give.
#include <array>
#include <cstring>
#include <memory>

#include "fuzz/input.hpp"
#include "tests/unit/support/shadow.hpp"

using namespace quire;
using namespace quire::test;
using fuzz::check;

namespace {

/// One world for all inputs is many times as fast; it begins each of them with the same free frames, full of the same rubbish.
World& renewed_world() {
    static World& world = *new World(320);
    static const std::size_t free = world.free();
    check(world.free() == free);
    world.leave(0);
    for (const Frame frame : world.taken) std::memset(world.computer.ram(frame), 0xD5, kPageSize);
    world.give_all();
    return world;
}

/// Places outside user space, and sizes that do not fit in: an error, and nothing has changed (the double knows nothing of it).
void ask_for_nonsense(Space& space, fuzz::Input& in) {
    const std::uintptr_t a = in.take<std::uint32_t>();
    const std::uintptr_t b = in.take<std::uint32_t>();
    const PageRange range{Page{std::min(a, b)}, Page{std::max(a, b)}};
    if (range.empty() || !Machine::kUserPages.contains(range)) {
        check(space.unmap(range) == quire::fail(Error::bad_argument));
        check(space.protect(range, kReadWrite) == quire::fail(Error::bad_argument));
        check(space.discard(range) == quire::fail(Error::bad_argument));
        MapRequest request;
        request.count = range.count();
        request.at = range.first;
        request.placement = in.byte() % 2 == 0 ? Placement::fixed : Placement::fixed_if_free;
        request.traits = {.kind = RangeKind::mapped, .rights = kReadWrite, .allowed = kAll};
        check(!space.map(request));
        request.count = PageCount{~std::size_t{0} - b};
        check(!space.map(request));
    }
    if (!Machine::kUserPages.contains(range.first))
        check(space.handle_fault(address_of(range.first), Access::write) == quire::fail(Error::not_mapped));
    const VirtualAddress end{in.take<std::uint64_t>() >> in.byte() % 64};
    if (end < address_of(Program::kBreak) || end > address_of(Machine::kUserPages.end))
        check(space.set_break(end) == quire::fail(Error::bad_argument));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    World& world = renewed_world();
    {
        ShadowObject object(world, 5);
        // Mostly little memory: 2 to 130 frames.
        const std::size_t memory = in.byte();
        world.leave(2 + memory / 2);
        std::array<std::unique_ptr<Program>, 3> programs;
        std::size_t current = 0;
        while (!in.empty()) {
            // Mostly the one that runs goes on: switching forgets all translations, and with them old ones that could hurt.
            const unsigned who = in.byte();
            if (who % 8 == 0) current = who / 8 % programs.size();
            auto& program = programs[current];
            const unsigned what = in.byte();
            if (what == 0) {
                program.reset();
                continue;
            }
            if (!program) program = Program::make(world, {&object});
            if (!program) continue;
            program->enter();
            if (what == 1) {
                auto& other = programs[(current + 1 + who / 8 % 2) % programs.size()];
                if (other) {
                    other.reset();  // makes room for the next fork
                } else {
                    other = program->fork();
                }
                world.processor.check_cached();
                continue;
            }
            if (what == 2) {
                world.audit();
                continue;
            }
            if (what == 3) {
                ask_for_nonsense(program->space(), in);
                continue;
            }
            Step step;
            step.verb = static_cast<Verb>(what % kVerbs);
            step.shared = (what & 0x80U) != 0;
            step.placement = static_cast<Placement>(what / 16 % 4);
            step.page = in.byte();
            step.count = in.byte();
            step.rights = in.byte();
            step.value = in.byte();
            step.offset = in.take<std::uint16_t>();
            // A step takes two frames and two tables at most: with more, there is no excuse.
            const std::size_t free = world.free();
            if (!program->step(step, free < 4)) check(world.free() == free);
            world.processor.check_cached();
        }
        for (auto& program : programs) {
            if (!program) continue;
            program->enter();
            program->compare();
        }
        world.audit();
    }
    world.give_all();
    return 0;
}
