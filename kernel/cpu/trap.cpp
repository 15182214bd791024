#include "kernel/cpu/trap.hpp"

#include <array>
#include <bit>
#include <cstddef>

#include "kernel/boot/image.hpp"
#include "kernel/console/panic.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/segments.hpp"
#include "kernel/cpu/task_state.hpp"
#include "kernel/cpu/user_copy.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/processor.hpp"

extern "C" {
// kernel/cpu/entry.S
void enter_system_call();
void enter_page_fault();
extern const std::array<std::byte, 16> quire_trap_stubs[];

// Called from there.
[[gnu::regparm(2)]] void quire_page_fault(quire::kernel::TrapFrame& frame, std::uint32_t address);
[[gnu::regparm(1)]] void quire_dispatch_trap(quire::kernel::TrapFrame& frame);
void quire_double_fault();
extern quire::kernel::TrapHandlers quire_trap_handlers;
extern bool quire_user_work;
}

namespace quire::kernel {

namespace {

/// A gate of the interrupt table. Intel SDM volume 3, figure 6-2.
struct Gate {
    std::uint32_t low;
    std::uint32_t high;
};
constexpr std::uint32_t kPresent = 1U << 15;
constexpr std::uint32_t kPrivilege3 = 3U << 13;
constexpr std::uint32_t kTaskGate = 0x5U << 8;
constexpr std::uint32_t kInterruptGate = 0xEU << 8;  // clears the interrupt flag
constexpr std::uint32_t kTrapGate = 0xFU << 8;       // leaves it

constinit std::array<Gate, 256> gates{};  // a vector without a gate raises a general protection fault

Gate gate(const void* entry, std::uint32_t kind) {
    const auto address = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(entry));
    return {std::uint32_t{kKernelCode} << 16 | (address & 0xFFFFU), (address & 0xFFFF'0000U) | kPresent | kind};
}

[[gnu::regparm(1)]] void no_system_call(TrapFrame& frame) {
    panic("system call {} without a kernel", frame.eax);
}
bool no_page_fault(TrapFrame&, const PageFault&) {
    return false;
}
void no_user_exception(TrapFrame& frame, const PageFault* fault) {
    panic_with({&frame, fault != nullptr ? &fault->address : nullptr}, "exception in user mode without a kernel");
}
[[gnu::regparm(1)]] void no_user_work(TrapFrame&) {}

// Bits of a page fault's error code. Intel SDM volume 3, figure 4-12.
constexpr std::uint32_t kErrorPresent = 1U << 0;
constexpr std::uint32_t kErrorWrite = 1U << 1;

void restore_interrupts(const TrapFrame& frame) {
    if ((frame.eflags & kFlagInterrupts) != 0) enable_interrupts();
}

/// The exception is the kernel's own fault unless the instruction has a fix-up.
bool fix_up(TrapFrame& frame) {
    const auto fixup = fixup_for(frame.eip);
    if (fixup) frame.eip = *fixup;
    return fixup.has_value();
}

[[noreturn]] void panic_on_page_fault(const TrapFrame& frame, VirtualAddress address) {
    const bool write = (frame.error & kErrorWrite) != 0;
    char text[120];
    panic_with({&frame, &address},
               format_into(text, "page fault: {} {}: {}",
                           write                        ? "write to"
                           : address.value == frame.eip ? "execution at"
                                                        : "read of",
                           address, (frame.error & kErrorPresent) != 0 ? "not allowed" : "not mapped"));
}

[[noreturn]] void panic_on_exception(const TrapFrame& frame) {
    char text[80];
    panic_with({&frame, nullptr}, format_into(text, "{} (error {:#x})", exception_name(frame.vector), frame.error));
}

/// Exceptions of the kernel, page faults apart.
void kernel_exception(TrapFrame& frame) {
    constexpr auto kBreakpoint = static_cast<std::uint32_t>(Vector::breakpoint);
    constexpr auto kDebug = static_cast<std::uint32_t>(Vector::debug);
    if (frame.vector == kDebug && (frame.eflags & kFlagTrap) == 0)
        return;  // left over from a program that steps itself
    if (frame.vector == kBreakpoint || !fix_up(frame)) panic_on_exception(frame);
}

}  // namespace

void set_trap_handlers(const TrapHandlers& handlers) {
    quire_trap_handlers = handlers;
}

const TrapHandlers& trap_handlers() {
    return quire_trap_handlers;
}

void request_user_work() {
    __atomic_store_n(&quire_user_work, true, __ATOMIC_RELAXED);
}

void init_traps() {
    for (std::size_t vector = 0; vector < 48; ++vector) gates[vector] = gate(&quire_trap_stubs[vector], kInterruptGate);
    const auto with = [](Vector vector) -> Gate& { return gates[static_cast<std::size_t>(vector)]; };
    with(Vector::breakpoint).high |= kPrivilege3;
    with(Vector::overflow).high |= kPrivilege3;
    with(Vector::double_fault) = {std::uint32_t{kDoubleFaultTask} << 16, kPresent | kTaskGate};
    with(Vector::page_fault) = gate(std::bit_cast<const void*>(&enter_page_fault), kInterruptGate);
    with(Vector::system_call) = gate(std::bit_cast<const void*>(&enter_system_call), kTrapGate | kPrivilege3);
    struct [[gnu::packed]] {
        std::uint16_t limit;
        const void* base;
    } const pointer{sizeof gates - 1, gates.data()};
    asm volatile("lidt %0" : : "m"(pointer) : "memory");
}

}  // namespace quire::kernel

using namespace quire::kernel;

static_assert(offsetof(TrapHandlers, system_call) == 0 && offsetof(TrapHandlers, before_user_mode) == 12,
              "kernel/cpu/entry.S relies on this layout");
constinit TrapHandlers quire_trap_handlers{no_system_call, no_page_fault, no_user_exception, no_user_work};
constinit bool quire_user_work = false;

void quire_page_fault(TrapFrame& frame, std::uint32_t address) {
    const bool user = frame.from_user();
    // The kernel touches user addresses only at instructions that have a fix-up, and faults nowhere else.
    if (!user && (address >= kUserLimit || !fixup_for(frame.eip))) panic_on_page_fault(frame, {address});
    restore_interrupts(frame);
    const bool write = (frame.error & kErrorWrite) != 0;
    const PageFault fault{{address},
                          write                  ? quire::Access::write
                          : address == frame.eip ? quire::Access::execute
                                                 : quire::Access::read,
                          (frame.error & kErrorPresent) != 0,
                          user};
    if (quire_trap_handlers.page_fault(frame, fault)) return;
    if (user)
        quire_trap_handlers.user_exception(frame, &fault);
    else
        static_cast<void>(fix_up(frame));
}

void quire_dispatch_trap(TrapFrame& frame) {
    constexpr auto kFirstIrq = static_cast<std::uint32_t>(Vector::first_irq);
    if (frame.vector >= kFirstIrq) {
        dispatch_irq(frame.vector - kFirstIrq);
    } else if (frame.vector == static_cast<std::uint32_t>(Vector::nmi) ||
               frame.vector == static_cast<std::uint32_t>(Vector::machine_check)) {
        panic_on_exception(frame);  // the machine's trouble, whatever was running
    } else if (frame.from_user()) {
        enable_interrupts();
        quire_trap_handlers.user_exception(frame, nullptr);
    } else {
        kernel_exception(frame);
    }
}

void quire_double_fault() {
    const TaskState& broken = main_task_state();
    TrapFrame frame{};
    frame.es = broken.es;
    frame.ds = broken.ds;
    frame.edi = broken.edi;
    frame.esi = broken.esi;
    frame.ebp = broken.ebp;
    frame.ebx = broken.ebx;
    frame.edx = broken.edx;
    frame.ecx = broken.ecx;
    frame.eax = broken.eax;
    frame.vector = static_cast<std::uint32_t>(Vector::double_fault);
    frame.eip = broken.eip;
    frame.cs = broken.cs;
    frame.eflags = broken.eflags;
    frame.esp = broken.esp;
    frame.ss = broken.ss;
    // The processor could not push onto the stack: the page fault about that left its address in CR2.
    const quire::VirtualAddress address{quire::port::read_cr2()};
    constexpr std::uint32_t kNear = 2 * quire::kPageSize;
    const bool overflow = address.value >= kUserLimit && broken.esp - address.value < kNear;
    char text[120];
    panic_with({&frame, &address},
               overflow ? format_into(text, "kernel stack overflow at {} (esp {:#x})", address, broken.esp)
                        : std::string_view("double fault"));
}
