#pragma once
/// Errors are values. Running out of something is an ordinary result at every allocation site and leaves everything
/// as it was; a broken invariant is not an error but a defect (quire/base/defect.hpp).

#include <cstdint>
#include <expected>

namespace quire {

enum class Error : std::uint8_t {
    no_frames,       ///< physical memory is exhausted                              (ENOMEM)
    no_addresses,    ///< no gap of the address space is large enough               (ENOMEM)
    list_full,       ///< the range list's window has no node left                  (ENOMEM)
    not_mapped,      ///< the range is, in part, not allocated                      (ENOMEM, EFAULT)
    bad_argument,    ///< misaligned, empty, wrapping round, or outside user space  (EINVAL)
    already_mapped,  ///< the range is, in part, allocated and must not be replaced (EEXIST)
    denied,          ///< the region or its object does not grant these rights      (EACCES)
    beyond_end,      ///< the page lies wholly beyond the end of the object         (SIGBUS)
    io,              ///< the object could not supply the page                      (EIO, SIGBUS)
};

template <typename T>
using Result = std::expected<T, Error>;

/// `return fail(Error::no_frames);`
[[nodiscard]] constexpr std::unexpected<Error> fail(Error error) {
    return std::unexpected(error);
}

/// A word for reports: "no frames", …
[[nodiscard]] constexpr const char* name(Error error) {
    switch (error) {
        case Error::no_frames: return "no frames";
        case Error::no_addresses: return "no addresses";
        case Error::list_full: return "range list full";
        case Error::not_mapped: return "not mapped";
        case Error::bad_argument: return "bad argument";
        case Error::already_mapped: return "already mapped";
        case Error::denied: return "denied";
        case Error::beyond_end: return "beyond the end";
        case Error::io: return "input/output error";
    }
    return "unknown error";
}

}  // namespace quire
