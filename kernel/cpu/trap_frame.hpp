#pragma once
/// The registers of whatever was running when the processor entered the kernel: a program or the kernel itself.
/// One layout for exceptions, interrupts and system calls; kernel/cpu/entry.S builds it.
///
///      high   ┌ ss          ┐ pushed by the processor, only when it came from user mode
///             │ esp         ┘ (Intel SDM volume 3, 6.12.1 "Exception- or Interrupt-Handler Procedures")
///             │ eflags cs eip
///             │ error         by the processor for some exceptions, else 0
///             │ vector        exception 0..31, 32 + IRQ, or 0x80
///             │ eax ecx edx ebx (esp) ebp esi edi      PUSHA
///      low    └ ds es
///
/// fs and gs are not in the frame: the kernel never uses them, so that a program's stay loaded until
/// another program runs (kernel/cpu/segments.hpp).

#include <cstddef>
#include <cstdint>

namespace quire::kernel {

struct TrapFrame {
    std::uint32_t es;  ///< only the low 16 bits count
    std::uint32_t ds;  ///< only the low 16 bits count
    std::uint32_t edi;
    std::uint32_t esi;
    std::uint32_t ebp;
    std::uint32_t pusha_esp;  ///< what PUSHA stored; POPA ignores it
    std::uint32_t ebx;
    std::uint32_t edx;
    std::uint32_t ecx;
    std::uint32_t eax;
    std::uint32_t vector;
    std::uint32_t error;
    std::uint32_t eip;
    std::uint32_t cs;
    std::uint32_t eflags;
    std::uint32_t esp;  ///< from user mode only; the kernel's own esp is kernel_stack_pointer()
    std::uint32_t ss;   ///< from user mode only

    [[nodiscard]] bool from_user() const { return (cs & 3U) != 0; }
    /// The stack pointer at the trap when it came from the kernel: the processor pushed neither esp nor ss.
    [[nodiscard]] std::uint32_t kernel_stack_pointer() const {
        return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&esp));
    }
};
static_assert(sizeof(TrapFrame) == 68 && offsetof(TrapFrame, vector) == 40 && offsetof(TrapFrame, cs) == 52,
              "kernel/cpu/entry.S relies on this layout");

/// Vectors that have a name here. Intel SDM volume 3, table 6-1.
enum class Vector : std::uint32_t {
    divide_error = 0,
    debug = 1,
    nmi = 2,
    breakpoint = 3,
    overflow = 4,
    bound_range = 5,
    invalid_opcode = 6,
    no_fpu = 7,
    double_fault = 8,
    invalid_tss = 10,
    segment_not_present = 11,
    stack_fault = 12,
    general_protection = 13,
    page_fault = 14,
    fpu_error = 16,
    alignment_check = 17,
    machine_check = 18,
    simd_error = 19,
    first_irq = 32,
    system_call = 0x80,
};

/// "page fault", "general protection", … or "exception" for a vector without a name.
[[nodiscard]] const char* exception_name(std::uint32_t vector);

/// Bits of eflags. Intel SDM volume 1, 3.4.3.
inline constexpr std::uint32_t kFlagAlwaysOne = 1U << 1;
inline constexpr std::uint32_t kFlagTrap = 1U << 8;
inline constexpr std::uint32_t kFlagInterrupts = 1U << 9;
inline constexpr std::uint32_t kFlagDirection = 1U << 10;
/// What a program may set for itself (signal return, …): arithmetic flags, TF, DF, RF, AC, ID.
inline constexpr std::uint32_t kUserFlags = 0x0024'0CD5U | kFlagTrap | (1U << 16);

}  // namespace quire::kernel
