#pragma once
/// Helpers that the system calls share: 64-bit arguments in two registers, values stored for the program, paths.

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kernel/cpu/user_copy.hpp"
#include "kernel/fs/file_system.hpp"
#include "kernel/syscall/dispatch.hpp"

namespace quire::kernel {

[[nodiscard]] constexpr std::uint64_t from_halves(std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32U | low;
}

/// Stores a structure for the program; the call's result is 0 or efault.
template <typename T>
[[nodiscard]] CallResult give(std::uint32_t address, const T& value) {
    if (!store_user({address}, value)) return fail(Errno::efault);
    return 0U;
}

/// As a call's result, when all that matters is whether it worked.
[[nodiscard]] inline CallResult done(const SysResult<void>& result) {
    if (!result) return fail(result.error());
    return 0U;
}

/// A path that the program named, in kernel memory: taken from the heap, because a kernel stack is small.
class UserPath {
public:
    /// efault, enametoolong, enomem.
    [[nodiscard]] static SysResult<UserPath> read(std::uint32_t address);
    UserPath(UserPath&& other) noexcept : bytes_(std::exchange(other.bytes_, nullptr)), length_(other.length_) {}
    UserPath& operator=(UserPath&&) = delete;
    ~UserPath() { delete[] bytes_; }
    [[nodiscard]] std::string_view view() const { return {bytes_, length_}; }

private:
    UserPath(char* bytes, std::size_t length) : bytes_(bytes), length_(length) {}
    char* bytes_;
    std::size_t length_;
};

/// The directory that a relative path begins in: AT_FDCWD (the current one) or that of a descriptor. ebadf, enotdir.
[[nodiscard]] SysResult<Inode*> start_directory(std::uint32_t descriptor);

/// Reads a path and looks it up from there.
[[nodiscard]] SysResult<Ref<Inode>> look_up_at(std::uint32_t descriptor, std::uint32_t path, FollowLast follow);

}  // namespace quire::kernel
