#include "kernel/cpu/segments.hpp"

#include "kernel/boot/image.hpp"
#include "kernel/cpu/task_state.hpp"

extern "C" void enter_double_fault();

namespace quire::kernel {

namespace {

// Bits of a descriptor's high word. Intel SDM volume 3, figure 3-8.
constexpr std::uint32_t kPresent = 1U << 15;
constexpr std::uint32_t kPrivilege3 = 3U << 13;
constexpr std::uint32_t kCodeOrData = 1U << 12;
constexpr std::uint32_t kCode = 0xAU << 8;  // execute, read
constexpr std::uint32_t kData = 0x0U << 8;  // read
constexpr std::uint32_t kWritable = 1U << 9;
constexpr std::uint32_t kExpandDown = 1U << 10;
constexpr std::uint32_t kAccessed = 1U << 8;  // set at once: the processor then never writes to the table
constexpr std::uint32_t kTask = 0x9U << 8;    // 32-bit task state, available
constexpr std::uint32_t kBig = 1U << 22;
constexpr std::uint32_t kPages = 1U << 23;
constexpr std::uint32_t kFlatLimit = 0xF'FFFF;

constexpr Descriptor descriptor(std::uint32_t base, std::uint32_t limit, std::uint32_t flags) {
    const std::uint32_t low = base << 16 | (limit & 0xFFFFU);
    const std::uint32_t high = (base & 0xFF00'0000U) | (limit & 0xF'0000U) | flags | (base >> 16 & 0xFFU);
    return {std::uint64_t{high} << 32 | low};
}

constexpr std::uint32_t kFlat = kPresent | kCodeOrData | kAccessed | kBig | kPages;

constinit std::array<Descriptor, 10> table{{
    {},
    descriptor(0, kFlatLimit, kFlat | kCode),
    descriptor(0, kFlatLimit, kFlat | kData | kWritable),
    descriptor(0, kFlatLimit, kFlat | kCode | kPrivilege3),
    descriptor(0, kFlatLimit, kFlat | kData | kWritable | kPrivilege3),
}};
static_assert(kUserCode == 3 * 8 + 3 && kUserData == 4 * 8 + 3 && kTaskState == 5 * 8 && kDoubleFaultTask == 9 * 8);

constexpr std::uint32_t kNoIoMap = sizeof(TaskState) << 16;  // beyond the limit: no port is open to programs

constinit TaskState main_task{};
constinit TaskState double_fault_task{};

/// Big enough for a panic's report. Kernel image pages: mapped in every space.
constexpr std::size_t kDoubleFaultStack = 8192;
alignas(16) constinit std::array<std::byte, kDoubleFaultStack> double_fault_stack{};

std::uint32_t address_of(const void* object) {
    return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(object));
}

struct [[gnu::packed]] TablePointer {
    std::uint16_t limit;
    std::uint32_t base;
};

}  // namespace

const TaskState& main_task_state() {
    return main_task;
}

Descriptor make_descriptor(const ThreadSegment& segment) {
    std::uint32_t flags = kPresent | kPrivilege3 | kCodeOrData | kData | kAccessed;
    if (segment.writable) flags |= kWritable;
    if (segment.expand_down) flags |= kExpandDown;
    if (segment.big) flags |= kBig;
    if (segment.limit_in_pages) flags |= kPages;
    return descriptor(segment.base.value, segment.limit & kFlatLimit, flags);
}

void save_user_segments(UserSegments& segments) {
    asm volatile("movw %%fs, %0\n\tmovw %%gs, %1" : "=m"(segments.fs), "=m"(segments.gs));
}

void load_user_segments(const UserSegments& segments) {
    for (std::uint32_t i = 0; i < kThreadEntries; ++i) table[kFirstThreadEntry + i] = segments.entries[i];
    // A selector whose descriptor is not there faults here; the fix-up loads 0, which never faults.
    asm volatile(R"(
1:      movw %0, %%fs
2:      movw %1, %%gs
        .pushsection .text.fixup, "ax"
3:      pushl $0
        popl %%fs
        jmp 2b
4:      pushl $0
        popl %%gs
        jmp 5f
        .popsection
        .pushsection .fixups, "a"
        .long 1b, 3b
        .long 2b, 4b
        .popsection
5:
)"
                 :
                 : "r"(segments.fs), "r"(segments.gs)
                 : "memory");
}

void set_kernel_stack(std::byte* stack_top) {
    main_task.esp0 = address_of(stack_top);
}

void init_segments(PhysicalAddress directory) {
    main_task.ss0 = kKernelStack;
    main_task.esp0 = address_of(quire_boot_stack_top);
    main_task.io_map = kNoIoMap;

    double_fault_task.ss0 = kKernelStack;
    double_fault_task.esp0 = double_fault_task.esp = address_of(double_fault_stack.data()) + kDoubleFaultStack;
    double_fault_task.cr3 = static_cast<std::uint32_t>(directory.value);
    double_fault_task.eip = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(enter_double_fault));
    double_fault_task.eflags = 2;
    double_fault_task.cs = kKernelCode;
    double_fault_task.ss = kKernelStack;
    double_fault_task.ds = double_fault_task.es = kUserData;
    double_fault_task.io_map = kNoIoMap;

    constexpr std::uint32_t kTaskLimit = sizeof(TaskState) - 1;
    table[kTaskState / 8] = descriptor(address_of(&main_task), kTaskLimit, kPresent | kTask);
    table[kDoubleFaultTask / 8] = descriptor(address_of(&double_fault_task), kTaskLimit, kPresent | kTask);

    // No local table: a selector into one must fault, and not read whatever the boot loader left as its address.
    const TablePointer pointer{sizeof table - 1, address_of(table.data())};
    asm volatile(R"(
        lgdt %0
        ljmp %1, $1f
1:      movw %w2, %%ss
        movw %w3, %%ds
        movw %w3, %%es
        movw %w4, %%fs
        movw %w4, %%gs
        ltr %w5
        lldt %w4
)"
                 :
                 : "m"(pointer), "i"(kKernelCode), "r"(std::uint32_t{kKernelStack}), "r"(std::uint32_t{kUserData}),
                   "r"(0U), "r"(std::uint32_t{kTaskState})
                 : "memory");
}

}  // namespace quire::kernel
