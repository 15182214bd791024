#pragma once
/// What a name leads to: a file, a directory, a symbolic link, a device. Lives as long as a name, an open file or a
/// mapping refers to it.

#include <cstdint>
#include <string_view>

#include "kernel/base/errno.hpp"
#include "kernel/base/ref.hpp"
#include "kernel/fs/file_content.hpp"

namespace quire::kernel {

enum class InodeKind : std::uint8_t { regular, directory, symlink, device };

/// The devices that there are. What they do is kernel/process/open_file.cpp's.
enum class Device : std::uint8_t { none, null, zero, full, random, terminal };

/// Permission bits and the file type of stat(2): inode(7).
inline constexpr std::uint32_t kTypeMask = 0170000;
inline constexpr std::uint32_t kTypeRegular = 0100000;
inline constexpr std::uint32_t kTypeDirectory = 0040000;
inline constexpr std::uint32_t kTypeSymlink = 0120000;
inline constexpr std::uint32_t kTypeDevice = 0020000;
inline constexpr std::uint32_t kPermissionMask = 07777;

class Inode;

/// A name in a directory.
struct DirectoryEntry {
    Ref<Inode> inode;
    DirectoryEntry* next = nullptr;
    std::uint64_t cookie = 0;  ///< ascending in the list, never used twice: where a reading of the directory goes on
    char* name = nullptr;
    std::size_t name_length = 0;

    ~DirectoryEntry() { delete[] name; }
    [[nodiscard]] std::string_view name_view() const { return {name, name_length}; }
};

/// All inodes of a file system, for audits.
struct InodeList {
    Inode* first = nullptr;
};

class Inode {
public:
    Inode(InodeList& list, FrameAllocator& frames, InodeKind kind, std::uint32_t number);
    Inode(const Inode&) = delete;
    Inode& operator=(const Inode&) = delete;

    void retain() { ++references_; }
    void release();

    [[nodiscard]] InodeKind kind() const { return kind_; }
    [[nodiscard]] std::uint32_t number() const { return number_; }
    [[nodiscard]] bool is_directory() const { return kind_ == InodeKind::directory; }
    [[nodiscard]] std::uint32_t type() const;

    /// Bytes of a regular file.
    [[nodiscard]] FileContent& content() { return content_; }
    [[nodiscard]] const FileContent& content() const { return content_; }
    /// Target of a symbolic link.
    [[nodiscard]] std::string_view target() const { return {target_, target_length_}; }
    /// enomem.
    [[nodiscard]] SysResult<void> set_target(std::string_view target);

    /// Names of a directory, "." and ".." not among them. O(entries).
    [[nodiscard]] DirectoryEntry* find(std::string_view name) const;
    [[nodiscard]] const DirectoryEntry* first_entry() const { return entries_; }
    /// Adds a name that is not there yet. enomem.
    [[nodiscard]] SysResult<void> add(std::string_view name, Inode& inode);
    /// Takes a name out that is there.
    void remove(std::string_view name);

    std::uint32_t permissions = 0755;
    std::uint32_t links = 0;  ///< names that lead here, and for a directory the ".." of its children and its own "."
    std::uint32_t user = 0;
    std::uint32_t group = 0;
    std::int64_t modified = 0;  ///< seconds since 1970
    std::int64_t accessed = 0;
    std::int64_t changed = 0;
    Device device = Device::none;
    std::uint32_t device_number = 0;  ///< as stat(2)'s st_rdev has it
    Inode* parent = nullptr;          ///< of a directory; the root's, and a removed one's, is itself

    /// Proves that the names of a directory are names and stand in the order of their cookies: I20.
    void check_names() const;
    mutable std::uint32_t tally = 0;  ///< scratch of FileSystem::check_invariants: what `links` should be

    [[nodiscard]] const Inode* next_inode() const { return next_; }
    [[nodiscard]] Inode* next_inode() { return next_; }

private:
    ~Inode();
    InodeList& list_;
    Inode* next_ = nullptr;
    Inode* previous_ = nullptr;
    std::uint32_t references_ = 0;
    std::uint32_t number_;
    InodeKind kind_;
    FileContent content_;
    char* target_ = nullptr;
    std::size_t target_length_ = 0;
    DirectoryEntry* entries_ = nullptr;
    std::uint64_t next_cookie_ = 3;  ///< 1 and 2 are "." and ".."
};

}  // namespace quire::kernel
