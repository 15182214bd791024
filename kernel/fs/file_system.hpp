#pragma once
/// The initial file system: a tree of inodes in memory, filled from the boot module's archive, writable, gone with the
/// machine. Paths and errors as in path_resolution(7) and the manual page of each call.

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "kernel/base/errno.hpp"
#include "kernel/base/ref.hpp"
#include "kernel/fs/cpio.hpp"
#include "kernel/fs/inode.hpp"
#include "quire/frames/frame_allocator.hpp"

namespace quire::kernel {

/// Whether a symbolic link at the end of a path is followed.
enum class FollowLast : bool { no, yes };

/// Where a name is, or would be: for calls that make or remove one.
struct Place {
    Ref<Inode> directory;
    std::string_view name;           ///< last component of the path, part of it; empty: the path was only slashes
    bool must_be_directory = false;  ///< the path ended in a slash
};

/// What open(2) should do about a name that is there, or is not.
struct OpenRequest {
    bool create = false;                  ///< O_CREAT
    bool exclusive = false;               ///< O_EXCL, with O_CREAT
    FollowLast follow = FollowLast::yes;  ///< no: O_NOFOLLOW
    std::uint32_t permissions = 0666;     ///< of a file that is made
};

class FileSystem {
public:
    static constexpr std::size_t kNameMax = 255;
    static constexpr std::size_t kPathMax = 4096;  ///< with the NUL

    explicit FileSystem(FrameAllocator& frames) : frames_(frames) {}

    /// Makes the root and the devices in /dev. enomem. Once, first.
    [[nodiscard]] SysResult<void> open();
    /// Adds what the archive holds; directories that it does not name are made, everything belongs to root, and entries
    /// that are neither file, directory nor link are left out: devices are the kernel's own. The archive's bytes stay
    /// where they are for ever. The error says what is wrong with the archive (or that memory ran out), and where; what
    /// was added until then stays.
    [[nodiscard]] std::expected<void, CpioError> fill(std::span<const std::byte> archive);

    [[nodiscard]] Inode& root() const { return *root_; }
    /// Seconds since 1970 for the times of inodes; set whenever the clock is known.
    void set_clock(std::int64_t (*clock)()) { clock_ = clock; }
    [[nodiscard]] std::int64_t now() const { return clock_ == nullptr ? 0 : clock_(); }

    /// The inode that `path` leads to, from `start` if it is relative. enoent, enotdir, eloop, enametoolong, enomem.
    [[nodiscard]] SysResult<Ref<Inode>> look_up(Inode& start, std::string_view path, FollowLast follow) const;
    /// The directory that holds (or would hold) the last component. Errors as above.
    [[nodiscard]] SysResult<Place> locate(Inode& start, std::string_view path) const;

    /// The inode that open(2) opens, made if that is asked for, also where a symbolic link to nowhere leads. look_up's
    /// errors; eexist, eisdir (a file to be made, but the path ends in a slash), eloop (a link that is not followed).
    [[nodiscard]] SysResult<Ref<Inode>> open_inode(Inode& start, std::string_view path, const OpenRequest& request);

    /// A new regular file, directory, link or device under a name that is not there. eexist, enametoolong, enoent (the
    /// directory was removed, or the path ended in a slash and this is no directory), enomem; then nothing has changed.
    [[nodiscard]] SysResult<Ref<Inode>> create(const Place& place, InodeKind kind, std::uint32_t permissions);
    [[nodiscard]] SysResult<Ref<Inode>> create_symlink(const Place& place, std::string_view target);
    /// A second name for an inode that is no directory and still has one. Errors as above; eperm.
    [[nodiscard]] SysResult<void> link(const Place& place, Inode& inode);
    /// unlink(2): enoent, eisdir. rmdir(2): enoent, enotdir, enotempty, ebusy, einval.
    [[nodiscard]] SysResult<void> unlink(const Place& place);
    [[nodiscard]] SysResult<void> remove_directory(const Place& place);
    /// rename(2): replaces what is there if it is of the same kind. enoent, enotdir, eisdir, enotempty, einval (into
    /// itself), enomem.
    [[nodiscard]] SysResult<void> rename(const Place& from, const Place& to);

    /// Writes the absolute path of a directory, with its NUL, and returns its length without it. erange.
    [[nodiscard]] SysResult<std::size_t> path_of(const Inode& directory, std::span<char> out) const;

    /// Gives back the frames of all files' pages that can be had again: FileContent::drop_clean_pages(). How many.
    FrameCount drop_clean_pages();

    /// Proves that names, link counts and cached pages agree (I19, I20); a defect if not. O(names + pages).
    void check_invariants() const;

    /// Calls `visit(const Inode&)` for every inode there is, also those that have lost their last name but are open.
    template <typename Visitor>
    void for_each(Visitor&& visit) const {
        for (const Inode* inode = inodes_.first; inode != nullptr; inode = inode->next_inode()) visit(*inode);
    }

private:
    [[nodiscard]] SysResult<Place> resolve(Inode& start, std::string_view path, bool follow_last,
                                           unsigned& links) const;
    [[nodiscard]] SysResult<Ref<Inode>> child(Inode& directory, std::string_view name) const;
    [[nodiscard]] Inode* make_inode(InodeKind kind, std::uint32_t permissions);
    [[nodiscard]] SysResult<void> make_devices();
    [[nodiscard]] SysResult<void> check_free(const Place& place, InodeKind kind) const;
    [[nodiscard]] SysResult<void> attach(const Place& place, Inode& inode);

    FrameAllocator& frames_;
    InodeList inodes_;  ///< before root_: it must outlive every inode
    Ref<Inode> root_;
    std::uint32_t next_number_ = 1;
    std::int64_t (*clock_)() = nullptr;
};

}  // namespace quire::kernel
