#include "tests/kernel/user_mode.hpp"

#include "kernel/boot/image.hpp"
#include "kernel/cpu/context.hpp"
#include "kernel/cpu/segments.hpp"
#include "kernel/cpu/user_copy.hpp"
#include "kernel/memory/memory.hpp"
#include "tests/kernel/case.hpp"
#include "tests/kernel/test_space.hpp"

namespace quire::kernel {

namespace {

struct Running {
    UserRun result;
    UserHooks hooks;
    Context test;
    Context program;
};
constinit Running* running = nullptr;

void end(TrapFrame& frame) {
    running->result.ran = true;
    running->result.last = frame;
    switch_context(running->program, running->test);
}

[[gnu::regparm(1)]] void on_system_call(TrapFrame& frame) {
    if (frame.eax == 0) end(frame);
    ++running->result.calls;
    if (running->hooks.on_call != nullptr) running->hooks.on_call(frame);
}
void on_exception(TrapFrame& frame, const PageFault* fault) {
    running->result.fault = fault != nullptr;
    if (fault != nullptr) running->result.page_fault = *fault;
    end(frame);
}
[[gnu::regparm(1)]] void on_work(TrapFrame& frame) {
    ++running->result.works;
    if (running->hooks.on_work != nullptr) running->hooks.on_work(frame);
}

}  // namespace

UserRun run_user(std::span<const std::byte> code, const UserHooks& hooks) {
    Running state{{}, hooks, {}, {}};
    TestSpace test;
    if (!test.ready()) return {};
    constexpr PageCount kKernelStackPages{2};
    const auto stack =
        memory().kernel_space.acquire({.count = kKernelStackPages, .alignment = {1}, .guard = PageCount{1}});
    if (!check(stack.has_value(), "a kernel stack")) return {};
    if (!check(copy_to_user(TestSpace::start(), code), "the code")) return {};
    TrapHandlers handlers = trap_handlers();
    handlers.system_call = on_system_call;
    handlers.user_exception = on_exception;
    handlers.before_user_mode = on_work;
    set_trap_handlers(handlers);

    std::byte* const top = Machine::pointer(address_of(*stack + kKernelStackPages));
    TrapFrame& frame = prepare_user_context(state.program, top);
    frame.eip = static_cast<std::uint32_t>(TestSpace::start().value);
    frame.esp = static_cast<std::uint32_t>(TestSpace::end().value);
    running = &state;
    set_kernel_stack(top);
    switch_context(state.test, state.program);
    set_kernel_stack(quire_boot_stack_top);
    load_user_segments({});
    running = nullptr;
    memory().kernel_space.release(*stack);
    return state.result;
}

}  // namespace quire::kernel
