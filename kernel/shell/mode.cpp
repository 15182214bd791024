#include "kernel/shell/mode.hpp"

#include "kernel/boot/test_cases.hpp"
#include "kernel/console/exit.hpp"
#include "kernel/console/line_discipline.hpp"
#include "kernel/console/log.hpp"
#include "kernel/console/terminal.hpp"
#include "kernel/memory/audit.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/memory/memory.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/shell/one_program.hpp"
#include "kernel/shell/prompt.hpp"
#include "kernel/shell/story.hpp"

namespace quire::kernel {

namespace {

/// Text for people, with line ends as a terminal wants them.
class PeopleSink final : public Sink {
public:
    constexpr PeopleSink() = default;
    void write(std::string_view text) override { line_discipline().write(std::as_bytes(std::span(text))); }
};
constinit PeopleSink people;

void audit_for_tests() {
    (void)run_audit();
}

}  // namespace

void run(const BootInfo& info) {
    const std::string_view mode = info.option("mode").value_or("story");
    init_processes(mode != "program");
    init_files(info);
    const FrameStatistics frames = memory().frames.statistics();
    log("{} frames managed, {} used by the idle system", frames.managed.value, (frames.managed - frames.free).value);

    if (mode == "program") {
        terminal.set_mirror(false);
        exit_machine(run_one_program());
    }
    if (mode == "test") run_test_cases(info, audit_for_tests);
    if (mode == "story") {
        const Live live = info.option("live") == "ansi" ? Live::ansi : Live::lines;
        if (!tell_story(people, live)) exit_machine(1);
        people.write("\nThe machine is yours. `help` lists what it knows.\n");
    } else if (mode != "prompt") {
        fatal("there is no mode {}: story, prompt, program or test", mode);
    }
    const unsigned char status = run_prompt(people);
    (void)run_audit();
    exit_machine(status);
}

}  // namespace quire::kernel
