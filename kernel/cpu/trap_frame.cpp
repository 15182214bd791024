#include "kernel/cpu/trap_frame.hpp"

#include <array>

namespace quire::kernel {

const char* exception_name(std::uint32_t vector) {
    static constexpr std::array<const char*, 32> kNames{
        "divide error",
        "debug trap",
        "non-maskable interrupt",
        "breakpoint",
        "overflow",
        "bound range exceeded",
        "invalid opcode",
        "no FPU",
        "double fault",
        "coprocessor overrun",
        "invalid task state",
        "segment not present",
        "stack segment fault",
        "general protection fault",
        "page fault",
        "exception",
        "x87 error",
        "alignment check",
        "machine check",
        "SIMD error",
        "virtualisation exception",
        "control protection exception",
    };
    const char* const name = vector < kNames.size() ? kNames[vector] : nullptr;
    return name != nullptr ? name : "exception";
}

}  // namespace quire::kernel
