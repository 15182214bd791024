/// Random sequences of calls, against a model of maps that knows the manual pages' rules on its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "kernel/fs/file_system.hpp"
#include "tests/unit/support/world.hpp"

namespace quire::kernel {
namespace {

struct Node {
    bool directory = false;
    std::string text;
    std::map<std::string, std::shared_ptr<Node>> names;
};
using NodePointer = std::shared_ptr<Node>;
using Path = std::vector<std::string>;

std::string joined(const Path& path) {
    std::string out;
    for (const std::string& name : path) out += "/" + name;
    return out;
}

class Model {
public:
    /// The directory of the last name; or what walking to it says.
    Errno walk(const Path& path, NodePointer& directory) const {
        directory = root;
        for (std::size_t i = 0; i + 1 < path.size(); ++i) {
            const auto found = directory->names.find(path[i]);
            if (found == directory->names.end()) return Errno::enoent;
            if (!found->second->directory) return Errno::enotdir;
            directory = found->second;
        }
        return Errno{};
    }
    NodePointer find(const Path& path) const {
        NodePointer directory;
        if (walk(path, directory) != Errno{}) return nullptr;
        const auto found = directory->names.find(path.back());
        return found == directory->names.end() ? nullptr : found->second;
    }
    Errno make(const Path& path, NodePointer node) {
        NodePointer directory;
        if (const Errno error = walk(path, directory); error != Errno{}) return error;
        return directory->names.emplace(path.back(), std::move(node)).second ? Errno{} : Errno::eexist;
    }
    Errno remove(const Path& path, bool rmdir) {
        NodePointer directory;
        if (const Errno error = walk(path, directory); error != Errno{}) return error;
        const NodePointer node = find(path);
        if (!node) return Errno::enoent;
        if (node->directory != rmdir) return rmdir ? Errno::enotdir : Errno::eisdir;
        if (!node->names.empty()) return Errno::enotempty;
        directory->names.erase(path.back());
        return Errno{};
    }
    Errno rename(const Path& from, const Path& to) {
        NodePointer source;
        NodePointer target;
        if (const Errno error = walk(from, source); error != Errno{}) return error;
        if (const Errno error = walk(to, target); error != Errno{}) return error;
        const NodePointer node = find(from);
        if (!node) return Errno::enoent;
        const bool inside = to.size() > from.size() && std::equal(from.begin(), from.end(), to.begin());
        if (node->directory && inside) return Errno::einval;
        if (const NodePointer replaced = find(to)) {
            if (replaced == node) return Errno{};
            if (node->directory && !replaced->directory) return Errno::enotdir;
            if (!node->directory && replaced->directory) return Errno::eisdir;
            if (!replaced->names.empty()) return Errno::enotempty;
        }
        source->names.erase(from.back());
        target->names[to.back()] = node;
        return Errno{};
    }

