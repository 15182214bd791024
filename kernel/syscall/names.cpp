#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/memory/initial_files.hpp"
#include "kernel/process/process.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

constexpr auto kCurrent = static_cast<std::uint32_t>(AT_FDCWD);

/// A path from the program with the directory that holds its last name. The path lives as long as this does.
struct Located {
    UserPath path;
    Place place;
};

SysResult<Located> locate_at(std::uint32_t descriptor, std::uint32_t address) {
    auto path = UserPath::read(address);
    if (!path) return fail(path.error());
    Inode* start = &files().root();
    if (!path->view().starts_with('/')) {
        const auto directory = start_directory(descriptor);
        if (!directory) return fail(directory.error());
        start = *directory;
    }
    const auto place = files().locate(*start, path->view());
    if (!place) return fail(place.error());
    return Located{std::move(*path), *place};
}

SysResult<Ref<Inode>> inode_to_open(std::uint32_t descriptor, std::uint32_t address, std::uint32_t flags,
                                    std::uint32_t mode) {
    const auto path = UserPath::read(address);
    if (!path) return fail(path.error());
    Inode* start = &files().root();
    if (!path->view().starts_with('/')) {
        const auto directory = start_directory(descriptor);
        if (!directory) return fail(directory.error());
        start = *directory;
    }
    return files().open_inode(*start, path->view(),
                              {.create = (flags & O_CREAT) != 0,
                               .exclusive = (flags & O_EXCL) != 0,
                               .follow = (flags & O_NOFOLLOW) != 0 ? FollowLast::no : FollowLast::yes,
                               .permissions = mode & ~current_process().umask});
}

CallResult open_at(std::uint32_t descriptor, std::uint32_t address, std::uint32_t flags, std::uint32_t mode) {
    const bool writes = (flags & kOpenAccessMask) != kOpenReadOnly;
    const auto inode = inode_to_open(descriptor, address, flags, mode);
    if (!inode) return fail(inode.error());
    if ((flags & O_DIRECTORY) != 0 && !(*inode)->is_directory()) return fail(Errno::enotdir);
    if ((*inode)->is_directory() && (writes || (flags & O_CREAT) != 0)) return fail(Errno::eisdir);
    const Ref<OpenFile> file =
        open_inode(**inode, flags & (kOpenAccessMask | kOpenAppend | kOpenNonBlocking | O_DIRECTORY));
    if (!file) return fail(Errno::enomem);
    const auto number = current_process().files.add(file, (flags & O_CLOEXEC) != 0);
    if (!number) return fail(number.error());
    if ((flags & O_TRUNC) != 0 && writes && (*inode)->kind() == InodeKind::regular) {
        if (const auto cut = (*inode)->content().resize(0); !cut) {
            (void)current_process().files.close(*number);
            return fail(cut.error());
        }
        (*inode)->modified = (*inode)->changed = files().now();
    }
    return number;
}

/// Everybody is root here, who may do everything but execute what nobody may.
CallResult access_at(std::uint32_t descriptor, std::uint32_t address, std::uint32_t mode, FollowLast follow) {
    if ((mode & ~static_cast<std::uint32_t>(R_OK | W_OK | X_OK)) != 0) return fail(Errno::einval);
    const auto inode = look_up_at(descriptor, address, follow);
    if (!inode) return fail(inode.error());
    const bool executable = (*inode)->is_directory() || ((*inode)->permissions & 0111) != 0;
    if ((mode & X_OK) != 0 && !executable) return fail(Errno::eacces);
    return 0U;
}

CallResult change_directory(const SysResult<Ref<Inode>>& inode) {
    if (!inode) return fail(inode.error());
    if (!(*inode)->is_directory()) return fail(Errno::enotdir);
    current_process().files.set_directory(**inode);
    return 0U;
}

CallResult make_directory_at(std::uint32_t descriptor, std::uint32_t address, std::uint32_t mode) {
    const auto located = locate_at(descriptor, address);
    if (!located) return fail(located.error());
    const auto made = files().create(located->place, InodeKind::directory, mode & ~current_process().umask);
    if (!made) return fail(made.error());
    return 0U;
}

