#include "kernel/process/signals.hpp"

#include <bit>
#include <cstring>

#include "kernel/cpu/trap.hpp"
#include "kernel/cpu/user_copy.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/process/signal_frame.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint32_t kSysSigreturn = 119;
constexpr std::uint32_t kSysRtSigreturn = 173;
constexpr std::uint32_t kMagicWithImage = 0x0000'0000;
constexpr std::uint32_t kStackOnStack = 1;
constexpr std::uint32_t kStackDisabled = 2;

[[noreturn]] void end_by(unsigned number) {
    end_current_process({.code = 0, .signal = static_cast<std::uint8_t>(number)});
}

bool is_ignored(const SignalAction& action, unsigned number) {
    if (action.handler == kHandlerIgnore) return true;
    return action.handler == kHandlerDefault && default_action(number) == DefaultAction::ignore;
}

/// What the handler's return brings back.
SignalSet mask_to_save(const Signals& signals) {
    return signals.restore_mask ? signals.mask_after_delivery : signals.blocked;
}

SignalContext context_of(const TrapFrame& frame, const Process& process, std::uint32_t fpu_state) {
    SignalContext context{};
    UserSegments segments;
    save_user_segments(segments);
    context.gs = segments.gs;
    context.fs = segments.fs;
    context.es = frame.es & 0xFFFFU;
    context.ds = frame.ds & 0xFFFFU;
    context.edi = frame.edi;
    context.esi = frame.esi;
    context.ebp = frame.ebp;
    context.esp = context.esp_at_signal = frame.esp;
    context.ebx = frame.ebx;
    context.edx = frame.edx;
    context.ecx = frame.ecx;
    context.eax = frame.eax;
    context.trap_number = frame.vector;
    context.error = frame.error;
    context.eip = frame.eip;
    context.cs = frame.cs & 0xFFFFU;
    context.eflags = frame.eflags;
    context.ss = frame.ss & 0xFFFFU;
    context.fpu_state = fpu_state;
    context.old_mask = static_cast<std::uint32_t>(mask_to_save(process.signals));
    context.fault_address = process.signals.info.address;
    return context;
}

void restore_context(TrapFrame& frame, const SignalContext& context) {
    frame.edi = context.edi;
    frame.esi = context.esi;
    frame.ebp = context.ebp;
    frame.esp = context.esp;
    frame.ebx = context.ebx;
    frame.edx = context.edx;
    frame.ecx = context.ecx;
    frame.eax = context.eax;
    frame.eip = context.eip;
    // Only what a program may set for itself; selectors stay the kernel's choice.
    frame.eflags = (context.eflags & kUserFlags) | kFlagAlwaysOne | kFlagInterrupts;
    if (context.fpu_state == 0) return;
    SignalFpuState saved;
    if (!copy_from_user(std::as_writable_bytes(std::span(&saved, 1)), {context.fpu_state})) return;
    FpuState state;
    std::memcpy(&state, saved.image.data(), sizeof state);
    // Reserved bits of MXCSR would make FXRSTOR fault in the kernel (SDM volume 1, 11.6.6).
    constexpr std::size_t kMxcsr = 24;
    std::uint32_t mxcsr = 0;
    std::memcpy(&mxcsr, state.image.data() + kMxcsr, sizeof mxcsr);
    mxcsr &= 0xFFBFU;
    std::memcpy(state.image.data() + kMxcsr, &mxcsr, sizeof mxcsr);
    restore_fpu(state);
}

/// `mov eax, number; int 0x80`: for handlers that were installed without a restorer. i386 can execute its stack.
template <std::size_t N>
void write_return_code(std::array<std::uint8_t, N>& code, std::uint32_t number) {
    code = {0xB8, static_cast<std::uint8_t>(number), 0, 0, 0, 0xCD, 0x80, 0x90};
}

bool on_alternate_stack(const Signals& signals, std::uint32_t esp) {
    return esp - signals.alternate.start < signals.alternate.bytes && (signals.alternate.flags & kStackDisabled) == 0;
}

