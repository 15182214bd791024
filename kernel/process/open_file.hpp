#pragma once
/// An open file: what a descriptor refers to, shared by its duplicates. One class for each kind of thing that can be
/// open.

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/base/errno.hpp"
#include "kernel/base/ref.hpp"
#include "kernel/fs/inode.hpp"

namespace quire::kernel {

/// Status flags of open(2) that stay with the open file; Linux/i386 values.
inline constexpr std::uint32_t kOpenAccessMask = 03;
inline constexpr std::uint32_t kOpenReadOnly = 00;
inline constexpr std::uint32_t kOpenWriteOnly = 01;
inline constexpr std::uint32_t kOpenReadWrite = 02;
inline constexpr std::uint32_t kOpenAppend = 02000;
inline constexpr std::uint32_t kOpenNonBlocking = 04000;

/// What poll(2) reports.
inline constexpr std::uint16_t kPollIn = 0x001;
inline constexpr std::uint16_t kPollOut = 0x004;
inline constexpr std::uint16_t kPollError = 0x008;
inline constexpr std::uint16_t kPollHangUp = 0x010;

class OpenFile {
public:
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;

    void retain() { ++references_; }
    void release() {
        if (--references_ == 0) delete this;
    }

    /// Transfers up to a buffer's size at the file's own position, which moves. May wait. 0 from read is the end.
    [[nodiscard]] virtual SysResult<std::size_t> read(std::span<std::byte>) { return fail(Errno::einval); }
    [[nodiscard]] virtual SysResult<std::size_t> write(std::span<const std::byte>) { return fail(Errno::einval); }
    /// The inode behind it: for stat, mapping and names. Null for what has none (a pipe, a stream).
    [[nodiscard]] virtual Inode* inode() { return nullptr; }
    [[nodiscard]] virtual bool is_terminal() const { return false; }
    [[nodiscard]] virtual bool is_pipe() const { return false; }
    /// Which of kPollIn, kPollOut … hold now.
    [[nodiscard]] virtual std::uint16_t ready() { return kPollIn | kPollOut; }
    /// Bytes that a read would return without waiting, for FIONREAD; enotty when there is no such number.
    [[nodiscard]] virtual SysResult<std::size_t> readable_bytes() { return fail(Errno::enotty); }

    [[nodiscard]] bool may_read() const { return (flags & kOpenAccessMask) != kOpenWriteOnly; }
    [[nodiscard]] bool may_write() const { return (flags & kOpenAccessMask) != kOpenReadOnly; }

    std::uint32_t flags;
    std::uint64_t position = 0;  ///< bytes; of a directory: the cookie of the last entry that was read

protected:
    explicit OpenFile(std::uint32_t open_flags) : flags(open_flags) {}
    virtual ~OpenFile() = default;

private:
    std::uint32_t references_ = 0;
};

/// A regular file, a directory or a device, as its inode says. Null when there is no memory.
[[nodiscard]] Ref<OpenFile> open_inode(Inode& inode, std::uint32_t flags);

/// The ends of a program's standard streams in mode=program: bytes as they are, no terminal.
enum class Stream : std::uint8_t { input, output, error };
[[nodiscard]] Ref<OpenFile> open_stream(Stream stream);
/// The terminal of the interactive modes.
[[nodiscard]] Ref<OpenFile> open_terminal();

/// Both ends of a new pipe. enomem.
struct PipeEnds {
    Ref<OpenFile> reader;
    Ref<OpenFile> writer;
};
[[nodiscard]] SysResult<PipeEnds> open_pipe();

}  // namespace quire::kernel
