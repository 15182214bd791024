#include "kernel/process/files.hpp"

#include <utility>

namespace quire::kernel {

SysResult<OpenFile*> Files::get(std::uint32_t descriptor) const {
    if (descriptor >= kMost || !open_[descriptor]) return fail(Errno::ebadf);
    return open_[descriptor].get();
}

SysResult<std::uint32_t> Files::add(Ref<OpenFile> file, bool close_on_exec, std::uint32_t lowest) {
    for (std::uint32_t descriptor = lowest; descriptor < kMost; ++descriptor) {
        if (open_[descriptor]) continue;
        open_[descriptor] = std::move(file);
        close_on_exec_[descriptor] = close_on_exec;
        return descriptor;
    }
    return fail(Errno::emfile);
}

SysResult<void> Files::put(std::uint32_t descriptor, Ref<OpenFile> file, bool close_on_exec) {
    if (descriptor >= kMost) return fail(Errno::ebadf);
    open_[descriptor] = std::move(file);
    close_on_exec_[descriptor] = close_on_exec;
    return {};
}

SysResult<void> Files::close(std::uint32_t descriptor) {
    if (const auto file = get(descriptor); !file) return fail(file.error());
    open_[descriptor] = {};
    return {};
}

void Files::close_all() {
    for (Ref<OpenFile>& file : open_) file = {};
    directory_ = {};
}

}  // namespace quire::kernel
