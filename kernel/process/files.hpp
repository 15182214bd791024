#pragma once
/// What a process has open, by descriptor number, and where it is in the file system.

#include <array>
#include <cstdint>

#include "kernel/base/errno.hpp"
#include "kernel/base/ref.hpp"
#include "kernel/process/open_file.hpp"

namespace quire::kernel {

class Files {
public:
    static constexpr std::size_t kMost = 256;  ///< descriptors; what RLIMIT_NOFILE says

    /// ebadf.
    [[nodiscard]] SysResult<OpenFile*> get(std::uint32_t descriptor) const;
    /// The lowest free descriptor at or above `lowest`. emfile.
    [[nodiscard]] SysResult<std::uint32_t> add(Ref<OpenFile> file, bool close_on_exec = false,
                                               std::uint32_t lowest = 0);
    /// Under this number, closing what it was. ebadf for a number out of range.
    [[nodiscard]] SysResult<void> put(std::uint32_t descriptor, Ref<OpenFile> file, bool close_on_exec);
    /// ebadf.
    [[nodiscard]] SysResult<void> close(std::uint32_t descriptor);
    void close_all();

    [[nodiscard]] bool close_on_exec(std::uint32_t descriptor) const { return close_on_exec_[descriptor]; }
    void set_close_on_exec(std::uint32_t descriptor, bool on) { close_on_exec_[descriptor] = on; }

    [[nodiscard]] Inode& directory() const { return *directory_; }
    void set_directory(Inode& inode) { directory_ = Ref<Inode>(&inode); }

private:
    std::array<Ref<OpenFile>, kMost> open_{};
    std::array<bool, kMost> close_on_exec_{};
    Ref<Inode> directory_;
};

}  // namespace quire::kernel
