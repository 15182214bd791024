/// Into user mode and back, with everything that a program may do to its registers.

#include <cstdint>

#include "kernel/cpu/fpu.hpp"
#include "kernel/cpu/segments.hpp"
#include "kernel/cpu/timer.hpp"
#include "tests/kernel/case.hpp"
#include "tests/kernel/user_mode.hpp"

// Programs. They run at another address than they are linked at, so they contain no absolute ones.
asm(R"(
    .pushsection .rodata.user_programs, "a"

# All registers keep their values over a system call; the direction flag is the program's own.
keep_registers:
    movl $1, %eax
    movl $2, %ebx
    movl $3, %ecx
    movl $4, %edx
    movl $5, %esi
    movl $6, %edi
    movl $7, %ebp
    std
    int $0x80
    pushfl
    int $0x80
    popl %eax
    cld
    movl %eax, -0x100(%esp)
    movl $0, %eax
    int $0x80
keep_registers_end:

# ds and es are the program's own, too: a null selector over system calls, faults and interrupts.
own_segments:
    movl $0, %eax
    movl %eax, %ds
    movl $0x33, %eax
    movl %eax, %es
    movl %eax, %gs
    movl $1, %eax
    int $0x80
    pushl %eax
1:  testl %edx, %edx                    # until the timer has come by
    jz 1b
    movl %ds, %ebx
    movl %es, %ecx
    movl %gs, %esi
    movl $0, %eax
    int $0x80
own_segments_end:

# The descriptor goes away during the first call.
lost_segments:
    movl $0x33, %eax
    movl %eax, %ds
    movl %eax, %es
    movl $1, %eax
    int $0x80
    movl %ds, %ebx
    movl %es, %ecx
    movl $0, %eax
    int $0x80
lost_segments_end:

# The x87 and SSE registers survive a call in which the kernel runs with other ones.
keep_fpu:
    fldpi
    movl $0x12345678, %eax
    movd %eax, %xmm3
    movl $1, %eax
    int $0x80
    fldpi
    fcompp
    fnstsw %ax
    movl %eax, %ebx
    movd %xmm3, %ecx
    movl $0, %eax
    int $0x80
keep_fpu_end:

read_kernel:    movl 0xC0100000, %eax
read_kernel_end:
write_null:     movl %eax, 0x10
write_null_end:
jump_nowhere:   movl $0x80000000, %eax
                jmp *%eax
jump_nowhere_end:
halt:           hlt
halt_end:
clear_interrupts: cli
clear_interrupts_end:
port:           inb $0x60, %al
port_end:
fake_fault:     int $14
fake_fault_end:
unknown_vector: int $0x30
unknown_vector_end:
breakpoint:     int3
breakpoint_end:
divide:         xorl %edx, %edx
                divl %edx
divide_end:
undefined:      ud2
undefined_end:
local_table:    movl $7, %eax
                movl %eax, %fs
local_table_end:
kernel_segment: movl $0x10, %eax
                movl %eax, %ds
kernel_segment_end:
    .popsection
)");

extern "C" {
extern const std::byte keep_registers[], keep_registers_end[];
extern const std::byte own_segments[], own_segments_end[];
extern const std::byte lost_segments[], lost_segments_end[];
extern const std::byte keep_fpu[], keep_fpu_end[];
extern const std::byte read_kernel[], read_kernel_end[];
extern const std::byte write_null[], write_null_end[];
extern const std::byte jump_nowhere[], jump_nowhere_end[];
extern const std::byte halt[], halt_end[];
extern const std::byte clear_interrupts[], clear_interrupts_end[];
extern const std::byte port[], port_end[];
extern const std::byte fake_fault[], fake_fault_end[];
extern const std::byte unknown_vector[], unknown_vector_end[];
extern const std::byte breakpoint[], breakpoint_end[];
extern const std::byte divide[], divide_end[];
extern const std::byte undefined[], undefined_end[];
extern const std::byte local_table[], local_table_end[];
extern const std::byte kernel_segment[], kernel_segment_end[];
}

