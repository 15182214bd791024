#include "kernel/cpu/context.hpp"

#include "kernel/cpu/segments.hpp"

extern "C" {
void return_to_user_mode();
void start_kernel_task();
}

namespace quire::kernel {

namespace {

/// What switch_context pops, in this order, then where it returns to.
struct Start {
    std::uint32_t edi = 0;
    std::uint32_t esi = 0;
    std::uint32_t ebx = 0;
    std::uint32_t ebp = 0;  // backtraces end here
    void (*eip)() = nullptr;
};
static_assert(sizeof(Start) == 20);

}  // namespace

TrapFrame& prepare_user_context(Context& context, std::byte* stack_top) {
    TrapFrame& frame = user_frame(stack_top);
    frame = {};
    frame.es = frame.ds = frame.ss = kUserData;
    frame.cs = kUserCode;
    frame.eflags = kFlagAlwaysOne | kFlagInterrupts;
    auto* const start = reinterpret_cast<Start*>(&frame) - 1;
    *start = {};
    start->eip = return_to_user_mode;
    context.stack_pointer = start;
    return frame;
}

void prepare_kernel_context(Context& context, std::byte* stack_top, void (*entry)(void*), void* argument) {
    // Two words above: a return address of 0, where backtraces end.
    auto* const start = reinterpret_cast<Start*>(stack_top - 16) - 1;
    *start = {};
    start->ebx = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(entry));
    start->esi = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(argument));
    start->eip = start_kernel_task;
    context.stack_pointer = start;
}

}  // namespace quire::kernel
