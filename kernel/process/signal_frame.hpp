#pragma once
/// What lies on a program's stack while its signal handler runs. Linux, arch/x86/include/uapi/asm/sigcontext.h and
/// arch/x86/include/asm/sigframe.h (i386).
///
///      plain                                    with SA_SIGINFO
///      esp ▶ return address → restorer          esp ▶ return address → restorer
///            signal number                            signal number
///            registers (sigcontext)                   address of info, address of context
///            …                                        siginfo, ucontext
///            FPU state                                FPU state

#include <array>
#include <cstddef>
#include <cstdint>

namespace quire::kernel {

/// struct sigcontext_32.
struct SignalContext {
    std::uint32_t gs, fs, es, ds;
    std::uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    std::uint32_t trap_number, error;
    std::uint32_t eip, cs, eflags, esp_at_signal, ss;
    std::uint32_t fpu_state;  ///< address, or 0
    std::uint32_t old_mask;
    std::uint32_t fault_address;
};
static_assert(sizeof(SignalContext) == 88);

/// struct _fpstate_32: the x87 part that programs look at, then the FXSAVE image.
struct SignalFpuState {
    std::array<std::uint32_t, 28> legacy{};  ///< ends with status and magic; magic 0 says that the image follows
    alignas(16) std::array<std::byte, 512> image{};
};
static_assert(offsetof(SignalFpuState, image) == 112);

struct PlainFrame {
    std::uint32_t return_address;
    std::uint32_t number;
    SignalContext context;
    std::array<std::uint32_t, 156> unused_fpu_state;
    std::uint32_t extra_mask;
    std::array<std::uint8_t, 8> return_code;
};
static_assert(offsetof(PlainFrame, extra_mask) == 720);

struct UserContext {
    std::uint32_t flags;
    std::uint32_t link;
    std::uint32_t stack_start, stack_flags, stack_bytes;
    SignalContext context;
    std::uint64_t mask;
};
static_assert(sizeof(UserContext) == 116);

struct InfoFrame {
    std::uint32_t return_address;
    std::uint32_t number;
    std::uint32_t info_address;
    std::uint32_t context_address;
    std::array<std::uint32_t, 32> info;  ///< siginfo_t: number, errno, code, address …
    UserContext context;
    std::array<std::uint8_t, 8> return_code;
};

}  // namespace quire::kernel
