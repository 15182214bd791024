#include "kernel/cpu/fpu.hpp"

#include <cstdint>

#include "quire_i386/processor.hpp"

namespace quire::kernel {

namespace {

consteval FpuState initial_state() {
    FpuState state{};
    state.image[0] = std::byte{0x7F};  // FCW 0x037F
    state.image[1] = std::byte{0x03};
    state.image[24] = std::byte{0x80};  // MXCSR 0x00001F80
    state.image[25] = std::byte{0x1F};
    return state;
}

}  // namespace

constinit const FpuState kInitialFpuState = initial_state();

void init_fpu() {
    std::uint32_t leaf = 1;
    std::uint32_t features = 0;
    asm volatile("cpuid" : "+a"(leaf), "=d"(features) : : "ebx", "ecx");
    constexpr std::uint32_t kSse = 1U << 25;
    port::write_cr0((port::read_cr0() & ~(port::kCr0EmulateFpu | port::kCr0TaskSwitched)) | port::kCr0MonitorFpu |
                    port::kCr0NumericError);
    // A reserved bit of CR4 must stay 0: without SSE there are no SIMD exceptions to announce.
    port::write_cr4(port::read_cr4() | port::kCr4FxSave | ((features & kSse) != 0 ? port::kCr4SimdExceptions : 0U));
    restore_fpu(kInitialFpuState);
}

}  // namespace quire::kernel