CallResult remove_at(std::uint32_t descriptor, std::uint32_t address, bool directory) {
    const auto located = locate_at(descriptor, address);
    if (!located) return fail(located.error());
    return done(directory ? files().remove_directory(located->place) : files().unlink(located->place));
}

CallResult rename_at(std::uint32_t from, std::uint32_t from_address, std::uint32_t to, std::uint32_t to_address,
                     std::uint32_t flags) {
    constexpr std::uint32_t kNoReplace = 1;  // RENAME_NOREPLACE
    if ((flags & ~kNoReplace) != 0) return fail(Errno::einval);
    const auto source = locate_at(from, from_address);
    if (!source) return fail(source.error());
    const auto target = locate_at(to, to_address);
    if (!target) return fail(target.error());
    if (flags == kNoReplace && target->place.directory->find(target->place.name) != nullptr) return fail(Errno::eexist);
    return done(files().rename(source->place, target->place));
}

CallResult link_at(std::uint32_t from, std::uint32_t from_address, std::uint32_t to, std::uint32_t to_address,
                   FollowLast follow) {
    const auto inode = look_up_at(from, from_address, follow);
    if (!inode) return fail(inode.error());
    const auto target = locate_at(to, to_address);
    if (!target) return fail(target.error());
    return done(files().link(target->place, **inode));
}

CallResult symlink_at(std::uint32_t target_address, std::uint32_t descriptor, std::uint32_t address) {
    const auto target = UserPath::read(target_address);
    if (!target) return fail(target.error());
    if (target->view().empty()) return fail(Errno::enoent);
    const auto located = locate_at(descriptor, address);
    if (!located) return fail(located.error());
    const auto made = files().create_symlink(located->place, target->view());
    if (!made) return fail(made.error());
    return 0U;
}

CallResult readlink_at(std::uint32_t descriptor, std::uint32_t address, std::uint32_t buffer, std::uint32_t bytes) {
    if (static_cast<std::int32_t>(bytes) <= 0) return fail(Errno::einval);
    const auto inode = look_up_at(descriptor, address, FollowLast::no);
    if (!inode) return fail(inode.error());
    if ((*inode)->kind() != InodeKind::symlink) return fail(Errno::einval);
    const auto target = (*inode)->target().substr(0, bytes);
    if (!copy_to_user({buffer}, std::as_bytes(std::span(target)))) return fail(Errno::efault);
    return static_cast<std::uint32_t>(target.size());
}

CallResult set_permissions(const SysResult<Ref<Inode>>& inode, std::uint32_t mode) {
    if (!inode) return fail(inode.error());
    (*inode)->permissions = mode & kPermissionMask;
    (*inode)->changed = files().now();
    return 0U;
}

/// The inode of a descriptor; einval for one without (a pipe).
SysResult<Ref<Inode>> inode_of(std::uint32_t descriptor) {
    const auto file = current_process().files.get(descriptor);
    if (!file) return fail(file.error());
    if ((*file)->inode() == nullptr) return fail(Errno::einval);
    return Ref<Inode>((*file)->inode());
}

CallResult truncate_path(std::uint32_t address, std::uint64_t size) {
    const auto inode = look_up_at(kCurrent, address, FollowLast::yes);
    if (!inode) return fail(inode.error());
    if ((*inode)->is_directory()) return fail(Errno::eisdir);
    if ((*inode)->kind() != InodeKind::regular || size > INT64_MAX) return fail(Errno::einval);
    (*inode)->modified = (*inode)->changed = files().now();
    return done((*inode)->content().resize(size));
}

/// Seconds of access and modification; nothing: now.
CallResult set_times(const SysResult<Ref<Inode>>& inode, std::int64_t accessed, std::int64_t modified) {
    if (!inode) return fail(inode.error());
    (*inode)->accessed = accessed;
    (*inode)->modified = modified;
    (*inode)->changed = files().now();
    return 0U;
}

