#include "kernel/shell/one_program.hpp"

#include <array>

#include "kernel/base/grow_array.hpp"
#include "kernel/console/exit.hpp"
#include "kernel/console/log.hpp"
#include "kernel/cpu/time_stamp.hpp"
#include "kernel/memory/audit.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/shell/reports.hpp"

namespace quire::kernel {

namespace {

/// A small file of the initial file system, whole. Missing or unreadable is fatal: the tools always write it.
class Text {
public:
    explicit Text(std::string_view path) {
        const auto inode = files().look_up(files().root(), path, FollowLast::yes);
        if (!inode) fatal("the initial file system has no {}", path);
        if (!bytes_.resize(static_cast<std::size_t>((*inode)->content().size())))
            fatal("not enough memory to read {}", path);
        const auto got = (*inode)->content().read(0, std::as_writable_bytes(bytes_.all()));
        if (!got) fatal("not enough memory to read {}", path);
    }
    [[nodiscard]] std::string_view view() const { return {bytes_.all().data(), bytes_.size()}; }

private:
    GrowArray<char> bytes_;
};

/// The NUL-terminated strings of a text, in place.
class Strings {
public:
    explicit Strings(const Text& text) {
        std::string_view rest = text.view();
        while (!rest.empty()) {
            const std::size_t end = rest.find('\0');
            if (end == std::string_view::npos) fatal("a list of strings of the initial file system is damaged");
            if (!items_.push_back(rest.substr(0, end))) fatal("not enough memory for the program's arguments");
            rest.remove_prefix(end + 1);
        }
    }
    [[nodiscard]] std::span<const std::string_view> all() const { return items_.all(); }

private:
    GrowArray<std::string_view> items_;
};

bool never(void*) {
    return false;
}

}  // namespace

std::uint8_t run_one_program() {
    std::uint8_t status = 0;
    {
        const Text path("/.quire/program");
        const Text argv("/.quire/argv");
        const Text env("/.quire/env");
        const Strings arguments(argv);
        const Strings environment(env);
        const auto started = start_program({.path = path.view(),
                                            .arguments = arguments.all(),
                                            .environment = environment.all(),
                                            .separate_error_stream = true});
        if (!started) fatal_with_status(started.error().exit_status, "{}: {}", path.view(), started.error().text);
        log("the first program begins {} instructions (time stamp ticks) after power-on", time_stamp());
        run_until(never, nullptr);
        const Process& process = **started;
        const SpaceStatistics space = statistics_of(process);
        log("{}: {} slices, {} system calls, {} page faults", process.name_view(), process.statistics.slices,
            process.statistics.system_calls, all_faults(space));
        if (process.exit_status.signal != 0)
            log("{}: killed by signal {}", process.name_view(), process.exit_status.signal);
        status = process.exit_status.shell_status();
        forget_ended();
    }
    const AuditReport audit = run_audit();
    log("audit ok: {} frames free, {} used", audit.free.value, audit.used.value);
    return status;
}

}  // namespace quire::kernel