/// Puts the FPU's registers below `esp` and returns where.
std::uint32_t push_fpu(std::uint32_t esp) {
    SignalFpuState saved;
    FpuState state;
    save_fpu(state);
    std::memcpy(saved.image.data(), &state, sizeof state);
    saved.legacy[27] = kMagicWithImage;
    const std::uint32_t address = (esp - static_cast<std::uint32_t>(sizeof saved)) & ~15U;
    return store_user({address}, saved) ? address : 0;
}

template <typename Frame>
bool enter_handler(TrapFrame& frame, const SignalAction& action, Frame& pushed, std::uint32_t address,
                   unsigned number) {
    pushed.number = number;
    const auto code = address + static_cast<std::uint32_t>(offsetof(Frame, return_code));
    pushed.return_address = (action.flags & kSaRestorer) != 0 ? action.restorer : code;
    if (!store_user({address}, pushed)) return false;
    frame.esp = address;
    frame.eip = action.handler;
    frame.eflags &= ~(kFlagTrap | kFlagDirection);
    return true;
}

bool push_plain(TrapFrame& frame, Process& process, const SignalAction& action, unsigned number, std::uint32_t esp,
                std::uint32_t fpu) {
    PlainFrame pushed{};
    // esp + 4 is a multiple of 16 at a function's entry: System V ABI, Intel386 supplement.
    const std::uint32_t address = ((esp - static_cast<std::uint32_t>(sizeof pushed)) & ~15U) - 4;
    pushed.context = context_of(frame, process, fpu);
    pushed.extra_mask = static_cast<std::uint32_t>(mask_to_save(process.signals) >> 32U);
    write_return_code(pushed.return_code, kSysSigreturn);
    // The restorer of a plain handler pops the number before it calls sigreturn; ours must look the same to it.
    if ((action.flags & kSaRestorer) == 0) pushed.return_code = {0x58, 0xB8, kSysSigreturn, 0, 0, 0, 0xCD, 0x80};
    if (!enter_handler(frame, action, pushed, address, number)) return false;
    frame.eax = number;
    frame.edx = frame.ecx = 0;
    return true;
}

bool push_info(TrapFrame& frame, Process& process, const SignalAction& action, unsigned number, std::uint32_t esp,
               std::uint32_t fpu) {
    InfoFrame pushed{};
    const std::uint32_t address = ((esp - static_cast<std::uint32_t>(sizeof pushed)) & ~15U) - 4;
    pushed.info_address = address + static_cast<std::uint32_t>(offsetof(InfoFrame, info));
    pushed.context_address = address + static_cast<std::uint32_t>(offsetof(InfoFrame, context));
    pushed.info[0] = number;
    pushed.info[2] = static_cast<std::uint32_t>(process.signals.info.code);
    pushed.info[3] = process.signals.info.address;
    const AlternateStack& stack = process.signals.alternate;
    pushed.context.stack_start = stack.start;
    pushed.context.stack_flags = on_alternate_stack(process.signals, frame.esp) ? kStackOnStack : stack.flags;
    pushed.context.stack_bytes = stack.bytes;
    pushed.context.context = context_of(frame, process, fpu);
    pushed.context.mask = mask_to_save(process.signals);
    write_return_code(pushed.return_code, kSysRtSigreturn);
    if (!enter_handler(frame, action, pushed, address, number)) return false;
    frame.eax = number;
    frame.edx = pushed.info_address;
    frame.ecx = pushed.context_address;
    return true;
}

