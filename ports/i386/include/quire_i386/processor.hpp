#pragma once
/// The control registers and the two instructions that forget translations. Intel SDM volume 3, 2.5 and 4.10.4.1.

#include <cstdint>

#include "quire/base/address.hpp"

namespace quire::port {

[[nodiscard]] inline std::uint32_t read_cr0() {
    std::uint32_t value = 0;
    asm volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}
inline void write_cr0(std::uint32_t value) {
    asm volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}

/// The address of the last page fault.
[[nodiscard]] inline std::uint32_t read_cr2() {
    std::uint32_t value = 0;
    asm volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}

/// Physical address of the page directory; the low 12 bits are flags, which stay 0.
[[nodiscard]] inline std::uint32_t read_cr3() {
    std::uint32_t value = 0;
    asm volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}
/// Switches the directory and forgets every cached translation: no page is global (gotcha 5).
inline void write_cr3(std::uint32_t value) {
    asm volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

[[nodiscard]] inline std::uint32_t read_cr4() {
    std::uint32_t value = 0;
    asm volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(std::uint32_t value) {
    asm volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

/// Forgets the translation of one page, whatever table it came from.
inline void invalidate(VirtualAddress address) {
    asm volatile("invlpg (%0)" : : "r"(address.value) : "memory");
}

// CR0 and CR4 bits that the kernel uses.
inline constexpr std::uint32_t kCr0MonitorFpu = 1U << 1;
inline constexpr std::uint32_t kCr0EmulateFpu = 1U << 2;
inline constexpr std::uint32_t kCr0TaskSwitched = 1U << 3;
inline constexpr std::uint32_t kCr0NumericError = 1U << 5;
inline constexpr std::uint32_t kCr0WriteProtect = 1U << 16;
inline constexpr std::uint32_t kCr0Paging = 1U << 31;
inline constexpr std::uint32_t kCr4LargePages = 1U << 4;
inline constexpr std::uint32_t kCr4FxSave = 1U << 9;
inline constexpr std::uint32_t kCr4SimdExceptions = 1U << 10;

}  // namespace quire::port