template <typename Seconds>
struct TimePair {
    Seconds seconds;
    Seconds fraction;
};

/// utimensat(2) with 32-bit or 64-bit times: nanoseconds may be UTIME_NOW or UTIME_OMIT.
template <typename Seconds>
CallResult utimens(const Arguments& arguments) {
    const FollowLast follow = (arguments.d & AT_SYMLINK_NOFOLLOW) != 0 ? FollowLast::no : FollowLast::yes;
    const auto inode = arguments.b == 0 ? inode_of(arguments.a) : look_up_at(arguments.a, arguments.b, follow);
    if (!inode) return fail(inode.error());
    if (arguments.c == 0) return set_times(inode, files().now(), files().now());
    const auto pairs = load_user<std::array<TimePair<Seconds>, 2>>({arguments.c});
    if (!pairs) return fail(Errno::efault);
    const auto chosen = [](const TimePair<Seconds>& pair, std::int64_t now, std::int64_t before) -> std::int64_t {
        constexpr std::int64_t kNow = (1L << 30) - 1;
        constexpr std::int64_t kOmit = (1L << 30) - 2;
        if (pair.fraction == kNow) return now;
        return pair.fraction == kOmit ? before : pair.seconds;
    };
    return set_times(inode, chosen((*pairs)[0], files().now(), (*inode)->accessed),
                     chosen((*pairs)[1], files().now(), (*inode)->modified));
}

}  // namespace

CallResult open(const Arguments& arguments) {
    return open_at(kCurrent, arguments.a, arguments.b, arguments.c);
}
CallResult openat(const Arguments& arguments) {
    return open_at(arguments.a, arguments.b, arguments.c, arguments.d);
}
CallResult creat(const Arguments& arguments) {
    return open_at(kCurrent, arguments.a, O_CREAT | O_WRONLY | O_TRUNC, arguments.b);
}

CallResult access(const Arguments& arguments) {
    return access_at(kCurrent, arguments.a, arguments.b, FollowLast::yes);
}
CallResult faccessat(const Arguments& arguments) {
    return access_at(arguments.a, arguments.b, arguments.c, FollowLast::yes);
}

CallResult chdir(const Arguments& arguments) {
    return change_directory(look_up_at(kCurrent, arguments.a, FollowLast::yes));
}
CallResult fchdir(const Arguments& arguments) {
    const auto inode = inode_of(arguments.a);
    if (!inode && inode.error() == Errno::einval) return fail(Errno::enotdir);
    return change_directory(inode);
}

CallResult getcwd(const Arguments& arguments) {
    std::array<char, 1024> path;
    const auto length = files().path_of(current_process().files.directory(), path);
    if (!length) return fail(length.error());
    if (*length + 1 > arguments.b) return fail(Errno::erange);
    if (!copy_to_user({arguments.a}, std::as_bytes(std::span(path).first(*length + 1)))) return fail(Errno::efault);
    return static_cast<std::uint32_t>(*length + 1);
}

CallResult mkdir(const Arguments& arguments) {
    return make_directory_at(kCurrent, arguments.a, arguments.b);
}
CallResult mkdirat(const Arguments& arguments) {
    return make_directory_at(arguments.a, arguments.b, arguments.c);
}
CallResult rmdir(const Arguments& arguments) {
    return remove_at(kCurrent, arguments.a, true);
}
CallResult unlink(const Arguments& arguments) {
    return remove_at(kCurrent, arguments.a, false);
}
CallResult unlinkat(const Arguments& arguments) {
    return remove_at(arguments.a, arguments.b, (arguments.c & AT_REMOVEDIR) != 0);
}

CallResult rename(const Arguments& arguments) {
    return rename_at(kCurrent, arguments.a, kCurrent, arguments.b, 0);
}
/// renameat has no flags; its fifth argument is whatever was in the register.
CallResult renameat(const Arguments& arguments) {
    return rename_at(arguments.a, arguments.b, arguments.c, arguments.d, 0);
}
CallResult renameat2(const Arguments& arguments) {
    return rename_at(arguments.a, arguments.b, arguments.c, arguments.d, arguments.e);
}

