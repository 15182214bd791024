#pragma once
/// Signals: what a process does about them, which are blocked, which are waiting. signal(7), sigaction(2); frames as
/// Linux/i386
/// lays them out.

#include <array>
#include <cstdint>

#include "kernel/base/errno.hpp"
#include "kernel/cpu/trap_frame.hpp"
#include "quire/base/address.hpp"

namespace quire::kernel {

struct Process;

/// Numbers that the kernel itself uses.
enum class Signal : std::uint8_t {
    interrupt = 2,
    illegal = 4,
    trap = 5,
    abort = 6,
    bus = 7,
    arithmetic = 8,
    kill = 9,
    segment = 11,
    pipe = 13,
    alarm = 14,
    child = 17,
    resume = 18,
    stop = 19,
    terminal_stop = 20,
    terminal_in = 21,
    terminal_out = 22,
    urgent = 23,
    window = 28,
};
inline constexpr unsigned kSignals = 64;  ///< 1 to 64

/// A set of signals: bit n - 1 is signal n.
using SignalSet = std::uint64_t;
[[nodiscard]] constexpr SignalSet signal_bit(unsigned number) {
    return SignalSet{1} << (number - 1);
}
[[nodiscard]] constexpr SignalSet signal_bit(Signal signal) {
    return signal_bit(static_cast<unsigned>(signal));
}
/// SIGKILL and SIGSTOP: never blocked, caught or ignored.
inline constexpr SignalSet kUnblockable = signal_bit(Signal::kill) | signal_bit(Signal::stop);

/// As the kernel's struct sigaction of i386 lies in memory.
struct SignalAction {
    std::uint32_t handler = 0;  ///< 0 default, 1 ignore, else an address
    std::uint32_t flags = 0;    ///< kSa…
    std::uint32_t restorer = 0;
    SignalSet mask = 0;
};
inline constexpr std::uint32_t kHandlerDefault = 0;
inline constexpr std::uint32_t kHandlerIgnore = 1;
inline constexpr std::uint32_t kSaSigInfo = 0x4;
inline constexpr std::uint32_t kSaRestorer = 0x0400'0000;
inline constexpr std::uint32_t kSaOnStack = 0x0800'0000;
inline constexpr std::uint32_t kSaNoDefer = 0x4000'0000;
inline constexpr std::uint32_t kSaResetHandler = 0x8000'0000;

/// sigaltstack(2).
struct AlternateStack {
    std::uint32_t start = 0;
    std::uint32_t flags = 2;  ///< SS_DISABLE
    std::uint32_t bytes = 0;
};

/// What a handler is told about its signal: the beginning of siginfo_t.
struct SignalInfo {
    std::int32_t code = 0;      ///< SI_USER, SEGV_MAPERR, …
    std::uint32_t address = 0;  ///< of a fault; else the sender's process id
};

struct Signals {
    std::array<SignalAction, kSignals + 1> actions{};  ///< by number
    SignalSet blocked = 0;
    SignalSet pending = 0;
    SignalInfo info{};  ///< of the last signal that was raised
    AlternateStack alternate;
    bool restore_mask = false;  ///< after rt_sigsuspend: the mask that delivery saves is this one
    SignalSet mask_after_delivery = 0;

    /// Something waits that is not blocked.
    [[nodiscard]] bool wants_delivery() const { return (pending & ~blocked) != 0; }
};

/// Makes a signal wait for `process` unless it is ignored, and wakes it.
void raise_signal(Process& process, unsigned number, const SignalInfo& info = {});

/// A fault of the running program: its handler runs next; without one, or when the signal is blocked, the program ends
/// here.
void raise_fault_signal(TrapFrame& frame, Signal signal, const SignalInfo& info);

/// On the way back to user mode: delivers what is pending, by changing the frame so that a handler runs, or ends the
/// process.
void deliver_signals(TrapFrame& frame);

/// sigreturn(2), both forms: takes back what deliver_signals put on the stack. Ends the program if the stack is
/// unreadable.
void return_from_signal(TrapFrame& frame, bool with_info);

/// What happens to a signal that nobody handles.
enum class DefaultAction : std::uint8_t { terminate, ignore };
[[nodiscard]] DefaultAction default_action(unsigned number);

}  // namespace quire::kernel
