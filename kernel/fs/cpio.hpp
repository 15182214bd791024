#pragma once
/// Reads a cpio archive of the "newc" format: the initial file system as the boot loader brings it. cpio(5), and
/// Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
///
///      070701 ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check
///      name NUL, padded to 4 bytes; data, padded to 4 bytes; …; the entry named TRAILER!!! ends it
///
/// Each field is 8 hexadecimal digits. 070702 is the same with the sum of the data's bytes in `check`. Of the names of
/// one file (nlink > 1, same ino and dev) only one, as a rule the last, carries the data.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

namespace quire::kernel {

/// Which file of the archived system an entry is a name of.
struct CpioIdentity {
    std::uint32_t inode = 0;
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;

    constexpr bool operator==(const CpioIdentity&) const = default;
};

struct CpioEntry {
    std::string_view name;   ///< as in the archive, without its NUL; may begin with ./ or /
    std::uint32_t mode = 0;  ///< file type and permissions, as stat(2) has them
    std::uint32_t mtime = 0;
    std::uint32_t links = 1;  ///< names that the file has in the archive
    CpioIdentity identity;
    std::span<const std::byte> data;  ///< of a file its contents, of a symbolic link its target
    std::size_t offset = 0;           ///< of the entry in the archive, in bytes: for messages
};

struct CpioError {
    const char* what;
    std::size_t offset;  ///< of the entry that is wrong, in bytes
};

/// Walks through an archive. Never reads outside the bytes it was given, whatever they are.
class CpioReader {
public:
    explicit CpioReader(std::span<const std::byte> archive) : archive_(archive) {}

    /// The next entry; an entry with an empty name when the trailer has been reached.
    [[nodiscard]] std::expected<CpioEntry, CpioError> next();

private:
    [[nodiscard]] std::unexpected<CpioError> wrong(const char* what) const {
        return std::unexpected(CpioError{what, offset_});
    }

    std::span<const std::byte> archive_;
    std::size_t offset_ = 0;
};

}  // namespace quire::kernel