CallResult link(const Arguments& arguments) {
    return link_at(kCurrent, arguments.a, kCurrent, arguments.b, FollowLast::no);
}
CallResult linkat(const Arguments& arguments) {
    const FollowLast follow = (arguments.e & AT_SYMLINK_FOLLOW) != 0 ? FollowLast::yes : FollowLast::no;
    return link_at(arguments.a, arguments.b, arguments.c, arguments.d, follow);
}
CallResult symlink(const Arguments& arguments) {
    return symlink_at(arguments.a, kCurrent, arguments.b);
}
CallResult symlinkat(const Arguments& arguments) {
    return symlink_at(arguments.a, arguments.b, arguments.c);
}
CallResult readlink(const Arguments& arguments) {
    return readlink_at(kCurrent, arguments.a, arguments.b, arguments.c);
}
CallResult readlinkat(const Arguments& arguments) {
    return readlink_at(arguments.a, arguments.b, arguments.c, arguments.d);
}

CallResult chmod(const Arguments& arguments) {
    return set_permissions(look_up_at(kCurrent, arguments.a, FollowLast::yes), arguments.b);
}
CallResult fchmod(const Arguments& arguments) {
    return set_permissions(inode_of(arguments.a), arguments.b);
}
CallResult fchmodat(const Arguments& arguments) {
    return set_permissions(look_up_at(arguments.a, arguments.b, FollowLast::yes), arguments.c);
}
/// chown and lchown: everything belongs to root, the only user there is.
CallResult accept_path(const Arguments& arguments) {
    const auto inode = look_up_at(kCurrent, arguments.a, FollowLast::no);
    if (!inode) return fail(inode.error());
    return 0U;
}

CallResult truncate(const Arguments& arguments) {
    if (static_cast<std::int32_t>(arguments.b) < 0) return fail(Errno::einval);
    return truncate_path(arguments.a, arguments.b);
}
CallResult truncate64(const Arguments& arguments) {
    return truncate_path(arguments.a, from_halves(arguments.b, arguments.c));
}

CallResult umask(const Arguments& arguments) {
    return std::exchange(current_process().umask, arguments.a & 0777U);
}

CallResult utimensat(const Arguments& arguments) {
    return utimens<std::int32_t>(arguments);
}
CallResult utimensat_time64(const Arguments& arguments) {
    return utimens<std::int64_t>(arguments);
}

CallResult utimes(const Arguments& arguments) {
    const auto inode = look_up_at(kCurrent, arguments.a, FollowLast::yes);
    if (arguments.b == 0) return set_times(inode, files().now(), files().now());
    const auto pairs = load_user<std::array<TimePair<std::int32_t>, 2>>({arguments.b});
    if (!pairs) return fail(Errno::efault);
    return set_times(inode, (*pairs)[0].seconds, (*pairs)[1].seconds);
}

CallResult utime(const Arguments& arguments) {
    const auto inode = look_up_at(kCurrent, arguments.a, FollowLast::yes);
    if (arguments.b == 0) return set_times(inode, files().now(), files().now());
    const auto times = load_user<TimePair<std::int32_t>>({arguments.b});
    if (!times) return fail(Errno::efault);
    return set_times(inode, times->seconds, times->fraction);
}

/// Only a plain file can be made this way: there are no further devices, and no named pipes.
CallResult mknod(const Arguments& arguments) {
    const std::uint32_t type = arguments.b & kTypeMask;
    if (type != 0 && type != kTypeRegular) return fail(Errno::eperm);
    const auto located = locate_at(kCurrent, arguments.a);
    if (!located) return fail(located.error());
    const auto made = files().create(located->place, InodeKind::regular, arguments.b & ~current_process().umask);
    if (!made) return fail(made.error());
    return 0U;
}

}  // namespace quire::kernel::calls
