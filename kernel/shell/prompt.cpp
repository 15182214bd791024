#include "kernel/shell/prompt.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "kernel/console/line_discipline.hpp"
#include "kernel/memory/audit.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/shell/reports.hpp"
#include "kernel/shell/words.hpp"

namespace quire::kernel {

namespace {

using Arguments = std::span<const std::string_view>;

std::optional<unsigned> number_in(std::string_view word, unsigned maximum) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || value > maximum) return std::nullopt;
    return value;
}

void show_maps(Sink& out, Arguments words) {
    if (words.size() == 1) {
        report_maps(out);
        return;
    }
    const auto id = number_in(words[1], 1U << 30U);
    const Process* const process = id ? find_process(static_cast<ProcessId>(*id)) : nullptr;
    if (process == nullptr) {
        format(out, "maps: there is no process {}\n", words[1]);
        return;
    }
    report_maps_of(out, *process);
}

void show_audit(Sink& out, Arguments) {
    const AuditReport audit = run_audit();
    format(out, "audit ok: {:'} frames free + {:'} used = {:'} managed\n", audit.free.value, audit.used.value,
           (audit.free + audit.used).value);
}

bool has_ended(void* process) {
    return static_cast<Process*>(process)->state == ProcessState::ended;
}

/// `run PROGRAM [ARG…] [&]`: waits for the program unless the line ends with &.
void run(Sink& out, Arguments words) {
    const bool background = words.back() == "&";
    const Arguments arguments = words.subspan(1, words.size() - 1 - (background ? 1 : 0));
    if (arguments.empty()) {
        out.write("usage: run PROGRAM [ARGUMENT...] [&]\n");
        return;
    }
    std::array<char, 256> path_buffer{};
    BufferSink path(path_buffer);
    if (!arguments[0].contains('/')) path.write("/bin/");
    path.write(arguments[0]);

    static constexpr std::array<std::string_view, 3> kEnvironment{"PATH=/bin", "HOME=/", "TERM=vt100"};
    const auto process = start_program({.path = path.text(), .arguments = arguments, .environment = kEnvironment});
    if (!process) {
        format(out, "{}: {}\n", arguments[0], process.error().text);
        return;
    }
    if (background) {
        format(out, "[{}] {}\n", (*process)->id, (*process)->name_view());
        return;
    }
    line_discipline().set_foreground((*process)->id);
    run_until(has_ended, *process);
    line_discipline().set_foreground(0);
    const ExitStatus status = (*process)->exit_status;
    if (status.signal != 0) {
        format(out, "{}: killed by signal {}\n", arguments[0], status.signal);
    } else if (status.code != 0) {
        format(out, "{}: exit status {}\n", arguments[0], status.code);
    }
    forget_ended();
}

struct Command {
    std::string_view name;
    std::string_view usage;
    void (*act)(Sink& out, Arguments words);
};

void show_help(Sink& out, Arguments);

constexpr std::array kCommands{
    Command{"help", "this list", show_help},
    Command{"maps", "maps [PID]: the ranges of kernel space and of every process", show_maps},
    Command{"frames", "physical memory", [](Sink& out, Arguments) { report_frames(out); }},
    Command{"heap", "the kernel's heap by size and by kind of object", [](Sink& out, Arguments) { report_heap(out); }},
    Command{"ps", "processes", [](Sink& out, Arguments) { report_processes(out); }},
    Command{"audit", "prove that frames, shares, tables, ranges and heap agree", show_audit},
    Command{"run", "run PROGRAM [ARGUMENT...] [&]: for example run busybox ls /bin", run},
};

void show_help(Sink& out, Arguments) {
    for (const Command& command : kCommands) format(out, "  {:<8} {}\n", command.name, command.usage);
    out.write("  exit     exit [STATUS]: end the machine\n");
}

}  // namespace

unsigned char run_prompt(Sink& out) {
    std::array<char, 512> buffer{};
    for (;;) {
        out.write("quire> ");
        const auto line = line_discipline().read_line(buffer);
        if (!line) {
            out.write("\n");
            return 0;
        }
        const Words words(*line);
        if (words.all().empty()) continue;
        if (words.too_many()) {
            out.write("too many words\n");
            continue;
        }
        const std::string_view name = words.all()[0];
        if (name == "exit") {
            const auto status = words.all().size() > 1 ? number_in(words.all()[1], 255) : std::optional(0U);
            if (status) return static_cast<unsigned char>(*status);
            out.write("usage: exit [STATUS], 0 to 255\n");
            continue;
        }
        bool known = false;
        for (const Command& command : kCommands) {
            if (command.name != name) continue;
            command.act(out, words.all());
            known = true;
        }
        if (!known) format(out, "{}: no such command; try help\n", name);
    }
}

}  // namespace quire::kernel
