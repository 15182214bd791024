#pragma once
/// The x87 and SSE registers of programs. The kernel itself is compiled without them, so they stay as they are
/// through every system call and fault, and change hands only when another process runs.

#include <array>
#include <cstddef>

namespace quire::kernel {

/// Memory image of FXSAVE. Intel SDM volume 1, 10.5.1, table 10-2. Must be 16-byte aligned wherever it lies.
struct alignas(16) FpuState {
    std::array<std::byte, 512> image;
};

/// The state of a new program: x87 with all exceptions masked, 64-bit precision, registers empty; MXCSR 0x1F80.
extern const FpuState kInitialFpuState;

/// Turns the FPU and SSE on (CR0.MP, CR0.NE, CR4.OSFXSR, CR4.OSXMMEXCPT). Boot has checked that FXSAVE exists. Once.
void init_fpu();

inline void save_fpu(FpuState& state) {
    asm volatile("fxsave %0" : "=m"(state));
}
inline void restore_fpu(const FpuState& state) {
    asm volatile("fxrstor %0" : : "m"(state));
}

}  // namespace quire::kernel
