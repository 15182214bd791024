#include <asm/ioctls.h>
#include <fcntl.h>
#include <limits.h>

#include <algorithm>

#include "kernel/console/line_discipline.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/memory/initial_files.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/transfer.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

constexpr std::uint32_t kMostPieces = 1024;  // UIO_MAXIOV

SysResult<OpenFile*> file_of(std::uint32_t descriptor) {
    return current_process().files.get(descriptor);
}

/// SIGPIPE comes with EPIPE: write(2).
CallResult with_pipe_signal(CallResult result) {
    if (!result && result.error() == Errno::epipe) raise_signal(current_process(), static_cast<unsigned>(Signal::pipe));
    return result;
}

using Transfer = CallResult(OpenFile& file, UserBytes bytes);

CallResult transfer_pieces(const Arguments& arguments, Transfer* transfer) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    const Ref<OpenFile> held(*file);
    if (arguments.c > kMostPieces) return fail(Errno::einval);
    std::uint32_t total = 0;
    for (std::uint32_t i = 0; i < arguments.c; ++i) {
        const auto piece = load_user<UserBytes>({arguments.b + i * sizeof(UserBytes)});
        if (!piece) return total != 0 ? CallResult(total) : fail(Errno::efault);
        if (piece->bytes == 0) continue;
        const auto moved = transfer(*held, *piece);
        if (!moved) return total != 0 ? CallResult(total) : moved;
        total += *moved;
        if (*moved < piece->bytes) break;
        if (transfer == read_to_user && (held->ready() & kPollIn) == 0) break;
    }
    return total;
}

/// pread and pwrite: at a position of their own. The kernel is not preemptible and regular files do not wait, so nobody
/// sees the
/// position while it is changed.
CallResult transfer_at(const Arguments& arguments, Transfer* transfer) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    Inode* const inode = (*file)->inode();
    if (inode == nullptr || inode->kind() != InodeKind::regular) return fail(Errno::espipe);
    const std::uint64_t position = from_halves(arguments.d, arguments.e);
    if (position > INT64_MAX) return fail(Errno::einval);
    const std::uint64_t before = (*file)->position;
    (*file)->position = position;
    const auto result = transfer(**file, {arguments.b, arguments.c});
    (*file)->position = before;
    return result;
}

SysResult<std::uint64_t> seek(std::uint32_t descriptor, std::int64_t offset, std::uint32_t whence) {
    const auto file = file_of(descriptor);
    if (!file) return fail(file.error());
    Inode* const inode = (*file)->inode();
    if (inode == nullptr || (*file)->is_terminal()) return fail(Errno::espipe);
    std::int64_t base = 0;
    if (whence == SEEK_CUR) base = static_cast<std::int64_t>((*file)->position);
    if (whence == SEEK_END) base = static_cast<std::int64_t>(inode->content().size());
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) return fail(Errno::einval);
    std::int64_t target = 0;
    if (__builtin_add_overflow(base, offset, &target)) return fail(Errno::eoverflow);
    if (target < 0) return fail(Errno::einval);
    (*file)->position = static_cast<std::uint64_t>(target);
    return static_cast<std::uint64_t>(target);
}

CallResult duplicate(std::uint32_t from, std::uint32_t to, bool close_on_exec) {
    Files& files = current_process().files;
    const auto file = files.get(from);
    if (!file) return fail(file.error());
    const Ref<OpenFile> held(*file);
    if (const auto put = files.put(to, held, close_on_exec); !put) return fail(put.error());
    return to;
}

CallResult make_pipe(std::uint32_t address, std::uint32_t flags) {
    if ((flags & ~static_cast<std::uint32_t>(O_CLOEXEC | O_NONBLOCK)) != 0) return fail(Errno::einval);
    const auto ends = open_pipe();
    if (!ends) return fail(ends.error());
    for (OpenFile* end : {ends->reader.get(), ends->writer.get()}) end->flags |= flags & kOpenNonBlocking;
    Files& files = current_process().files;
    const bool close_on_exec = (flags & O_CLOEXEC) != 0;
    const auto reader = files.add(ends->reader, close_on_exec);
    if (!reader) return fail(reader.error());
    const auto writer = files.add(ends->writer, close_on_exec);
    const bool told = writer && store_user({address}, std::array<std::uint32_t, 2>{*reader, *writer});
    if (told) return 0U;
    (void)files.close(*reader);
    if (!writer) return fail(writer.error());
    (void)files.close(*writer);
    return fail(Errno::efault);
}