namespace quire::kernel {
namespace {

void registers_survive() {
    const UserRun run = run_user(code_between(keep_registers, keep_registers_end));
    if (!run.ran) return;
    const TrapFrame& last = run.last;
    check(run.calls == 2, "both calls arrived");
    check(last.ebx == 2 && last.ecx == 3 && last.edx == 4 && last.esi == 5 && last.edi == 6 && last.ebp == 7,
          "general registers are as they were");
    check(last.cs == kUserCode && (last.ss & 0xFFFFU) == kUserData, "in user mode");
    check((last.eflags & kFlagInterrupts) != 0, "with interrupts on");
}

void give_segment() {
    ThreadSegment segment;
    segment.limit = 0xFFFFF;
    segment.limit_in_pages = true;
    UserSegments segments;
    segments.entries[0] = make_descriptor(segment);
    load_user_segments(segments);
}

void segments_survive() {
    give_segment();
    const UserHooks hooks{
        .on_call = [](TrapFrame&) { start_slice(); },
        .on_work =
            [](TrapFrame& frame) {
                if (slice_expired()) frame.edx = 1;
            },
    };
    const UserRun run = run_user(code_between(own_segments, own_segments_end), hooks);
    if (!run.ran) return;
    check(!run.fault && run.last.vector == 0x80, "the program came to its end");
    check(run.works > 0, "the timer came by");
    check((run.last.ebx & 0xFFFFU) == 0, "ds stays null");
    check((run.last.ecx & 0xFFFFU) == 0x33, "es stays the program's");
    check((run.last.esi & 0xFFFFU) == 0x33, "gs stays the program's");
}

void lost_segments_become_null() {
    give_segment();
    const UserHooks hooks{.on_call = [](TrapFrame&) { load_user_segments({}); }};
    const UserRun run = run_user(code_between(lost_segments, lost_segments_end), hooks);
    if (!run.ran) return;
    check(!run.fault && run.last.vector == 0x80, "the program came to its end");
    check((run.last.ebx & 0xFFFFU) == 0 && (run.last.ecx & 0xFFFFU) == 0, "selectors without a descriptor are null");
}

void selectors_are_checked() {
    UserSegments segments;
    segments.fs = 0x33;  // not present
    segments.gs = 0x3B;
    load_user_segments(segments);
    save_user_segments(segments);
    check(segments.fs == 0 && segments.gs == 0, "a selector that cannot be loaded becomes null");
    give_segment();
    UserSegments with{};
    ThreadSegment segment;
    segment.limit = 0xFFF;
    with.entries[0] = make_descriptor(segment);
    with.gs = 0x33;
    load_user_segments(with);
    UserSegments read;
    save_user_segments(read);
    check(read.gs == 0x33 && read.fs == 0, "one that can be is");
    load_user_segments({});
}

constinit FpuState program_state{};
constinit FpuState other_state{};

void fpu_survives() {
    const UserHooks hooks{.on_call = [](TrapFrame&) {
        save_fpu(program_state);
        restore_fpu(kInitialFpuState);
        save_fpu(other_state);
        restore_fpu(program_state);
    }};
    const UserRun run = run_user(code_between(keep_fpu, keep_fpu_end), hooks);
    if (!run.ran) return;
    check((run.last.ebx & 0x4700U) == 0x4000U, "x87 register is as it was");  // FCOMPP: equal
    check(run.last.ecx == 0x1234'5678U, "SSE register is as it was");
    check(program_state.image[4] != std::byte{0}, "the program's x87 stack was in use");
    check(other_state.image[4] == std::byte{0}, "a new program's is empty");
}

void expect_exception(const std::byte* first, const std::byte* end, Vector vector, const char* what) {
    const UserRun run = run_user(code_between(first, end));
    if (run.ran) check(run.last.from_user() && run.last.vector == static_cast<std::uint32_t>(vector), what);
}

void exceptions_reach_the_program() {
    expect_exception(halt, halt_end, Vector::general_protection, "hlt is privileged");
    expect_exception(clear_interrupts, clear_interrupts_end, Vector::general_protection, "cli is privileged");
    expect_exception(port, port_end, Vector::general_protection, "ports are closed");
    expect_exception(fake_fault, fake_fault_end, Vector::general_protection, "exceptions cannot be called");
    expect_exception(unknown_vector, unknown_vector_end, Vector::general_protection, "other vectors neither");
    expect_exception(breakpoint, breakpoint_end, Vector::breakpoint, "breakpoints can");
    expect_exception(divide, divide_end, Vector::divide_error, "division by zero");
    expect_exception(undefined, undefined_end, Vector::invalid_opcode, "undefined instruction");
    expect_exception(kernel_segment, kernel_segment_end, Vector::general_protection, "kernel segments are closed");
}

/// On its own: v86 does not check the limit of a null local table.
void no_local_table() {
    expect_exception(local_table, local_table_end, Vector::general_protection, "there is no local descriptor table");
}

void expect_fault(const std::byte* first, const std::byte* end, std::uint32_t address, Access access, bool present) {
    const UserRun run = run_user(code_between(first, end));
    if (!run.ran || !check(run.fault, "a page fault")) return;
    check(run.page_fault.address.value == address, "the address is reported");
    check(run.page_fault.access == access, "the access is reported");
    check(run.page_fault.present == present && run.page_fault.user, "the kind is reported");
}

void bad_accesses_fault() {
    expect_fault(read_kernel, read_kernel_end, 0xC010'0000, Access::read, true);
    expect_fault(write_null, write_null_end, 0x10, Access::write, false);
    expect_fault(jump_nowhere, jump_nowhere_end, 0x8000'0000, Access::execute, false);
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"user_mode_registers_survive", registers_survive},
    {"user_mode_segments_survive", segments_survive},
    {"user_mode_lost_segments_become_null", lost_segments_become_null},
    {"user_mode_selectors_are_checked", selectors_are_checked},
    {"user_mode_fpu_survives", fpu_survives},
    {"user_mode_exceptions_reach_the_program", exceptions_reach_the_program},
    {"user_mode_no_local_table", no_local_table},
    {"user_mode_bad_accesses_fault", bad_accesses_fault},
};

}  // namespace
}  // namespace quire::kernel
