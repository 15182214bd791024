#pragma once
/// Runs a few instructions in user mode, on a kernel stack of their own, until they call `int 0x80` with eax = 0 or
/// raise an exception that nobody resolves.

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/cpu/trap.hpp"
#include "kernel/cpu/trap_frame.hpp"
#include "quire/base/address.hpp"

namespace quire::kernel {

struct UserRun {
    bool ran = false;         ///< it came to an end; otherwise the case has failed already
    TrapFrame last{};         ///< the registers at the end
    std::uint32_t calls = 0;  ///< int 0x80 with another eax
    std::uint32_t works = 0;  ///< calls of before_user_mode
    bool fault = false;       ///< it ended with a page fault …
    PageFault page_fault{};   ///< … this one
};

/// What happens meanwhile; each may be null. The frame may be changed.
struct UserHooks {
    void (*on_call)(TrapFrame&) = nullptr;
    void (*on_work)(TrapFrame&) = nullptr;
};

/// `code` is position independent; it starts with esp at the end of a page, the other registers 0. There must be no
/// TestSpace.
[[nodiscard]] UserRun run_user(std::span<const std::byte> code, const UserHooks& hooks = {});

/// The code between two labels of an assembler block.
[[nodiscard]] inline std::span<const std::byte> code_between(const std::byte* first, const std::byte* end) {
    return {first, end};
}

}  // namespace quire::kernel
