#pragma once
/// The end of the machine. Last log line `quire: exit N`, then 0 (N = 0) or 1 to I/O port 0xF4, then it halts.

#include <cstdint>

#include "kernel/console/log.hpp"

namespace quire::kernel {

inline constexpr std::uint8_t kExitPanic = 70;
inline constexpr std::uint8_t kExitFatal = 125;          ///< the kernel could not do what it was asked
inline constexpr std::uint8_t kExitNotExecutable = 126;  ///< the program is not one that can be loaded
inline constexpr std::uint8_t kExitNotFound = 127;       ///< there is no such program

/// Lets the serial ports send everything, then ends. Does not depend on interrupts or memory.
[[noreturn]] void exit_machine(std::uint8_t status);

/// One line `quire: fatal: TEXT`, then exit_machine(status). For what is wrong with the input or the machine; a
/// defect of the kernel itself is a panic (kernel/console/panic.hpp).
template <typename... Args>
[[noreturn]] void fatal_with_status(std::uint8_t status, FormatString<Args...> text, const Args&... args) {
    log_sink().write("quire: fatal: ");
    format(log_sink(), FormatString<Args...>(text), args...);
    log_sink().write("\n");
    exit_machine(status);
}
template <typename... Args>
[[noreturn]] void fatal(FormatString<Args...> text, const Args&... args) {
    fatal_with_status(kExitFatal, FormatString<Args...>(text), args...);
}

}  // namespace quire::kernel
