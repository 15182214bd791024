#include <new>

#include "kernel/fs/file_system.hpp"
#include "kernel/fs/path_components.hpp"

namespace quire::kernel {

namespace {

/// Files of which more names may come, by what they were called in the archive.
class LinkedFiles {
public:
    LinkedFiles() = default;
    LinkedFiles(const LinkedFiles&) = delete;
    LinkedFiles& operator=(const LinkedFiles&) = delete;
    ~LinkedFiles() {
        while (first_ != nullptr) {
            const File* const gone = first_;
            first_ = gone->next;
            delete gone;
        }
    }

    /// nullptr if none of its names was met yet.
    [[nodiscard]] Inode* find(const CpioIdentity& identity) const {
        for (const File* file = first_; file != nullptr; file = file->next) {
            if (file->identity == identity) return file->inode.get();
        }
        return nullptr;
    }
    [[nodiscard]] SysResult<void> add(const CpioIdentity& identity, Inode& inode) {
        const File* const file = new (std::nothrow) File{first_, identity, Ref<Inode>(&inode)};
        if (file == nullptr) return fail(Errno::enomem);
        first_ = file;
        return {};
    }

private:
    struct File {
        const File* next;
        CpioIdentity identity;
        Ref<Inode> inode;  // it may lose its names to later entries
    };
    const File* first_ = nullptr;
};

class Filler {
public:
    explicit Filler(FileSystem& files) : files_(files) {}
    [[nodiscard]] SysResult<void> add(const CpioEntry& entry);

private:
    [[nodiscard]] SysResult<Ref<Inode>> make_parents(std::string_view& path);
    [[nodiscard]] SysResult<Ref<Inode>> make(const Place& place, const CpioEntry& entry);
    [[nodiscard]] SysResult<Ref<Inode>> make_file(const Place& place, const CpioEntry& entry);

    FileSystem& files_;
    LinkedFiles linked_;
};

/// Makes the directories of an archive's path that are missing, and leaves the last component in `path`.
SysResult<Ref<Inode>> Filler::make_parents(std::string_view& path) {
    Ref<Inode> directory(&files_.root());
    for (;;) {
        const std::string_view name = take_component(path);
        path = without_leading_slashes(path);
        if (name == "..") return fail(Errno::einval);
        if (path.empty()) {
            path = name;
            return directory;
        }
        if (name == ".") continue;
        auto next = files_.look_up(*directory, name, FollowLast::yes);
        if (!next && next.error() == Errno::enoent)
            next = files_.create({.directory = directory, .name = name}, InodeKind::directory, 0755);
        if (!next) return next;
        if (!(*next)->is_directory()) return fail(Errno::enotdir);
        directory = *next;
    }
}

/// The names of one file may come in any order, and which of them brings the data is the archiver's choice.
SysResult<Ref<Inode>> Filler::make_file(const Place& place, const CpioEntry& entry) {
    Inode* const known = entry.links > 1 ? linked_.find(entry.identity) : nullptr;
    SysResult<Ref<Inode>> file = Ref<Inode>(known);
    if (known == nullptr) {
        file = files_.create(place, InodeKind::regular, entry.mode);
    } else if (const auto added = files_.link(place, *known); !added) {
        return fail(added.error());
    }
    if (!file) return file;
    if (entry.links > 1 && known == nullptr) {
        if (const auto noted = linked_.add(entry.identity, **file); !noted) return fail(noted.error());
    }
    if ((*file)->content().size() == 0) (*file)->content().begin_with(entry.data);
    return file;
}

SysResult<Ref<Inode>> Filler::make(const Place& place, const CpioEntry& entry) {
    switch (entry.mode & kTypeMask) {
        case kTypeDirectory: return files_.create(place, InodeKind::directory, entry.mode);
        case kTypeSymlink:
            return files_.create_symlink(place, {reinterpret_cast<const char*>(entry.data.data()), entry.data.size()});
        default: return make_file(place, entry);
    }
}

SysResult<void> Filler::add(const CpioEntry& entry) {
    const std::uint32_t type = entry.mode & kTypeMask;
    if (type != kTypeDirectory && type != kTypeSymlink && type != kTypeRegular) return {};
    std::string_view name = entry.name;
    const auto directory = make_parents(name);
    if (!directory) return fail(directory.error());
    const bool itself = name.empty() || name == ".";
    const DirectoryEntry* const before = itself ? nullptr : (*directory)->find(name);
    SysResult<Ref<Inode>> made = *directory;
    if (itself || (before != nullptr && before->inode->is_directory())) {
        if (type != kTypeDirectory) return fail(Errno::eisdir);
        if (!itself) made = before->inode;
        (*made)->permissions = entry.mode & kPermissionMask;
    } else {
        const Place place{.directory = *directory, .name = name};
        if (before != nullptr) {  // the later entry counts, as cpio(1) extracts
            if (const auto gone = files_.unlink(place); !gone) return gone;
        }
        made = make(place, entry);
    }
    if (!made) return fail(made.error());
    (*made)->modified = entry.mtime;
    return {};
}

const char* explain(Errno error) {
    switch (error) {
        case Errno::enomem: return "not enough memory for the archive's names";
        case Errno::enametoolong: return "a name or a link is too long";
        case Errno::enoent: return "a link leads to nothing, or an entry lies behind such a link";
        case Errno::einval: return "a name leads upwards (..)";
        default: return "two entries contradict each other";
    }
}

}  // namespace

std::expected<void, CpioError> FileSystem::fill(std::span<const std::byte> archive) {
    CpioReader reader(archive);
    Filler filler(*this);
    for (;;) {
        const auto entry = reader.next();
        if (!entry) return std::unexpected(entry.error());
        if (entry->name.empty()) return {};
        if (const auto added = filler.add(*entry); !added)
            return std::unexpected(CpioError{explain(added.error()), entry->offset});
    }
}

}  // namespace quire::kernel
