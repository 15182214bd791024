#include "kernel/process/process_table.hpp"

#include <algorithm>
#include <new>

#include "kernel/process/scheduler.hpp"

namespace quire::kernel {

namespace {

constinit Process* processes = nullptr;
constinit ProcessId next_id = 1;

void link(Process& process) {
    Process** end = &processes;
    while (*end != nullptr) end = &(*end)->next;
    *end = &process;
}

void unlink(const Process& process) {
    Process** at = &processes;
    while (*at != &process) at = &(*at)->next;
    *at = process.next;
}

void free_stack(Process& process) {
    if (process.stack == Page{}) return;
    memory().kernel_space.release(process.stack);
    process.stack = {};
}

}  // namespace

std::byte* Process::stack_top() const {
    return Machine::pointer(address_of(stack + kKernelStackPages));
}

SysResult<Process*> create_process(std::string_view name) {
    auto* const process = new (std::nothrow) Process;
    if (process == nullptr) return fail(Errno::enomem);
    const auto stack = memory().kernel_space.acquire({.count = kKernelStackPages, .guard = PageCount{1}});
    if (!stack) {
        delete process;
        return fail(Errno::enomem);
    }
    process->stack = *stack;
    if (!process->space.create()) {
        free_stack(*process);
        delete process;
        return fail(Errno::enomem);
    }
    process->id = next_id++;
    process->state = ProcessState::waiting;
    std::copy_n(name.begin(), std::min(name.size(), Process::kNameLength - 1), process->name.begin());
    link(*process);
    return process;
}

void free_ended(Process& process) {
    process.space.destroy();
    free_stack(process);
}

void delete_process(Process& process) {
    unlink(process);
    process.files.close_all();
    free_ended(process);
    delete &process;
}

Process* first_process() {
    return processes;
}

Process* find_process(ProcessId id) {
    for (Process* process = processes; process != nullptr; process = process->next) {
        if (process->id == id) return process;
    }
    return nullptr;
}

std::size_t living_processes() {
    std::size_t count = 0;
    for (const Process* process = processes; process != nullptr; process = process->next) {
        if (process->state != ProcessState::ended) ++count;
    }
    return count;
}

void forget_ended() {
    for (Process** at = &processes; *at != nullptr;) {
        Process* const process = *at;
        if (process->state != ProcessState::ended) {
            at = &process->next;
            continue;
        }
        *at = process->next;
        delete process;
    }
}

}  // namespace quire::kernel
