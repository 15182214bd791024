#pragma once
/// Who runs: round robin over the processes that are ready, a time slice each.

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/process/process.hpp"

namespace quire::kernel {

/// What to start. Strings are copied.
struct ProgramRequest {
    std::string_view path;                        ///< of the executable, in the initial file system
    std::span<const std::string_view> arguments;  ///< argv
    std::span<const std::string_view> environment;
    bool separate_error_stream = false;  ///< standard error goes to COM3, not to the terminal
};

/// Why a program could not be started; `text` is one line for people.
struct StartError {
    Errno number;
    std::uint8_t exit_status;  ///< 126 not executable, 127 not found, 125 no memory
    std::string_view text;
};

/// Makes a process that will run the program: loads it into a new space, builds its stack. On an error nothing is left.
[[nodiscard]] std::expected<Process*, StartError> start_program(const ProgramRequest& request);

/// Gives the processor to the next process that is ready (maybe to the same one). The current process is ready again,
/// or
/// waiting, as its state says.
void reschedule();
/// Puts the current process at the end of the line.
void yield_processor();

/// The current process sleeps until something wakes it or, unless `wake_at` is 0, until that time (monotonic
/// nanoseconds). The caller
/// looks again at what it waits for: wake_all() wakes everybody. False if a signal ended the wait (EINTR).
[[nodiscard]] bool sleep_until(std::uint64_t wake_at);
/// The same, and input of the terminal wakes it too.
[[nodiscard]] bool wait_for_input(std::uint64_t wake_at = 0);
void wake(Process& process);
void wake_all();

/// Ends the current process: closes its files and space, hands the rest to the reaper. Any other process goes on.
[[noreturn]] void end_current_process(ExitStatus status);

/// Sets the trap handlers. `input_is_terminal`: standard input is typed by a person
/// (kernel/console/line_discipline.hpp), else it is
/// a stream. Once, by boot.
void init_processes(bool input_is_terminal);

/// Called by the kernel's own flow (the shell, the story), which has no process: runs processes until `done(context)`
/// says so or all
/// have ended; sleeps when none is ready. Reaps what has ended, except that records are kept until forget_ended().
void run_until(bool (*done)(void*), void* context);

/// All processes, ended ones that were not forgotten included, in order of their ids.
[[nodiscard]] Process* first_process();
[[nodiscard]] Process* find_process(ProcessId id);
[[nodiscard]] std::size_t living_processes();
/// Frees the records of ended processes.
void forget_ended();

}  // namespace quire::kernel
