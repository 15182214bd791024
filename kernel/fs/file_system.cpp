#include "kernel/fs/file_system.hpp"

#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "kernel/fs/path_components.hpp"

namespace quire::kernel {

namespace {

constexpr unsigned kMaxLinks = 40;  // path_resolution(7)

}  // namespace

Inode* FileSystem::make_inode(InodeKind kind, std::uint32_t permissions) {
    auto* const inode = new (std::nothrow) Inode(inodes_, frames_, kind, next_number_);
    if (inode == nullptr) return nullptr;
    ++next_number_;
    inode->permissions = permissions & kPermissionMask;
    inode->modified = inode->accessed = inode->changed = now();
    return inode;
}

SysResult<void> FileSystem::open() {
    Inode* const root = make_inode(InodeKind::directory, 0755);
    if (root == nullptr) return fail(Errno::enomem);
    root_ = Ref<Inode>(root);
    root->parent = root;
    root->links = 2;
    return make_devices();
}

SysResult<void> FileSystem::make_devices() {
    struct Node {
        std::string_view name;
        Device device;
        std::uint32_t number;  // major * 256 + minor, as Linux numbers them (Documentation/admin-guide/devices.txt)
    };
    static constexpr std::array<Node, 7> kNodes{{{"null", Device::null, 0x103},
                                                 {"zero", Device::zero, 0x105},
                                                 {"full", Device::full, 0x107},
                                                 {"random", Device::random, 0x108},
                                                 {"urandom", Device::random, 0x109},
                                                 {"tty", Device::terminal, 0x500},
                                                 {"console", Device::terminal, 0x501}}};
    const auto directory = create({.directory = root_, .name = "dev"}, InodeKind::directory, 0755);
    if (!directory) return fail(directory.error());
    for (const Node& node : kNodes) {
        const auto inode = create({.directory = *directory, .name = node.name}, InodeKind::device, 0666);
        if (!inode) return fail(inode.error());
        (*inode)->device = node.device;
        (*inode)->device_number = node.number;
    }
    return {};
}

SysResult<Ref<Inode>> FileSystem::child(Inode& directory, std::string_view name) const {
    if (!directory.is_directory()) return fail(Errno::enotdir);
    if (name.size() > kNameMax) return fail(Errno::enametoolong);
    if (name.empty() || name == ".") return Ref<Inode>(&directory);
    if (name == "..") return Ref<Inode>(directory.parent);
    const DirectoryEntry* const entry = directory.find(name);
    if (entry == nullptr) return fail(Errno::enoent);
    return entry->inode;
}

/// Walks all components but the last, through links. The last one is only named, except that with `follow_last` a
/// link there is walked through as well; the name is then one of a directory's own, or lies in the target of a link to
/// nowhere, and is good until the tree changes. Recursion is bounded by kMaxLinks: about 6 KiB of stack.
SysResult<Place> FileSystem::resolve(Inode& start, std::string_view path, bool follow_last, unsigned& links) const {
    if (path.empty()) return fail(Errno::enoent);
    if (path.size() >= kPathMax) return fail(Errno::enametoolong);
    Place place{.directory = path.starts_with('/') ? root_ : Ref<Inode>(&start), .name = {}};
    for (;;) {
        const std::string_view name = take_component(path);
        const bool slash = path.starts_with('/');
        const bool last = without_leading_slashes(path).empty();
        if (name.empty()) return place;  // the path was all slashes
        if (name.size() > kNameMax) return fail(Errno::enametoolong);
        place.name = name;
        place.must_be_directory = slash;
        if (last && !follow_last && !slash) return place;

        auto next = child(*place.directory, name);
        if (!next) {
            if (last && next.error() == Errno::enoent) return place;  // a name that could be made
            return fail(next.error());
        }
        if ((*next)->kind() == InodeKind::symlink) {
            if (++links > kMaxLinks) return fail(Errno::eloop);
            const Ref<Inode> link = *next;
            auto behind = resolve(*place.directory, link->target(), true, links);
            if (!behind) return behind;
            if (last) {
                behind->must_be_directory = behind->must_be_directory || slash;
                // The name lies in the link's target, which lives as long as the link does: keep only names that do.
                const auto inode = child(*behind->directory, behind->name);
                if (!inode && inode.error() == Errno::enoent) return behind;  // a name that could be made
                if (!inode) return fail(inode.error());
                if ((*inode)->is_directory()) return Place{.directory = *inode, .name = "."};
                const DirectoryEntry* const entry = behind->directory->find(behind->name);
                behind->name = entry->name_view();
                return behind;
            }
            next = child(*behind->directory, behind->name);
            if (!next) return fail(next.error());
        }
        if (last) return place;
        if (!(*next)->is_directory()) return fail(Errno::enotdir);
        place.directory = *next;
    }
}

SysResult<Ref<Inode>> FileSystem::look_up(Inode& start, std::string_view path, FollowLast follow) const {
    unsigned links = 0;
    const auto place = resolve(start, path, follow == FollowLast::yes, links);
    if (!place) return fail(place.error());
    auto inode = child(*place->directory, place->name);
    if (inode && place->must_be_directory && !(*inode)->is_directory()) return fail(Errno::enotdir);
    return inode;
}

SysResult<Place> FileSystem::locate(Inode& start, std::string_view path) const {
    unsigned links = 0;
    // A slash at the end belongs to the name of a directory, not to what a link there leads to.
    std::string_view trimmed = path;
    while (trimmed.size() > 1 && trimmed.ends_with('/')) trimmed.remove_suffix(1);
    auto place = resolve(start, trimmed, false, links);
    if (place) {
        if (!place->directory->is_directory()) return fail(Errno::enotdir);
        place->must_be_directory = trimmed.size() != path.size();
    }
    return place;
}

SysResult<Ref<Inode>> FileSystem::open_inode(Inode& start, std::string_view path, const OpenRequest& request) {
    const bool follow = request.follow == FollowLast::yes && !(request.create && request.exclusive);
    unsigned links = 0;
    const auto place = request.create && !follow ? locate(start, path) : resolve(start, path, follow, links);
    if (!place) return fail(place.error());
    if (request.create && place->must_be_directory) return fail(Errno::eisdir);
    auto inode = child(*place->directory, place->name);
    if (inode) {
        if (request.create && request.exclusive) return fail(Errno::eexist);
        if ((*inode)->kind() == InodeKind::symlink) return fail(Errno::eloop);
        if (place->must_be_directory && !(*inode)->is_directory()) return fail(Errno::enotdir);
        return inode;
    }
    if (inode.error() != Errno::enoent || !request.create) return inode;
    return create(*place, InodeKind::regular, request.permissions);
}

/// Whether something of this kind can be called so.
SysResult<void> FileSystem::check_free(const Place& place, InodeKind kind) const {
    const std::string_view name = place.name;
    if (name.empty() || name == "." || name == "..") return fail(Errno::eexist);
    if (name.size() > kNameMax) return fail(Errno::enametoolong);
    if (place.directory->find(name) != nullptr) return fail(Errno::eexist);
    if (place.must_be_directory && kind != InodeKind::directory) return fail(Errno::enoent);
    if (place.directory->links == 0)
        return fail(Errno::enoent);  // a directory that was removed while somebody is in it
    return {};
}

/// Gives an inode its first name, or a further one. check_free() has been asked.
SysResult<void> FileSystem::attach(const Place& place, Inode& inode) {
    if (const auto added = place.directory->add(place.name, inode); !added) return added;
    ++inode.links;
    if (inode.is_directory()) {
        ++inode.links;
        inode.parent = place.directory.get();
        ++place.directory->links;
    }
    inode.changed = place.directory->modified = place.directory->changed = now();
    return {};
}

SysResult<Ref<Inode>> FileSystem::create(const Place& place, InodeKind kind, std::uint32_t permissions) {
    if (const auto free = check_free(place, kind); !free) return fail(free.error());
    Ref<Inode> inode(make_inode(kind, permissions));
    if (!inode) return fail(Errno::enomem);
    if (const auto attached = attach(place, *inode); !attached) return fail(attached.error());
    return inode;
}

SysResult<Ref<Inode>> FileSystem::create_symlink(const Place& place, std::string_view target) {
    if (target.empty()) return fail(Errno::enoent);
    if (target.size() >= kPathMax) return fail(Errno::enametoolong);
    if (const auto free = check_free(place, InodeKind::symlink); !free) return fail(free.error());
    Ref<Inode> inode(make_inode(InodeKind::symlink, 0777));
    if (!inode) return fail(Errno::enomem);
    if (const auto set = inode->set_target(target); !set) return fail(set.error());
    if (const auto attached = attach(place, *inode); !attached) return fail(attached.error());
    return inode;
}

SysResult<void> FileSystem::link(const Place& place, Inode& inode) {
    if (inode.is_directory()) return fail(Errno::eperm);
    if (inode.links == 0) return fail(Errno::enoent);
    if (const auto free = check_free(place, inode.kind()); !free) return free;
    return attach(place, inode);
}

SysResult<void> FileSystem::unlink(const Place& place) {
    if (place.name.empty() || place.name == "." || place.name == "..") return fail(Errno::eisdir);
    const DirectoryEntry* const entry = place.directory->find(place.name);
    if (entry == nullptr) return fail(Errno::enoent);
    if (entry->inode->is_directory()) return fail(Errno::eisdir);
    if (place.must_be_directory) return fail(Errno::enotdir);
    --entry->inode->links;
    entry->inode->changed = now();
    place.directory->remove(place.name);
    place.directory->modified = place.directory->changed = now();
    return {};
}

SysResult<void> FileSystem::remove_directory(const Place& place) {
    if (place.name.empty()) return fail(Errno::ebusy);
    if (place.name == ".") return fail(Errno::einval);
    if (place.name == "..") return fail(Errno::enotempty);
    const DirectoryEntry* const entry = place.directory->find(place.name);
    if (entry == nullptr) return fail(Errno::enoent);
    Inode& inode = *entry->inode;
    if (!inode.is_directory()) return fail(Errno::enotdir);
    if (inode.first_entry() != nullptr) return fail(Errno::enotempty);
    inode.links = 0;
    inode.parent = &inode;  // its parent may go before it does
    --place.directory->links;
    place.directory->remove(place.name);
    place.directory->modified = place.directory->changed = now();
    return {};
}

SysResult<void> FileSystem::rename(const Place& from, const Place& to) {
    for (const std::string_view name : {from.name, to.name}) {
        if (name.empty() || name == "." || name == "..") return fail(Errno::ebusy);
        if (name.size() > kNameMax) return fail(Errno::enametoolong);
    }
    DirectoryEntry* const source = from.directory->find(from.name);
    if (source == nullptr) return fail(Errno::enoent);
    const Ref<Inode> moved = source->inode;
    if (!moved->is_directory() && (from.must_be_directory || to.must_be_directory)) return fail(Errno::enotdir);
    if (to.directory->links == 0) return fail(Errno::enoent);
    for (const Inode* above = to.directory.get(); moved->is_directory(); above = above->parent) {
        if (above == moved.get()) return fail(Errno::einval);
        if (above == above->parent) break;
    }
    if (DirectoryEntry* const target = to.directory->find(to.name); target != nullptr) {
        const Ref<Inode> replaced = target->inode;
        if (replaced.get() == moved.get()) return {};
        if (moved->is_directory() && !replaced->is_directory()) return fail(Errno::enotdir);
        if (!moved->is_directory() && replaced->is_directory()) return fail(Errno::eisdir);
        if (replaced->first_entry() != nullptr) return fail(Errno::enotempty);
        // The name stays and leads elsewhere: nothing to allocate, so nothing can fail half-way.
        target->inode = moved;
        replaced->changed = now();
        if (replaced->is_directory()) {
            replaced->links = 0;
            replaced->parent = replaced.get();
            --to.directory->links;
        } else {
            --replaced->links;
        }
    } else if (const auto added = to.directory->add(to.name, *moved); !added) {
        return added;
    }
    from.directory->remove(from.name);
    if (moved->is_directory()) {
        --from.directory->links;
        ++to.directory->links;
        moved->parent = to.directory.get();
    }
    moved->changed = from.directory->modified = from.directory->changed = now();
    to.directory->modified = to.directory->changed = now();
    return {};
}

SysResult<std::size_t> FileSystem::path_of(const Inode& directory, std::span<char> out) const {
    // Backwards from the end of the buffer, then to its beginning.
    std::size_t begin = out.size();
    const auto put = [&](std::string_view text) {
        if (text.size() > begin) return false;
        begin -= text.size();
        std::memcpy(out.data() + begin, text.data(), text.size());
        return true;
    };
    if (!put(std::string_view("\0", 1))) return fail(Errno::erange);
    if (&directory == root_.get() && !put("/")) return fail(Errno::erange);
    for (const Inode* inode = &directory; inode != root_.get(); inode = inode->parent) {
        const DirectoryEntry* entry = inode->parent->first_entry();
        while (entry != nullptr && entry->inode.get() != inode) entry = entry->next;
        if (entry == nullptr) return fail(Errno::enoent);  // it has been removed
        if (!put(entry->name_view()) || !put("/")) return fail(Errno::erange);
    }
    const std::size_t bytes = out.size() - begin;
    std::memmove(out.data(), out.data() + begin, bytes);
    return bytes - 1;
}

FrameCount FileSystem::drop_clean_pages() {
    FrameCount dropped{};
    for (Inode* inode = inodes_.first; inode != nullptr; inode = inode->next_inode()) {
        dropped += inode->content().drop_clean_pages();
    }
    return dropped;
}

}  // namespace quire::kernel
