#pragma once
/// Switching between kernel stacks. A process is, for the processor, a kernel stack with everything else on it.
///
/// To switch to another process (interrupts may be on: IRQ handlers neither switch nor look at any of this):
///
///     save_fpu(old.fpu);  save_user_segments(old.segments);
///     Machine::activate(new.directory);                        // if it differs
///     set_kernel_stack(new.stack_top);                         // gotcha 69
///     load_user_segments(new.segments);  restore_fpu(new.fpu);
///     switch_context(old.context, new.context);                // comes back when somebody switches to old again
///
/// A dying process switches away for the last time and lets somebody else free its stack and directory (gotchas 66,
/// 67).

#include <cstddef>
#include <cstdint>

#include "kernel/cpu/trap_frame.hpp"

namespace quire::kernel {

/// Where a stack was left: its stack pointer; the registers that a called function must preserve lie on the stack.
struct Context {
    void* stack_pointer = nullptr;
};

/// Leaves the running stack in `from` and goes on where `to` was left. Constant: a dozen instructions. The
/// interrupt flag is not touched: both sides must agree on it.
extern "C" void switch_context(Context& from, const Context& to);

/// Where the frame of a process lies while it is in the kernel by a trap from user mode: at the very top of its stack.
[[nodiscard]] inline TrapFrame& user_frame(std::byte* stack_top) {
    return *reinterpret_cast<TrapFrame*>(stack_top - sizeof(TrapFrame));
}

/// Prepares a stack so that the first switch to `context` enters user mode with the registers of the frame that is
/// returned. The frame is filled with zeros, the user selectors and eflags with interrupts on; the caller sets eip, esp
/// and (fork) the rest. before_user_mode() is called first, if work was requested. `stack_top`: end of the stack,
/// 16-byte aligned.
TrapFrame& prepare_user_context(Context& context, std::byte* stack_top);

/// Prepares a stack so that the first switch to `context` calls entry(argument) in the kernel. `entry` must not return.
/// The interrupt flag is as at the switch.
void prepare_kernel_context(Context& context, std::byte* stack_top, void (*entry)(void*), void* argument);

}  // namespace quire::kernel
