/// How the kernel dies: each case in a boot of its own, judged by the panic line.

#include <cstdint>

#include "kernel/boot/image.hpp"
#include "kernel/console/panic.hpp"
#include "kernel/cpu/context.hpp"
#include "kernel/memory/memory.hpp"
#include "quire/base/defect.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

void write_to(std::uintptr_t address) {
    *reinterpret_cast<volatile std::uint32_t*>(address) = 1;
}

void wild_write() {
    write_to(0xDEAD'BEEC);
}
void null_write() {
    write_to(0);
}
/// Below 1 MiB there is memory; it must not be reachable at its physical address (gotcha 13).
void identity_read() {
    static_cast<void>(*reinterpret_cast<volatile std::uint32_t*>(0x0010'0000));
}
/// Only CR0.WP makes the kernel obey (gotcha 21).
void text_write() {
    write_to(reinterpret_cast<std::uintptr_t>(quire_image_start));
}
void list_guard_write() {
    write_to(0xFFAF'F000);
}
void broken_invariant() {
    require(false, "I0: this never holds");
}
void invalid_instruction() {
    asm volatile("ud2");
}

/// The report itself faults: the second line still comes out, and the machine ends (gotcha 17).
void panic_in_panic() {
    const auto* const nowhere = reinterpret_cast<const VirtualAddress*>(0xDEAD'BEE0);
    panic_with({nullptr, nowhere}, "the outer one");
}

[[gnu::noinline]] std::uint32_t recurse(volatile std::uint32_t* stop, std::uint32_t depth) {
    volatile char big[512];
    big[0] = static_cast<char>(depth);
    return *stop != 0 ? depth : recurse(stop, depth + 1) + static_cast<std::uint32_t>(big[0]);
}
void overflow_stack(void*) {
    volatile std::uint32_t never = 0;
    static_cast<void>(recurse(&never, 0));
}
void boot_stack_overflow() {
    overflow_stack(nullptr);
}

/// A stack from kernel space, as processes have one.
void task_stack_overflow() {
    constexpr PageCount kPages{2};
    const auto first = memory().kernel_space.acquire({.count = kPages, .alignment = {1}, .guard = PageCount{1}});
    if (!check(first.has_value(), "a stack")) return;
    Context here;
    Context task;
    prepare_kernel_context(task, Machine::pointer(address_of(*first + kPages)), overflow_stack, nullptr);
    switch_context(here, task);
}

/// In another space than the one of boot: the double-fault task brings its own CR3 (gotcha 68).
void task_stack_overflow_elsewhere() {
    constexpr PageCount kPages{2};
    Directory directory;
    if (!check(memory().paging.create(directory).has_value(), "a directory")) return;
    const auto first = memory().kernel_space.acquire({.count = kPages, .alignment = {1}, .guard = PageCount{1}});
    if (!check(first.has_value(), "a stack")) return;
    Machine::activate(directory.frame);
    Context here;
    Context task;
    prepare_kernel_context(task, Machine::pointer(address_of(*first + kPages)), overflow_stack, nullptr);
    switch_context(here, task);
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"panic_wild_write", wild_write, "page fault: write to 0xDEADBEEC: not mapped"},
    {"panic_null_write", null_write, "page fault: write to 0x00000000: not mapped"},
    {"panic_identity_read", identity_read, "page fault: read of 0x00100000: not mapped"},
    {"panic_text_write", text_write, "page fault: write to 0xC0100000: not allowed"},
    {"panic_list_guard_write", list_guard_write, "page fault: write to 0xFFAFF000: not mapped"},
    {"panic_broken_invariant", broken_invariant, "I0: this never holds ("},
    {"panic_invalid_instruction", invalid_instruction, "invalid opcode (error 0x0)"},
    {"panic_in_panic", panic_in_panic, "the outer one"},
    {"panic_boot_stack_overflow", boot_stack_overflow, "kernel stack overflow at 0xC0"},
    {"panic_task_stack_overflow", task_stack_overflow, "kernel stack overflow at 0x"},
    {"panic_task_stack_overflow_elsewhere", task_stack_overflow_elsewhere, "kernel stack overflow at 0x"},
};

}  // namespace
}  // namespace quire::kernel
