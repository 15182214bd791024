#pragma once
/// Entering the kernel and leaving it: who is called for what, and with interrupts on or off.
///
///     program ──int 0x80──▶ system_call(frame)                      interrupts on
///             ──#PF───────▶ page_fault(frame, fault) ─ false ─▶ user_exception      on
///             ──other─────▶ user_exception(frame, …)                on
///     kernel  ──#PF at an instruction that copies user memory ─▶ page_fault ─ false ─▶ its fix-up (user_copy.hpp)
///             ──any other exception ─▶ panic
///     any     ──IRQ───────▶ the device's handler, interrupts off: counts, fills a ring, calls request_user_work()
///     on the way back to user mode, if request_user_work() was called: before_user_mode(frame)    on
///
/// The kernel is not preemptible: what runs in it runs until it blocks, calls switch_context itself, or
/// goes back to user mode. So "interrupts on" costs no locks except against IRQ handlers.

#include <cstdint>

#include "kernel/cpu/trap_frame.hpp"
#include "quire/base/address.hpp"
#include "quire/base/rights.hpp"

namespace quire::kernel {

/// What the processor says about a page fault: CR2 and the error code. Intel SDM volume 3, 4.7.
struct PageFault {
    VirtualAddress address;
    Access access;  ///< execute is told from read by address == eip; the processor does not say it without PAE
    bool present;   ///< a protection violation, not a missing page
    bool user;      ///< by a program; else by the kernel copying from or to a program's memory
};

/// What the rest of the kernel supplies; set once, before the first program runs. Each default panics, except
/// before_user_mode, which does nothing.
struct TrapHandlers {
    /// int 0x80. Arguments and the result (eax) are in the frame.
    [[gnu::regparm(1)]] void (*system_call)(TrapFrame& frame);
    /// Makes the access possible (true: it is tried again) or says that it is not allowed (false). Called
    /// only for faults of programs (any address) and of the kernel's user copies. Must not fault itself (gotcha 17).
    bool (*page_fault)(TrapFrame& frame, const PageFault& fault);
    /// An exception of a program that nobody resolved: `fault` is given for page faults, else null. Must end the
    /// program, or change the frame (a signal handler), or else the instruction runs again.
    void (*user_exception)(TrapFrame& frame, const PageFault* fault);
    /// Called before user mode is entered when request_user_work() was called since. Reschedules, delivers kills. May
    /// call switch_context. The flag has been cleared; it may be set again meanwhile, then this is called again.
    [[gnu::regparm(1)]] void (*before_user_mode)(TrapFrame& frame);
};
void set_trap_handlers(const TrapHandlers& handlers);
[[nodiscard]] const TrapHandlers& trap_handlers();

/// Asks for before_user_mode() before the next instruction of any program. From any context, interrupt handlers too.
void request_user_work();

/// Builds and loads the IDT with every exception, the 16 IRQs and int 0x80. Once, by boot, after init_segments().
void init_traps();

/// Called by kernel/cpu/entry.S for everything but system calls and page faults. Interrupts off.
[[gnu::regparm(1)]] void dispatch_trap(TrapFrame& frame);

}  // namespace quire::kernel
