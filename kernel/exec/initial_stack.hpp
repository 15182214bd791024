#pragma once
/// What a program finds on its stack: System V ABI, Intel386 supplement, "Process Initialization"; getauxval(3).
///
///      high  ├ "i686", 16 random bytes, path, environment strings, argument strings
///            ├ AT_NULL
///            ├ auxiliary vector: pairs of words
///            ├ 0
///            ├ environment pointers
///            ├ 0
///            ├ argument pointers
///      esp ▶ └ argc                                                       a multiple of 16

#include "kernel/exec/load.hpp"

namespace quire::kernel {

/// How many bytes of strings a program may be given.
inline constexpr std::size_t kMaxStringBytes = 128 * 1024;

/// Writes the stack of the active space downwards from `top`, whose region is mapped. e2big, enomem. Returns the stack
/// pointer.
[[nodiscard]] SysResult<VirtualAddress> build_initial_stack(VirtualAddress top, const ElfPlan& plan,
                                                            const ProgramStrings& strings);

}  // namespace quire::kernel
