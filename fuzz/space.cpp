// Up to three programs and their doubles (tests/unit/support/shadow.hpp): any sequence of steps and forks, in little memory.
#include <array>
#include <memory>

#include "fuzz/input.hpp"
#include "tests/unit/support/shadow.hpp"

using namespace quire;
using namespace quire::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    World world(40 + in.byte());
    ShadowObject object(world, 5);
    std::array<std::unique_ptr<Program>, 3> programs;
    while (!in.empty()) {
        auto& program = programs[in.byte() % programs.size()];
        const unsigned what = in.byte();
        if (what == 0) {
            program.reset();
            continue;
        }
        if (!program) program = Program::make(world, {&object});
        if (!program) continue;
        program->enter();
        if (what == 1) {
            auto& other = programs[in.byte() % programs.size()];
            if (&other != &program && !other) other = program->fork();
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
        program->step(step, true);
    }
    for (auto& program : programs) {
        if (!program) continue;
        program->enter();
        program->compare();
    }
    world.audit();
    return 0;
}
