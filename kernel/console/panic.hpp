#pragma once
/// The kernel's own end: something that cannot be true is. Says everything that helps to find out why, and exits with
/// 70.
///
///     quire: panic: page fault: write to 0xDEADBEEF: not mapped       one line; what tests look for
///     quire:   eax … eflags                                            registers
///     quire:   #0  0xC0101234 quire::kernel::run + 0x34                 backtrace by frame pointers
///     quire:   pd[890] 0x00000000  (no table)                          entries for the address, if it is about one
///     quire: exit 70
///
/// A panic within a panic prints its line and both instruction pointers and stops at once (gotcha 17).

#include <source_location>

#include "kernel/console/format.hpp"
#include "kernel/cpu/trap_frame.hpp"
#include "quire/base/address.hpp"

namespace quire::kernel {

/// What a panic is about, apart from its text. All optional.
struct PanicContext {
    const TrapFrame* frame = nullptr;         ///< registers; else the caller's own position
    const VirtualAddress* address = nullptr;  ///< show its page-table entries
};

/// The engine of panic(): `text` is one line without a line end.
[[noreturn]] void panic_with(const PanicContext& context, std::string_view text);

template <typename... Args>
[[noreturn]] void panic(FormatString<Args...> text, const Args&... args) {
    char buffer[200];
    panic_with({}, format_into(buffer, FormatString<Args...>(text), args...));
}

}  // namespace quire::kernel
