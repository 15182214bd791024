#pragma once
/// What becomes of a page fault or another exception of a program.

#include "kernel/cpu/trap.hpp"
#include "kernel/process/process.hpp"

namespace quire::kernel {

/// TrapHandlers::page_fault: asks the space of the running process (or of the one that is being loaded) to resolve it.
[[nodiscard]] bool handle_page_fault(TrapFrame& frame, const PageFault& fault);

/// TrapHandlers::user_exception: a signal for the program. Without a handler for it, one line says what happened, and
/// the program
/// ends; nothing else is harmed.
void handle_user_exception(TrapFrame& frame, const PageFault* fault);

/// While it lives, faults on user addresses belong to a process that is being loaded and does not run yet.
class LoadingProcess {
public:
    explicit LoadingProcess(Process& process);
    ~LoadingProcess();
    LoadingProcess(const LoadingProcess&) = delete;
    LoadingProcess& operator=(const LoadingProcess&) = delete;

private:
    Process* before_;
};

}  // namespace quire::kernel
