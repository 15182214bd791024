#include <fcntl.h>

#include <algorithm>
#include <cstring>

#include "kernel/memory/initial_files.hpp"
#include "kernel/process/process.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

constexpr auto kCurrent = static_cast<std::uint32_t>(AT_FDCWD);
constexpr std::uint32_t kEmptyPath = 0x1000;  // AT_EMPTY_PATH
constexpr std::uint32_t kTypePipe = 0010000;
constexpr std::uint64_t kDeviceOfFiles = 1;

/// struct stat64 of i386: arch/x86/include/uapi/asm/stat.h.
struct Stat64 {
    std::uint64_t device;
    std::array<std::uint8_t, 4> pad0;
    std::uint32_t short_number;
    std::uint32_t mode;
    std::uint32_t links;
    std::uint32_t user;
    std::uint32_t group;
    std::uint64_t device_number;
    std::array<std::uint8_t, 4> pad3;
    std::int64_t size;
    std::uint32_t block_bytes;
    std::uint64_t blocks;
    std::uint32_t accessed, accessed_nanoseconds;
    std::uint32_t modified, modified_nanoseconds;
    std::uint32_t changed, changed_nanoseconds;
    std::uint64_t number;
} __attribute__((packed));
static_assert(sizeof(Stat64) == 96);

/// struct statx: include/uapi/linux/stat.h.
struct StatxTime {
    std::int64_t seconds;
    std::uint32_t nanoseconds;
    std::int32_t reserved;
};
struct Statx {
    std::uint32_t mask;
    std::uint32_t block_bytes;
    std::uint64_t attributes;
    std::uint32_t links, user, group;
    std::uint16_t mode, pad1;
    std::uint64_t number, size, blocks, attributes_mask;
    StatxTime accessed, born, changed, modified;
    std::uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
    std::array<std::uint64_t, 14> spare;
};
static_assert(sizeof(Statx) == 256);

struct Facts {
    std::uint32_t mode = kTypePipe | 0600;
    std::uint32_t links = 1;
    std::uint32_t number = 0;
    std::uint32_t device_number = 0;
    std::uint64_t size = 0;
    std::int64_t accessed = 0;
    std::int64_t modified = 0;
    std::int64_t changed = 0;
};

Facts facts_of(const Inode& inode) {
    Facts facts{.mode = inode.type() | inode.permissions,
                .links = inode.links,
                .number = inode.number(),
                .device_number = inode.device_number,
                .accessed = inode.accessed,
                .modified = inode.modified,
                .changed = inode.changed};
    if (inode.kind() == InodeKind::regular) facts.size = inode.content().size();
    if (inode.kind() == InodeKind::symlink) facts.size = inode.target().size();
    if (inode.is_directory()) facts.size = kPageSize;
    return facts;
}

SysResult<Facts> facts_of_descriptor(std::uint32_t descriptor) {
    const auto file = current_process().files.get(descriptor);
    if (!file) return fail(file.error());
    if ((*file)->inode() != nullptr) return facts_of(*(*file)->inode());
    if ((*file)->is_terminal()) return Facts{.mode = kTypeDevice | 0620, .device_number = 0x500};
    return Facts{};
}

SysResult<Facts> facts_at(std::uint32_t descriptor, std::uint32_t address, std::uint32_t flags) {
    if ((flags & kEmptyPath) != 0) {
        const auto first = load_user<char>({address});
        if (first && *first == '\0') {
            if (descriptor == kCurrent) return facts_of(current_process().files.directory());
            return facts_of_descriptor(descriptor);
        }
    }
    const auto inode =
        look_up_at(descriptor, address, (flags & AT_SYMLINK_NOFOLLOW) != 0 ? FollowLast::no : FollowLast::yes);
    if (!inode) return fail(inode.error());
    return facts_of(**inode);
}

constexpr std::uint64_t blocks_of(std::uint64_t bytes) {
    return (bytes + 511) / 512;
}

CallResult give_stat64(std::uint32_t address, const SysResult<Facts>& facts) {
    if (!facts) return fail(facts.error());
    Stat64 out{};
    out.device = kDeviceOfFiles;
    out.short_number = facts->number;
    out.number = facts->number;
    out.mode = facts->mode;
    out.links = facts->links;
    out.device_number = facts->device_number;
    out.size = static_cast<std::int64_t>(facts->size);
    out.block_bytes = kPageSize;
    out.blocks = blocks_of(facts->size);
    out.accessed = static_cast<std::uint32_t>(facts->accessed);
    out.modified = static_cast<std::uint32_t>(facts->modified);
    out.changed = static_cast<std::uint32_t>(facts->changed);
    return give(address, out);
}

/// struct linux_dirent64, without its name.
struct DirectoryRecord {
    std::uint64_t number;
    std::uint64_t next;
    std::uint16_t bytes;
    std::uint8_t type;
} __attribute__((packed));
static_assert(sizeof(DirectoryRecord) == 19);

