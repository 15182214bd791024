#include "kernel/syscall/user_values.hpp"

#include <fcntl.h>

#include <new>

#include "kernel/memory/initial_files.hpp"
#include "kernel/process/process.hpp"

namespace quire::kernel {

SysResult<UserPath> UserPath::read(std::uint32_t address) {
    auto* const bytes = new (std::nothrow) char[FileSystem::kPathMax];
    if (bytes == nullptr) return fail(Errno::enomem);
    const auto length = copy_string_from_user({bytes, FileSystem::kPathMax}, {address});
    if (!length) {
        delete[] bytes;
        return fail(length.error() == StringError::bad_address ? Errno::efault : Errno::enametoolong);
    }
    return UserPath(bytes, *length);
}

SysResult<Inode*> start_directory(std::uint32_t descriptor) {
    const Process& process = current_process();
    if (descriptor == static_cast<std::uint32_t>(AT_FDCWD)) return &process.files.directory();
    const auto file = process.files.get(descriptor);
    if (!file) return fail(file.error());
    Inode* const inode = (*file)->inode();
    if (inode == nullptr || !inode->is_directory()) return fail(Errno::enotdir);
    return inode;
}

SysResult<Ref<Inode>> look_up_at(std::uint32_t descriptor, std::uint32_t path_address, FollowLast follow) {
    const auto path = UserPath::read(path_address);
    if (!path) return fail(path.error());
    // An absolute path does not care about the descriptor, not even whether it is one.
    if (path->view().starts_with('/')) return files().look_up(files().root(), path->view(), follow);
    const auto start = start_directory(descriptor);
    if (!start) return fail(start.error());
    return files().look_up(**start, path->view(), follow);
}

}  // namespace quire::kernel