    NodePointer root = std::make_shared<Node>(Node{.directory = true, .text = {}, .names = {}});
};

template <typename T>
Errno error_of(const SysResult<T>& result) {
    return result ? Errno{} : result.error();
}

void compare(Inode& inode, const Node& node, const std::string& path) {
    ASSERT_EQ(inode.is_directory(), node.directory) << path;
    if (!node.directory) {
        std::string text(static_cast<std::size_t>(inode.content().size()), '\0');
        ASSERT_EQ(inode.content().read(0, std::as_writable_bytes(std::span(text))), text.size()) << path;
        ASSERT_EQ(text, node.text) << path;
        return;
    }
    std::size_t names = 0;
    for (const DirectoryEntry* entry = inode.first_entry(); entry != nullptr; entry = entry->next) {
        if (path.empty() && entry->name_view() == "dev") continue;
        const auto found = node.names.find(std::string(entry->name_view()));
        ASSERT_NE(found, node.names.end()) << path << '/' << entry->name_view();
        compare(*entry->inode, *found->second, path + "/" + found->first);
        ++names;
    }
    ASSERT_EQ(names, node.names.size()) << path;
}

TEST(FileSystemModel, AgreesWithMaps) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE(seed);
        test::World world;
        const std::size_t free_before = world.free();
        {
            FileSystem fs(world.frames);
            ASSERT_TRUE(fs.open());
            Model model;
            std::vector<std::pair<Ref<Inode>, NodePointer>> open;  // files that may have lost their names
            std::mt19937 random(seed);
            const auto draw = [&] {
                Path path;
                for (unsigned i = 0; i <= random() % 4; ++i) path.push_back(std::string(1, "abcd"[random() % 4]));
                return path;
            };
            const auto with_place = [&](const Path& path, auto verb) {
                const std::string text = joined(path);  // the place's name lies in it
                const auto place = fs.locate(fs.root(), text);
                return place ? verb(*place) : place.error();
            };
            for (int step = 0; step < 1500; ++step) {
                const Path path = draw();
                const Path other = draw();
                Errno expected{};
                Errno got{};
                switch (random() % 8) {
                    case 0:
                    case 1:
                        expected =
                            model.make(path, std::make_shared<Node>(Node{.directory = true, .text = {}, .names = {}}));
                        got = with_place(path, [&](const Place& place) {
                            return error_of(fs.create(place, InodeKind::directory, 0755));
                        });
                        break;
                    case 2: {
                        const std::string text(random() % 6000, static_cast<char>('a' + step % 26));
                        const auto node = std::make_shared<Node>(Node{.directory = false, .text = text, .names = {}});
                        expected = model.make(path, node);
                        const auto file = fs.open_inode(fs.root(), joined(path), {.create = true, .exclusive = true});
                        got = error_of(file);
                        if (file) {
                            ASSERT_EQ((*file)->content().write(0, std::as_bytes(std::span(text))), text.size());
                            open.emplace_back(*file, node);
                        }
                        break;
                    }
                    case 3:
                        expected = model.remove(path, false);
                        got = with_place(path, [&](const Place& place) { return error_of(fs.unlink(place)); });
                        break;
                    case 4:
                        expected = model.remove(path, true);
                        got =
                            with_place(path, [&](const Place& place) { return error_of(fs.remove_directory(place)); });
                        break;
                    case 5:
                    case 6:
                        expected = model.rename(path, other);
                        got = with_place(path, [&](const Place& from) {
                            return with_place(other, [&](const Place& to) { return error_of(fs.rename(from, to)); });
                        });
                        break;
                    default:
                        if (const NodePointer node = model.find(path); node && !node->directory) {
                            expected = model.make(other, node);
                            const auto inode = fs.look_up(fs.root(), joined(path), FollowLast::no);
                            got = with_place(other,
                                             [&](const Place& place) { return error_of(fs.link(place, **inode)); });
                        }
                }
                ASSERT_EQ(got, expected) << step << ": " << joined(path) << ' ' << joined(other);
                fs.check_invariants();
                if (step % 50 == 0) {
                    compare(fs.root(), *model.root, "");
                    if (HasFatalFailure()) return;
                    // Files stay what they were as long as they are open, names or not.
                    for (const auto& [inode, node] : open) compare(*inode, *node, "open");
                    if (HasFatalFailure()) return;
                    open.clear();
                }
            }
        }
        EXPECT_EQ(world.free(), free_before);
    }
}

/// The rule of getdents: whoever reads on behind the last cookie meets every name that stays, once.
TEST(FileSystemModel, ReadingADirectoryIsStableUnderDeletion) {
    test::World world;
    FileSystem fs(world.frames);
    ASSERT_TRUE(fs.open());
    constexpr int kNames = 300;
    for (int i = 0; i < kNames; ++i)
        ASSERT_TRUE(fs.create(fs.locate(fs.root(), std::to_string(i)).value(), InodeKind::regular, 0644));
    std::map<std::string, int> met;
    std::uint64_t position = 2;
    for (;;) {
        const DirectoryEntry* entry = fs.root().first_entry();
        while (entry != nullptr && entry->cookie <= position) entry = entry->next;
        if (entry == nullptr) break;
        position = entry->cookie;
        const std::string name(entry->name_view());
        ++met[name];
        if (name != "dev" && std::stoi(name) % 3 == 0) {
            ASSERT_TRUE(fs.unlink(fs.locate(fs.root(), name).value()));
        }
    }
    EXPECT_EQ(met.size(), kNames + 1U);
    for (const auto& [name, times] : met) EXPECT_EQ(times, 1) << name;
}

}  // namespace
}  // namespace quire::kernel
