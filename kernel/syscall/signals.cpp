#include "kernel/process/signals.hpp"

#include "kernel/cpu/trap.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

bool valid_signal(std::uint32_t number) {
    return number >= 1 && number <= kSignals;
}
bool can_change(std::uint32_t number) {
    return valid_signal(number) && (kUnblockable & signal_bit(number)) == 0;
}

/// struct kernel_sigaction of i386: handler, flags, restorer, mask.
struct UserAction {
    std::uint32_t handler;
    std::uint32_t flags;
    std::uint32_t restorer;
    SignalSet mask;
} __attribute__((packed));
static_assert(sizeof(UserAction) == 20);

CallResult send(Process* process, std::uint32_t number) {
    if (number > kSignals) return fail(Errno::einval);
    if (process == nullptr || process->state == ProcessState::ended) return fail(Errno::esrch);
    if (number != 0)
        raise_signal(*process, number, {.code = 0, .address = static_cast<std::uint32_t>(current_process().id)});
    return 0U;
}

/// Sleeps until a signal wants to be delivered.
CallResult wait_for_signal() {
    while (sleep_until(0)) {
    }
    return fail(Errno::eintr);
}

}  // namespace

CallResult rt_sigaction(const Arguments& arguments) {
    if (!valid_signal(arguments.a) || arguments.d != sizeof(SignalSet)) return fail(Errno::einval);
    SignalAction& action = current_process().signals.actions[arguments.a];
    const UserAction before{action.handler, action.flags, action.restorer, action.mask};
    if (arguments.b != 0) {
        if (!can_change(arguments.a)) return fail(Errno::einval);
        const auto wanted = load_user<UserAction>({arguments.b});
        if (!wanted) return fail(Errno::efault);
        action = {.handler = wanted->handler,
                  .flags = wanted->flags,
                  .restorer = wanted->restorer,
                  .mask = wanted->mask & ~kUnblockable};
    }
    if (arguments.c == 0) return 0U;
    return give(arguments.c, before);
}

CallResult signal(const Arguments& arguments) {
    if (!can_change(arguments.a)) return fail(Errno::einval);
    SignalAction& action = current_process().signals.actions[arguments.a];
    const std::uint32_t before = action.handler;
    action = {.handler = arguments.b, .flags = kSaResetHandler | kSaNoDefer};
    return before;
}

CallResult rt_sigprocmask(const Arguments& arguments) {
    if (arguments.d != sizeof(SignalSet)) return fail(Errno::einval);
    Signals& signals = current_process().signals;
    const SignalSet before = signals.blocked;
    if (arguments.b != 0) {
        const auto set = load_user<SignalSet>({arguments.b});
        if (!set) return fail(Errno::efault);
        enum : std::uint32_t { block = 0, unblock = 1, replace = 2 };
        if (arguments.a > replace) return fail(Errno::einval);
        if (arguments.a == block) signals.blocked |= *set;
        if (arguments.a == unblock) signals.blocked &= ~*set;
        if (arguments.a == replace) signals.blocked = *set;
        signals.blocked &= ~kUnblockable;
        if (signals.wants_delivery()) request_user_work();
    }
    if (arguments.c == 0) return 0U;
    return give(arguments.c, before);
}

CallResult rt_sigpending(const Arguments& arguments) {
    const Signals& signals = current_process().signals;
    if (arguments.b > sizeof(SignalSet)) return fail(Errno::einval);
    return give(arguments.a, signals.pending & signals.blocked);
}

CallResult rt_sigsuspend(const Arguments& arguments) {
    if (arguments.b != sizeof(SignalSet)) return fail(Errno::einval);
    const auto set = load_user<SignalSet>({arguments.a});
    if (!set) return fail(Errno::efault);
    Signals& signals = current_process().signals;
    // The mask that holds again when the handler is through: delivery saves what it finds.
    const SignalSet before = signals.blocked;
    signals.blocked = *set & ~kUnblockable;
    const auto result = wait_for_signal();
    signals.mask_after_delivery = before;
    signals.restore_mask = true;
    request_user_work();
    return result;
}

CallResult sigaltstack(const Arguments& arguments) {
    AlternateStack& stack = current_process().signals.alternate;
    const AlternateStack before = stack;
    constexpr std::uint32_t kDisable = 2;
    constexpr std::uint32_t kSmallest = 2048;  // MINSIGSTKSZ
    if (arguments.a != 0) {
        const auto wanted = load_user<AlternateStack>({arguments.a});
        if (!wanted) return fail(Errno::efault);
        if ((wanted->flags & ~kDisable) != 0) return fail(Errno::einval);
        if ((wanted->flags & kDisable) == 0 && wanted->bytes < kSmallest) return fail(Errno::enomem);
        stack = *wanted;
    }
    if (arguments.b == 0) return 0U;
    return give(arguments.b, before);
}

CallResult kill(const Arguments& arguments) {
    const auto target = static_cast<ProcessId>(arguments.a);
    // A group is a process here: 0 and its own number negated mean itself.
    const Process& process = current_process();
    const ProcessId id = target == 0 || target == -1 ? process.id : target < 0 ? -target : target;
    return send(find_process(id), arguments.b);
}

CallResult tkill(const Arguments& arguments) {
    return send(find_process(static_cast<ProcessId>(arguments.a)), arguments.b);
}

CallResult tgkill(const Arguments& arguments) {
    if (arguments.a != arguments.b) return fail(Errno::esrch);
    return send(find_process(static_cast<ProcessId>(arguments.b)), arguments.c);
}

CallResult pause(const Arguments&) {
    return wait_for_signal();
}

}  // namespace quire::kernel::calls
