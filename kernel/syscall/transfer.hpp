#pragma once
/// Bytes between a program's memory and an open file, in pieces of bounded size.

#include "kernel/process/open_file.hpp"
#include "kernel/syscall/dispatch.hpp"
#include "quire/base/address.hpp"

namespace quire::kernel {

/// One piece of a program's memory: struct iovec.
struct UserBytes {
    std::uint32_t address;
    std::uint32_t bytes;
};

/// read(2): reads until the bytes are there, or the file has no more for now. efault; errors of the file.
[[nodiscard]] CallResult read_to_user(OpenFile& file, UserBytes to);
/// write(2): writes all, unless the file takes less. efault; errors of the file.
[[nodiscard]] CallResult write_from_user(OpenFile& file, UserBytes from);

}  // namespace quire::kernel