CallResult send(const Arguments& arguments, SysResult<std::uint64_t> offset, bool wide) {
    if (!offset) return fail(offset.error());
    const auto out = file_of(arguments.a);
    const auto in = file_of(arguments.b);
    if (!out || !in) return fail(Errno::ebadf);
    Inode* const inode = (*in)->inode();
    if (inode == nullptr || inode->kind() != InodeKind::regular) return fail(Errno::einval);
    std::uint64_t position = arguments.c != 0 ? *offset : (*in)->position;
    std::array<std::byte, 2048> piece;
    std::uint32_t total = 0;
    while (total < arguments.d) {
        const auto got = inode->content().read(
            position, std::span(piece).first(std::min<std::size_t>(piece.size(), arguments.d - total)));
        if (!got) return fail(got.error());
        if (*got == 0) break;
        const auto written = (*out)->write(std::span(piece).first(*got));
        if (!written) return total != 0 ? CallResult(total) : with_pipe_signal(fail(written.error()));
        position += *written;
        total += static_cast<std::uint32_t>(*written);
        if (*written < *got) break;
    }
    if (arguments.c == 0) {
        (*in)->position = position;
    } else if (!(wide ? store_user({arguments.c}, position)
                      : store_user({arguments.c}, static_cast<std::uint32_t>(position)))) {
        return fail(Errno::efault);
    }
    return total;
}

SysResult<void> resize(std::uint32_t descriptor, std::uint64_t size) {
    const auto file = file_of(descriptor);
    if (!file) return fail(file.error());
    Inode* const inode = (*file)->inode();
    if (inode == nullptr || inode->kind() != InodeKind::regular || !(*file)->may_write()) return fail(Errno::einval);
    if (size > INT64_MAX) return fail(Errno::einval);
    inode->modified = inode->changed = files().now();
    return inode->content().resize(size);
}

/// struct winsize of the terminal; sizes that a serial line cannot tell.
struct WindowSize {
    std::uint16_t rows = 24;
    std::uint16_t columns = 80;
    std::uint16_t width = 0;
    std::uint16_t height = 0;
};

CallResult terminal_control(std::uint32_t request, std::uint32_t address) {
    switch (request) {
        case TCGETS: return give(address, line_discipline().settings);
        case TCSETS:
        case TCSETSW:
        case TCSETSF: {
            const auto settings = load_user<Termios>({address});
            if (!settings) return fail(Errno::efault);
            line_discipline().settings = *settings;
            return 0U;
        }
        case TIOCGWINSZ: return give(address, WindowSize{});
        case TIOCGPGRP: return give(address, current_process().id);
        case TIOCSPGRP: return 0U;
        default: return fail(Errno::enotty);
    }
}

}  // namespace

CallResult read(const Arguments& arguments) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    const Ref<OpenFile> held(*file);  // it may be closed while this waits
    return read_to_user(*held, {arguments.b, arguments.c});
}

CallResult write(const Arguments& arguments) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    const Ref<OpenFile> held(*file);
    return with_pipe_signal(write_from_user(*held, {arguments.b, arguments.c}));
}

CallResult readv(const Arguments& arguments) {
    return transfer_pieces(arguments, read_to_user);
}
CallResult writev(const Arguments& arguments) {
    return with_pipe_signal(transfer_pieces(arguments, write_from_user));
}
CallResult pread64(const Arguments& arguments) {
    return transfer_at(arguments, read_to_user);
}
CallResult pwrite64(const Arguments& arguments) {
    return transfer_at(arguments, write_from_user);
}

CallResult lseek(const Arguments& arguments) {
    const auto position = seek(arguments.a, static_cast<std::int32_t>(arguments.b), arguments.c);
    if (!position) return fail(position.error());
    if (*position > INT32_MAX) return fail(Errno::eoverflow);
    return static_cast<std::uint32_t>(*position);
}

