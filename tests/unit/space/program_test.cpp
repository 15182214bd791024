// Whole programs against their doubles (support/shadow.hpp): sequences that rapidcheck shrinks, and every lack of memory.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <random>

#include "tests/unit/support/draw.hpp"
#include "tests/unit/support/shadow.hpp"
#include "tests/unit/support/soak.hpp"

namespace quire::test {
namespace {

/// One command of a generated sequence: a step of one of three programs, or its replacement by a copy of another one.
struct Command {
    std::uint8_t program = 0;
    std::uint8_t fork_from = 0;  ///< 0: no fork
    Step step;
};

void showValue(const Command& command, std::ostream& out) {
    const Step& s = command.step;
    out << "{program " << unsigned{command.program} << ", fork from " << unsigned{command.fork_from} << ", verb "
        << static_cast<unsigned>(s.verb) << ", placement " << static_cast<unsigned>(s.placement) << ", page "
        << unsigned{s.page} << ", count " << unsigned{s.count} << ", rights " << unsigned{s.rights} << ", value "
        << unsigned{s.value} << ", offset " << s.offset << ", shared " << s.shared << "}";
}

rc::Gen<Command> any_command() {
    return rc::gen::apply(
        [](unsigned program, unsigned fork, unsigned verb, unsigned placement, std::uint8_t page, std::uint8_t count,
           unsigned rights, std::uint8_t value, std::uint16_t offset, bool shared) {
            Command command;
            command.program = static_cast<std::uint8_t>(program);
            command.fork_from = fork < 4 ? static_cast<std::uint8_t>(fork) : std::uint8_t{0};
            command.step = {static_cast<Verb>(verb),
                            static_cast<Placement>(placement),
                            page,
                            count,
                            static_cast<std::uint8_t>(rights < 8 ? rights : 3),
                            value,
                            offset,
                            shared};
            return command;
        },
        rc::gen::inRange(0U, 3U), rc::gen::inRange(0U, 40U), rc::gen::inRange(0U, unsigned{kVerbs}),
        rc::gen::inRange(0U, 4U), rc::gen::inRange<std::uint8_t>(0, 24), rc::gen::inRange<std::uint8_t>(0, 24),
        rc::gen::inRange(0U, 20U), rc::gen::arbitrary<std::uint8_t>(), rc::gen::arbitrary<std::uint16_t>(),
        rc::gen::arbitrary<bool>());
}

TEST(Program, AnySequenceDoesWhatItsDoubleDoes) {
    EXPECT_TRUE(rc::check([] {
        const auto commands = *rc::gen::container<std::vector<Command>>(any_command());
        World world(1024);
        ShadowObject object(world, 5);
        std::array<std::unique_ptr<Program>, 3> programs;
        for (auto& program : programs) program = Program::make(world, {&object});
        for (const Command& command : commands) {
            auto& program = programs[command.program];
            if (command.fork_from != 0 && command.fork_from - 1 != command.program) {
                Program& parent = *programs[command.fork_from - 1U];
                parent.enter();
                auto child = parent.fork();
                program = std::move(child);
            }
            program->enter();
            program->step(command.step, false);
        }
        for (auto& program : programs) {
            program->enter();
            program->compare();
        }
        world.audit();
        RC_ASSERT(!::testing::Test::HasFailure());
    }));
}

TEST(Program, LongLivesInSeveralSpaces) {
    Soak soak("Program.LongLivesInSeveralSpaces", 3);
    while (soak.next()) {
        World world(4096);
        std::mt19937_64 random(soak.seed());
        ShadowObject first(world, 7);
        ShadowObject second(world, 40);
        std::vector<std::unique_ptr<Program>> programs;
        for (int i = 0; i < 4; ++i) programs.push_back(Program::make(world, {&first, &second}));
        for (int i = 0; i < 60000; ++i) {
            auto& program = programs[random() % programs.size()];
            program->enter();
            program->step(draw_step(random), false);
            if (i % 200 == 0) {
                auto& replaced = programs[random() % programs.size()];
                if (replaced != program) replaced = program->fork();
            }
            if (i % 1000 == 0) world.audit();
            ASSERT_FALSE(HasFailure()) << "step " << i;
        }
    }
}

/// Each step is tried with no free frame, with one, with two … until it works: every allocation that it makes fails once, and
/// each time nothing may have changed.
TEST(Program, EveryStepSurvivesEveryLackOfMemory) {
    Soak soak("Program.EveryStepSurvivesEveryLackOfMemory", 2);
    while (soak.next()) {
        World world(1024);
        std::mt19937_64 random(soak.seed());
        ShadowObject object(world, 7);
        auto program = Program::make(world, {&object});
        std::size_t refused = 0;
        for (int i = 0; i < 6000; ++i) {
            const Step step = draw_step(random);
            program->enter();
            for (std::size_t left = 0;; ++left) {
                std::vector<Frame> held;
                while (world.free() > left) held.push_back(world.frames.take().value());
                const bool done = program->step(step, true);
                if (!done) {
                    program->compare();
                    EXPECT_EQ(world.free(), left) << "a step that failed kept frames";
                    ++refused;
                }
                for (const Frame frame : held) world.frames.drop(frame);
                if (done) break;
                ASSERT_LT(left, 100U) << "a retry never succeeds";
            }
            if (i % 50 == 0) {
                for (std::size_t left = 0;; ++left) {
                    std::vector<Frame> held;
                    while (world.free() > left) held.push_back(world.frames.take().value());
                    auto child = program->fork();
                    if (!child) {
                        program->compare();
                        EXPECT_EQ(world.free(), left);
                    }
                    for (const Frame frame : held) world.frames.drop(frame);
                    if (!child) continue;
                    world.audit();
                    program = std::move(child);
                    break;
                }
            }
            if (i % 100 == 0) world.audit();
            ASSERT_FALSE(HasFailure()) << "step " << i;
        }
        EXPECT_GT(refused, 100U);
    }
}

}  // namespace
}  // namespace quire::test
