#include "kernel/fs/file_system.hpp"
#include "quire/base/defect.hpp"

namespace quire::kernel {

/// Counts for each inode what should lead to it, and compares with the link count it keeps: a name is one; a directory
/// counts its own "." and the ".." of each directory in it as well.
void FileSystem::check_invariants() const {
    for_each([](const Inode& inode) { inode.tally = 0; });
    ++root_->tally;  // the name that the root has by itself
    for_each([](const Inode& inode) {
        inode.check_names();
        inode.content().check_invariants();
        require(inode.kind() == InodeKind::regular || inode.content().size() == 0, "I20: what is no file has bytes");
        if (!inode.is_directory()) return;
        if (inode.links == 0) {
            require(inode.first_entry() == nullptr && inode.parent == &inode,
                    "I20: a removed directory is in the tree");
            return;
        }
        ++inode.tally;
        for (const DirectoryEntry* entry = inode.first_entry(); entry != nullptr; entry = entry->next) {
            ++entry->inode->tally;
            if (!entry->inode->is_directory()) continue;
            ++inode.tally;
            require(entry->inode->parent == &inode, "I20: a directory has another parent than the one it is in");
        }
    });
    for_each([](const Inode& inode) { require(inode.tally == inode.links, "I20: a link count is wrong"); });
}

}  // namespace quire::kernel
