#include "kernel/fs/inode.hpp"

#include <cstring>
#include <new>

#include "quire/base/defect.hpp"

namespace quire::kernel {

namespace {

/// A copy of `text` in memory of its own; nullptr when there is none.
char* copy_of(std::string_view text) {
    char* const copy = new (std::nothrow) char[text.size() + 1];
    if (copy == nullptr) return nullptr;
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    return copy;
}

}  // namespace

Inode::Inode(InodeList& list, FrameAllocator& frames, InodeKind kind, std::uint32_t number)
    : list_(list), next_(list.first), number_(number), kind_(kind), content_(frames) {
    if (next_ != nullptr) next_->previous_ = this;
    list_.first = this;
}

Inode::~Inode() {
    if (next_ != nullptr) next_->previous_ = previous_;
    (previous_ != nullptr ? previous_->next_ : list_.first) = next_;
    delete[] target_;
    while (entries_ != nullptr) {
        DirectoryEntry* const gone = entries_;
        entries_ = gone->next;
        delete gone;
    }
}

void Inode::release() {
    if (--references_ == 0) delete this;
}

std::uint32_t Inode::type() const {
    switch (kind_) {
        case InodeKind::regular: return kTypeRegular;
        case InodeKind::directory: return kTypeDirectory;
        case InodeKind::symlink: return kTypeSymlink;
        case InodeKind::device: return kTypeDevice;
    }
    return 0;
}

SysResult<void> Inode::set_target(std::string_view target) {
    char* const copy = copy_of(target);
    if (copy == nullptr) return fail(Errno::enomem);
    delete[] target_;
    target_ = copy;
    target_length_ = target.size();
    return {};
}

DirectoryEntry* Inode::find(std::string_view name) const {
    for (DirectoryEntry* entry = entries_; entry != nullptr; entry = entry->next) {
        if (entry->name_view() == name) return entry;
    }
    return nullptr;
}

SysResult<void> Inode::add(std::string_view name, Inode& inode) {
    auto* const entry = new (std::nothrow) DirectoryEntry;
    if (entry == nullptr) return fail(Errno::enomem);
    entry->name = copy_of(name);
    if (entry->name == nullptr) {
        delete entry;
        return fail(Errno::enomem);
    }
    entry->name_length = name.size();
    entry->inode = Ref<Inode>(&inode);
    entry->cookie = next_cookie_++;
    DirectoryEntry** link = &entries_;
    while (*link != nullptr) link = &(*link)->next;
    *link = entry;
    return {};
}

void Inode::check_names() const {
    require(is_directory() || entries_ == nullptr, "I20: what is no directory has names");
    std::uint64_t before = 2;  // the cookies of "." and ".."
    for (const DirectoryEntry* entry = entries_; entry != nullptr; entry = entry->next) {
        const std::string_view name = entry->name_view();
        const bool special = name.empty() || name == "." || name == "..";
        require(!special && name.find('/') == std::string_view::npos, "I20: a directory has a name that is none");
        require(entry->cookie > before && entry->cookie < next_cookie_, "I20: directory cookies are out of order");
        before = entry->cookie;
    }
}

void Inode::remove(std::string_view name) {
    for (DirectoryEntry** link = &entries_; *link != nullptr; link = &(*link)->next) {
        DirectoryEntry* const entry = *link;
        if (entry->name_view() != name) continue;
        *link = entry->next;
        delete entry;
        return;
    }
    defect("a directory entry to be removed is not there");
}

}  // namespace quire::kernel
