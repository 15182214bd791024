#pragma once
/// System calls: the Linux/i386 convention, so that programs that nobody here wrote can run, and the manual pages
/// (section 2) are
/// the specification. syscall(2): number in eax, arguments in ebx ecx edx esi edi ebp, result in eax, errors as -errno.

#include <cstdint>

#include "kernel/base/errno.hpp"
#include "kernel/cpu/trap_frame.hpp"

namespace quire::kernel {

/// The arguments of a call, as the program put them.
struct Arguments {
    std::uint32_t a, b, c, d, e, f;
};

/// What a call returns to its program: a number, or an error.
using CallResult = SysResult<std::uint32_t>;

/// TrapHandlers::system_call.
[[gnu::regparm(1)]] void dispatch_system_call(TrapFrame& frame);

}  // namespace quire::kernel
