#pragma once
/// The task-state segment. Intel SDM volume 3, 7.2.1, figure 7-2. Only its ring-0 stack is used, except for double
/// faults, where the processor saves and loads all of it.

#include <cstdint>

namespace quire::kernel {

struct TaskState {
    std::uint32_t previous;
    std::uint32_t esp0;
    std::uint32_t ss0;
    std::uint32_t unused[4];  // stacks of rings 1 and 2
    std::uint32_t cr3;
    std::uint32_t eip;
    std::uint32_t eflags;
    std::uint32_t eax, ecx, edx, ebx, esp, ebp, esi, edi;
    std::uint32_t es, cs, ss, ds, fs, gs;
    std::uint32_t ldt;
    std::uint32_t io_map;  // high half: offset of the I/O permission map
};
static_assert(sizeof(TaskState) == 104);

/// The task state of everything but double faults; after one, it holds the registers of what ran.
[[nodiscard]] const TaskState& main_task_state();

}  // namespace quire::kernel