CallResult llseek(const Arguments& arguments) {
    const auto position =
        seek(arguments.a, static_cast<std::int64_t>(from_halves(arguments.c, arguments.b)), arguments.e);
    if (!position) return fail(position.error());
    return give(arguments.d, *position);
}

CallResult close(const Arguments& arguments) {
    return done(current_process().files.close(arguments.a));
}

CallResult dup(const Arguments& arguments) {
    Files& files = current_process().files;
    const auto file = files.get(arguments.a);
    if (!file) return fail(file.error());
    return files.add(Ref<OpenFile>(*file));
}

CallResult dup2(const Arguments& arguments) {
    if (arguments.a == arguments.b && file_of(arguments.a)) return arguments.b;
    return duplicate(arguments.a, arguments.b, false);
}

CallResult dup3(const Arguments& arguments) {
    if (arguments.a == arguments.b || (arguments.c & ~static_cast<std::uint32_t>(O_CLOEXEC)) != 0)
        return fail(Errno::einval);
    return duplicate(arguments.a, arguments.b, (arguments.c & O_CLOEXEC) != 0);
}

CallResult fcntl(const Arguments& arguments) {
    Files& files = current_process().files;
    const auto file = files.get(arguments.a);
    if (!file) return fail(file.error());
    constexpr std::uint32_t kChangeable = kOpenAppend | kOpenNonBlocking;
    switch (arguments.b) {
        case F_DUPFD:
        case F_DUPFD_CLOEXEC:
            if (arguments.c >= Files::kMost) return fail(Errno::einval);
            return files.add(Ref<OpenFile>(*file), arguments.b == F_DUPFD_CLOEXEC, arguments.c);
        case F_GETFD: return files.close_on_exec(arguments.a) ? FD_CLOEXEC : 0U;
        case F_SETFD: files.set_close_on_exec(arguments.a, (arguments.c & FD_CLOEXEC) != 0); return 0U;
        case F_GETFL: return (*file)->flags;
        case F_SETFL: (*file)->flags = ((*file)->flags & ~kChangeable) | (arguments.c & kChangeable); return 0U;
        case 6:   // F_SETLK: there is nobody to lock against
        case 7:   // F_SETLKW
        case 13:  // F_SETLK64
        case 14: return 0U;
        default: return fail(Errno::einval);
    }
}

CallResult ioctl(const Arguments& arguments) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    if (arguments.b == FIONREAD) {
        const auto bytes = (*file)->readable_bytes();
        if (!bytes) return fail(bytes.error());
        return give(arguments.c, static_cast<std::uint32_t>(*bytes));
    }
    return (*file)->is_terminal() ? terminal_control(arguments.b, arguments.c) : fail(Errno::enotty);
}

CallResult pipe(const Arguments& arguments) {
    return make_pipe(arguments.a, 0);
}
CallResult pipe2(const Arguments& arguments) {
    return make_pipe(arguments.a, arguments.b);
}

CallResult sendfile(const Arguments& arguments) {
    SysResult<std::uint64_t> offset = std::uint64_t{0};
    if (arguments.c != 0) {
        const auto stored = load_user<std::uint32_t>({arguments.c});
        offset = stored ? SysResult<std::uint64_t>(*stored) : fail(Errno::efault);
    }
    return send(arguments, offset, false);
}

CallResult sendfile64(const Arguments& arguments) {
    SysResult<std::uint64_t> offset = std::uint64_t{0};
    if (arguments.c != 0) {
        const auto stored = load_user<std::uint64_t>({arguments.c});
        offset = stored ? SysResult<std::uint64_t>(*stored) : fail(Errno::efault);
    }
    return send(arguments, offset, true);
}

CallResult ftruncate(const Arguments& arguments) {
    if (static_cast<std::int32_t>(arguments.b) < 0) return fail(Errno::einval);
    return done(resize(arguments.a, arguments.b));
}
CallResult ftruncate64(const Arguments& arguments) {
    return done(resize(arguments.a, from_halves(arguments.b, arguments.c)));
}

/// Everything is in memory: there is nothing to write back, only a descriptor to check. Also what fchown is.
CallResult fsync(const Arguments& arguments) {
    const auto file = file_of(arguments.a);
    if (!file) return fail(file.error());
    return 0U;
}

}  // namespace quire::kernel::calls
