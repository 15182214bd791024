#include "kernel/syscall/transfer.hpp"

#include <algorithm>
#include <array>

#include "kernel/cpu/user_copy.hpp"

namespace quire::kernel {

namespace {

/// Small enough for a kernel stack, large enough that the copy costs more than the loop.
constexpr std::size_t kPiece = 2048;
constexpr std::size_t kMostBytes = 0x7FFF'F000;  // as Linux: read(2), "NOTES"

}  // namespace

CallResult read_to_user(OpenFile& file, UserBytes to) {
    if (!file.may_read()) return fail(Errno::ebadf);
    if (!is_user_range({to.address}, to.bytes)) return fail(Errno::efault);
    const std::size_t wanted = std::min<std::size_t>(to.bytes, kMostBytes);
    std::array<std::byte, kPiece> piece;
    std::size_t total = 0;
    for (;;) {
        const std::size_t part = std::min(wanted - total, piece.size());
        // After the first piece only what is there at once: a terminal or a pipe must not wait for the rest.
        if (total != 0 && (part == 0 || (file.ready() & kPollIn) == 0)) break;
        const auto got = file.read(std::span(piece).first(part));
        if (!got) {
            if (total != 0) break;
            return fail(got.error());
        }
        const std::size_t copied = copy_some_to_user({to.address + total}, std::span(piece).first(*got));
        total += copied;
        if (copied != *got) return total != 0 ? CallResult(static_cast<std::uint32_t>(total)) : fail(Errno::efault);
        if (*got < part || part == 0 || file.is_terminal()) break;
    }
    return static_cast<std::uint32_t>(total);
}

CallResult write_from_user(OpenFile& file, UserBytes from) {
    if (!file.may_write()) return fail(Errno::ebadf);
    if (!is_user_range({from.address}, from.bytes)) return fail(Errno::efault);
    const std::size_t wanted = std::min<std::size_t>(from.bytes, kMostBytes);
    std::array<std::byte, kPiece> piece;
    std::size_t total = 0;
    do {
        const std::size_t part = std::min(wanted - total, piece.size());
        const std::size_t copied = copy_some_from_user(std::span(piece).first(part), {from.address + total});
        if (copied == 0 && part != 0)
            return total != 0 ? CallResult(static_cast<std::uint32_t>(total)) : fail(Errno::efault);
        const auto written = file.write(std::span(piece).first(copied));
        if (!written) return total != 0 ? CallResult(static_cast<std::uint32_t>(total)) : fail(written.error());
        total += *written;
        if (*written < part) break;
    } while (total < wanted);
    return static_cast<std::uint32_t>(total);
}

}  // namespace quire::kernel
