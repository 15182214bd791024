#pragma once
/// Linux's error numbers, as programs see them: errno(3), asm-generic/errno.h. A system call returns them negated.

#include <cstdint>
#include <expected>

#include "quire/base/error.hpp"

namespace quire::kernel {

enum class Errno : std::int32_t {
    eperm = 1,
    enoent = 2,
    esrch = 3,
    eintr = 4,
    eio = 5,
    e2big = 7,
    enoexec = 8,
    ebadf = 9,
    echild = 10,
    eagain = 11,
    enomem = 12,
    eacces = 13,
    efault = 14,
    ebusy = 16,
    eexist = 17,
    exdev = 18,
    enodev = 19,
    enotdir = 20,
    eisdir = 21,
    einval = 22,
    enfile = 23,
    emfile = 24,
    enotty = 25,
    efbig = 27,
    enospc = 28,
    espipe = 29,
    erofs = 30,
    emlink = 31,
    epipe = 32,
    erange = 34,
    enametoolong = 36,
    enosys = 38,
    enotempty = 39,
    eloop = 40,
    eoverflow = 75,
    eopnotsupp = 95,
    etimedout = 110,
};

template <typename T>
using SysResult = std::expected<T, Errno>;

/// `return fail(Errno::enoent);`
[[nodiscard]] constexpr std::unexpected<Errno> fail(Errno number) {
    return std::unexpected(number);
}

/// What the library's errors are called by programs. Calls whose manual page says otherwise translate themselves.
[[nodiscard]] constexpr Errno errno_of(Error error) {
    switch (error) {
        case Error::no_frames:
        case Error::no_addresses:
        case Error::list_full:
        case Error::not_mapped: return Errno::enomem;
        case Error::bad_argument: return Errno::einval;
        case Error::already_mapped: return Errno::eexist;
        case Error::denied: return Errno::eacces;
        case Error::beyond_end:
        case Error::io: return Errno::eio;
    }
    return Errno::eio;
}

}  // namespace quire::kernel
