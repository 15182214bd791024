#pragma once
/// The processor's interrupt flag and the two interrupt controllers. Intel 8259A data sheet.

#include <cstdint>

#include "kernel/cpu/trap_frame.hpp"

namespace quire::kernel {

inline void enable_interrupts() {
    asm volatile("sti" : : : "memory");
}
inline void disable_interrupts() {
    asm volatile("cli" : : : "memory");
}
[[nodiscard]] inline bool interrupts_enabled() {
    std::uint32_t flags = 0;
    asm volatile("pushf\n\tpop %0" : "=r"(flags));
    return (flags & kFlagInterrupts) != 0;
}

/// Sleeps until an interrupt has been handled; interrupts are on afterwards. To wait for a condition without missing
/// the interrupt that brings it: disable_interrupts(), look, wait_for_interrupt() — STI takes effect after
/// the HLT that follows it (SDM volume 2, STI).
inline void wait_for_interrupt() {
    asm volatile("sti\n\thlt" : : : "memory");
}

/// Interrupts off for a scope, then as before.
class InterruptsOff {
public:
    InterruptsOff() : were_on_(interrupts_enabled()) { disable_interrupts(); }
    ~InterruptsOff() {
        if (were_on_) enable_interrupts();
    }
    InterruptsOff(const InterruptsOff&) = delete;
    InterruptsOff& operator=(const InterruptsOff&) = delete;

private:
    bool were_on_;
};

/// Moves the IRQs to vectors 32..47 and masks them all. Once.
void init_interrupt_controllers();
/// Installs the handler of an IRQ (0..15) and unmasks it. Handlers run with interrupts off and must be short.
void set_irq_handler(unsigned irq, void (*handler)());
/// Vectors 32..47: calls the handler, tells the controller; spurious interrupts are counted and dropped.
void dispatch_irq(unsigned irq);
[[nodiscard]] std::uint32_t spurious_interrupts();
/// IRQ `irq` has been raised and not been handled yet. Interrupts off.
[[nodiscard]] bool irq_pending(unsigned irq);

}  // namespace quire::kernel