/// Makes the handler of a signal run next. A stack that cannot be written ends the program with SIGSEGV.
void call_handler(TrapFrame& frame, Process& process, unsigned number) {
    Signals& signals = process.signals;
    SignalAction& action = signals.actions[number];
    std::uint32_t esp = frame.esp;
    const bool has_alternate = (signals.alternate.flags & kStackDisabled) == 0;
    if ((action.flags & kSaOnStack) != 0 && has_alternate && !on_alternate_stack(signals, esp)) {
        esp = signals.alternate.start + signals.alternate.bytes;
    }
    const std::uint32_t fpu = push_fpu(esp);
    const bool with_info = (action.flags & kSaSigInfo) != 0;
    const bool pushed = fpu != 0 && (with_info ? push_info(frame, process, action, number, fpu, fpu)
                                               : push_plain(frame, process, action, number, fpu, fpu));
    if (!pushed) end_by(static_cast<unsigned>(Signal::segment));
    signals.restore_mask = false;
    signals.blocked |= action.mask;
    if ((action.flags & kSaNoDefer) == 0) signals.blocked |= signal_bit(number);
    signals.blocked &= ~kUnblockable;
    if ((action.flags & kSaResetHandler) != 0) action.handler = kHandlerDefault;
}

}  // namespace

DefaultAction default_action(unsigned number) {
    // Stopping a program is not implemented: without job control nobody could continue it.
    constexpr SignalSet kIgnored = signal_bit(Signal::child) | signal_bit(Signal::resume) | signal_bit(Signal::urgent) |
                                   signal_bit(Signal::window) | signal_bit(Signal::stop) |
                                   signal_bit(Signal::terminal_stop) | signal_bit(Signal::terminal_in) |
                                   signal_bit(Signal::terminal_out);
    return (kIgnored & signal_bit(number)) != 0 ? DefaultAction::ignore : DefaultAction::terminate;
}

void raise_signal(Process& process, unsigned number, const SignalInfo& info) {
    if (process.state == ProcessState::ended) return;
    if (is_ignored(process.signals.actions[number], number)) return;
    process.signals.pending |= signal_bit(number);
    process.signals.info = info;
    if (process.signals.wants_delivery()) wake(process);
    request_user_work();
}

void raise_fault_signal(TrapFrame& frame, Signal signal, const SignalInfo& info) {
    Process& process = current_process();
    const auto number = static_cast<unsigned>(signal);
    const SignalAction& action = process.signals.actions[number];
    const bool blocked = (process.signals.blocked & signal_bit(number)) != 0;
    if (blocked || action.handler == kHandlerDefault || action.handler == kHandlerIgnore) end_by(number);
    process.signals.info = info;
    call_handler(frame, process, number);
}

void deliver_signals(TrapFrame& frame) {
    Process& process = current_process();
    while (process.signals.wants_delivery()) {
        const SignalSet ready = process.signals.pending & ~process.signals.blocked;
        const auto number = static_cast<unsigned>(std::countr_zero(ready)) + 1;
        process.signals.pending &= ~signal_bit(number);
        const SignalAction& action = process.signals.actions[number];
        if (is_ignored(action, number)) continue;
        if (action.handler == kHandlerDefault) end_by(number);
        call_handler(frame, process, number);
    }
    if (process.signals.restore_mask) {  // rt_sigsuspend was ended by a signal that is ignored
        process.signals.blocked = process.signals.mask_after_delivery;
        process.signals.restore_mask = false;
    }
}

void return_from_signal(TrapFrame& frame, bool with_info) {
    Process& process = current_process();
    SignalSet mask = 0;
    SignalContext context{};
    if (with_info) {
        // The handler's return took the return address off.
        const auto pushed = load_user<InfoFrame>({frame.esp - 4});
        if (!pushed) end_by(static_cast<unsigned>(Signal::segment));
        context = pushed->context.context;
        mask = pushed->context.mask;
    } else {
        // And the restorer the number.
        const auto pushed = load_user<PlainFrame>({frame.esp - 8});
        if (!pushed) end_by(static_cast<unsigned>(Signal::segment));
        context = pushed->context;
        mask = SignalSet{pushed->extra_mask} << 32U | context.old_mask;
    }
    process.signals.blocked = mask & ~kUnblockable;
    restore_context(frame, context);
    if (process.signals.wants_delivery()) request_user_work();
}

}  // namespace quire::kernel
