#include "kernel/process/scheduler.hpp"

#include "kernel/console/input.hpp"
#include "kernel/console/line_discipline.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/cpu/trap.hpp"
#include "kernel/process/fault.hpp"
#include "kernel/process/process_table.hpp"
#include "kernel/syscall/dispatch.hpp"
#include "quire/base/defect.hpp"

namespace quire::kernel {

namespace {

constinit Process* running = nullptr;
/// The kernel's own flow: boot's stack, boot's directory. It chooses who runs next.
constinit Context kernel_context{};
/// Standard input is a terminal with lines and ^C, not a stream of bytes.
constinit bool interactive = true;

/// What ends a wait: time, input, a signal.
void end_waits() {
    if (interactive) line_discipline().collect();  // ^C, whoever reads or does not
    const bool input = interactive ? line_discipline().readable() : standard_input.readable();
    std::uint64_t now = 0;
    for (Process* process = first_process(); process != nullptr; process = process->next) {
        if (process->alarm_at == 0 && process->state != ProcessState::waiting) continue;
        if (now == 0) now = monotonic_nanoseconds();
        if (process->alarm_at != 0 && process->alarm_at <= now) {
            process->alarm_at = process->alarm_interval == 0 ? 0 : now + process->alarm_interval;
            raise_signal(*process, static_cast<unsigned>(Signal::alarm));
        }
        if (process->state != ProcessState::waiting) continue;
        const bool due = process->wake_at != 0 && process->wake_at <= now;
        if (due || (process->wants_input && input) || process->signals.wants_delivery())
            process->state = ProcessState::ready;
    }
}

/// The process after `before` in the round that is ready; null if none is.
Process* next_ready(const Process* before) {
    Process* const start = before != nullptr && before->next != nullptr ? before->next : first_process();
    for (Process* process = start; process != nullptr;) {
        if (process->state == ProcessState::ready) return process;
        process = process->next != nullptr ? process->next : first_process();
        if (process == start) break;
    }
    return nullptr;
}

void begin_slice(Process& process) {
    process.state = ProcessState::running;
    ++process.statistics.slices;
    process.slice_started = monotonic_nanoseconds();
    start_slice();
}

void end_slice(Process& process) {
    process.statistics.run_nanoseconds += monotonic_nanoseconds() - process.slice_started;
}

/// From the kernel's own flow into a process, until it gives the processor back.
void enter(Process& process) {
    running = &process;
    begin_slice(process);
    Machine::activate(process.space.directory());
    set_kernel_stack(process.stack_top());
    load_user_segments(process.segments);
    restore_fpu(process.fpu);
    switch_context(kernel_context, process.context);
    // Back: the process is ready, waiting or ended.
    running = nullptr;
    Machine::activate(memory().boot_directory.frame);
}

/// The timer has taken the processor away, or a signal waits: on the way back to user mode.
[[gnu::regparm(1)]] void before_user_mode(TrapFrame& frame) {
    if (slice_expired()) {
        ++running->statistics.preempted;
        yield_processor();
    }
    deliver_signals(frame);
}

}  // namespace

Process& current_process() {
    require(running != nullptr, "there is no current process");
    return *running;
}
Process* current_process_or_null() {
    return running;
}

void init_processes(bool input_is_terminal) {
    interactive = input_is_terminal;
    set_trap_handlers({.system_call = dispatch_system_call,
                       .page_fault = handle_page_fault,
                       .user_exception = handle_user_exception,
                       .before_user_mode = before_user_mode});
}

void reschedule() {
    Process& process = current_process();
    end_slice(process);
    save_fpu(process.fpu);
    save_user_segments(process.segments);
    switch_context(process.context, kernel_context);
}

void yield_processor() {
    current_process().state = ProcessState::ready;
    reschedule();
}

bool sleep_until(std::uint64_t wake_at) {
    Process& process = current_process();
    if (process.signals.wants_delivery()) return false;
    process.wake_at = wake_at;
    process.state = ProcessState::waiting;
    reschedule();
    process.wake_at = 0;
    return !process.signals.wants_delivery();
}

bool wait_for_input(std::uint64_t wake_at) {
    Process& process = current_process();
    process.wants_input = true;
    const bool undisturbed = sleep_until(wake_at);
    process.wants_input = false;
    return undisturbed;
}

void wake(Process& process) {
    if (process.state == ProcessState::waiting) process.state = ProcessState::ready;
}

void wake_all() {
    for (Process* process = first_process(); process != nullptr; process = process->next) wake(*process);
}

void end_current_process(ExitStatus status) {
    Process& process = current_process();
    process.exit_status = status;
    process.files.close_all();
    process.space.close();
    wake_all();  // somebody may wait for the other end of a pipe
    end_slice(process);
    process.state = ProcessState::ended;
    // The kernel's own flow frees the directory and this very stack (gotchas 66, 67).
    switch_context(process.context, kernel_context);
    defect("an ended process was switched to");
}

void run_until(bool (*done)(void*), void* context) {
    const Process* last = nullptr;
    while (!done(context) && living_processes() != 0) {
        end_waits();
        Process* const next = next_ready(last);
        if (next == nullptr) {
            // An interrupt between the look and the sleep is seen at the next tick at the latest.
            wait_for_interrupt();
            continue;
        }
        enter(*next);
        last = next;
        if (next->state == ProcessState::ended) free_ended(*next);
    }
}

}  // namespace quire::kernel