/// Fills a program's buffer with directory records.
class DirectoryWriter {
public:
    DirectoryWriter(std::uint32_t address, std::uint32_t bytes) : address_(address), left_(bytes) {}
    /// False if it does not fit (or the program's memory is bad: see failed()).
    bool add(const Inode& inode, std::string_view name, std::uint64_t cookie) {
        std::array<std::byte, sizeof(DirectoryRecord) + FileSystem::kNameMax + 9> bytes{};
        const std::size_t size = (sizeof(DirectoryRecord) + name.size() + 1 + 7) / 8 * 8;
        if (size > left_) return false;
        const DirectoryRecord record{.number = inode.number(),
                                     .next = cookie,
                                     .bytes = static_cast<std::uint16_t>(size),
                                     .type = static_cast<std::uint8_t>(inode.type() >> 12U)};
        std::memcpy(bytes.data(), &record, sizeof record);
        std::memcpy(bytes.data() + sizeof record, name.data(), name.size());
        failed_ = !copy_to_user({address_ + written_}, std::span(bytes).first(size));
        if (failed_) return false;
        written_ += static_cast<std::uint32_t>(size);
        left_ -= static_cast<std::uint32_t>(size);
        return true;
    }
    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::uint32_t written() const { return written_; }

private:
    std::uint32_t address_;
    std::uint32_t left_;
    std::uint32_t written_ = 0;
    bool failed_ = false;
};

/// struct statfs64 of i386.
struct FileSystemFacts {
    std::uint32_t type = 0x0102'1994;  // TMPFS_MAGIC
    std::uint32_t block_bytes = kPageSize;
    std::uint64_t blocks = 0, free = 0, available = 0, files = 0, free_files = 0;
    std::array<std::uint32_t, 2> id{};
    std::uint32_t name_bytes = FileSystem::kNameMax;
    std::uint32_t fragment_bytes = kPageSize;
    std::array<std::uint32_t, 5> flags{};
} __attribute__((packed));
static_assert(sizeof(FileSystemFacts) == 84);

CallResult give_file_system(std::uint32_t bytes, std::uint32_t address) {
    if (bytes != sizeof(FileSystemFacts)) return fail(Errno::einval);
    const FrameStatistics frames = memory().frames.statistics();
    FileSystemFacts facts;
    facts.blocks = frames.managed.value;
    facts.free = facts.available = frames.free.value;
    return give(address, facts);
}

}  // namespace

CallResult stat64(const Arguments& arguments) {
    return give_stat64(arguments.b, facts_at(kCurrent, arguments.a, 0));
}
CallResult lstat64(const Arguments& arguments) {
    return give_stat64(arguments.b, facts_at(kCurrent, arguments.a, AT_SYMLINK_NOFOLLOW));
}
CallResult fstat64(const Arguments& arguments) {
    return give_stat64(arguments.b, facts_of_descriptor(arguments.a));
}
CallResult fstatat64(const Arguments& arguments) {
    return give_stat64(arguments.c, facts_at(arguments.a, arguments.b, arguments.d));
}

CallResult statx(const Arguments& arguments) {
    const auto facts = facts_at(arguments.a, arguments.b, arguments.c);
    if (!facts) return fail(facts.error());
    constexpr std::uint32_t kBasicFacts = 0x7FF;  // STATX_BASIC_STATS
    Statx out{};
    out.mask = kBasicFacts;
    out.block_bytes = kPageSize;
    out.links = facts->links;
    out.mode = static_cast<std::uint16_t>(facts->mode);
    out.number = facts->number;
    out.size = facts->size;
    out.blocks = blocks_of(facts->size);
    out.accessed.seconds = facts->accessed;
    out.modified.seconds = facts->modified;
    out.changed.seconds = facts->changed;
    out.rdev_major = facts->device_number >> 8U;
    out.rdev_minor = facts->device_number & 0xFFU;
    out.dev_minor = static_cast<std::uint32_t>(kDeviceOfFiles);
    return give(arguments.e, out);
}

CallResult getdents64(const Arguments& arguments) {
    const auto file = current_process().files.get(arguments.a);
    if (!file) return fail(file.error());
    Inode* const directory = (*file)->inode();
    if (directory == nullptr || !directory->is_directory()) return fail(Errno::enotdir);
    DirectoryWriter writer(arguments.b, arguments.c);
    std::uint64_t& position = (*file)->position;
    bool fits = true;
    const auto add = [&](const Inode& inode, std::string_view name, std::uint64_t cookie) {
        if (!fits || cookie <= position) return;
        fits = writer.add(inode, name, cookie);
        if (fits) position = cookie;
    };
    if (directory->links != 0) {  // a directory that was removed is empty, without even these
        add(*directory, ".", 1);
        add(*directory->parent, "..", 2);
    }
    for (const DirectoryEntry* entry = directory->first_entry(); entry != nullptr && fits; entry = entry->next) {
        add(*entry->inode, entry->name_view(), entry->cookie);
    }
    if (writer.written() != 0) return writer.written();
    if (writer.failed()) return fail(Errno::efault);
    return fits ? CallResult(0U) : fail(Errno::einval);
}

CallResult statfs64(const Arguments& arguments) {
    const auto inode = look_up_at(kCurrent, arguments.a, FollowLast::yes);
    if (!inode) return fail(inode.error());
    return give_file_system(arguments.b, arguments.c);
}

CallResult fstatfs64(const Arguments& arguments) {
    const auto file = current_process().files.get(arguments.a);
    if (!file) return fail(file.error());
    return give_file_system(arguments.b, arguments.c);
}

}  // namespace quire::kernel::calls
