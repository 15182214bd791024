/// Every allocation site of the file system fails in turn: nothing but the answer may change.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <new>
#include <string>

#include "kernel/fs/file_system.hpp"
#include "tests/unit/support/archive.hpp"
#include "tests/unit/support/world.hpp"

namespace {
constinit std::size_t allocations_left = std::numeric_limits<std::size_t>::max();

void* allocate(std::size_t bytes) {
    return std::malloc(bytes == 0 ? 1 : bytes);
}
void* allocate_or_fail(std::size_t bytes) {
    if (allocations_left == 0) return nullptr;
    --allocations_left;
    return allocate(bytes);
}
}  // namespace

// The kernel's parts allocate only with std::nothrow, the tests only without: so failures hit the former alone.
void* operator new(std::size_t bytes) {
    return allocate(bytes);
}
void* operator new[](std::size_t bytes) {
    return allocate(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate_or_fail(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate_or_fail(bytes);
}
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete[](void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
    std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    std::free(block);
}

namespace quire::kernel {
namespace {

using Tree = std::map<std::string, std::string>;

void describe(const Inode& inode, const std::string& path, Tree& tree) {
    tree[path] = std::to_string(inode.number()) + " " + std::to_string(inode.type() | inode.permissions) + " " +
                 std::to_string(inode.links) + " " + std::to_string(inode.content().size()) + " " +
                 std::to_string(inode.content().cached()) + " " + std::string(inode.target());
    for (const DirectoryEntry* entry = inode.first_entry(); entry != nullptr; entry = entry->next)
        describe(*entry->inode, path + "/" + std::string(entry->name_view()), tree);
}

struct Files {
    Files() { EXPECT_TRUE(fs.open().has_value()); }
    Place place(std::string_view path) { return fs.locate(fs.root(), path).value(); }
    Ref<Inode> find(std::string_view path) { return fs.look_up(fs.root(), path, FollowLast::no).value(); }
    Tree tree() {
        Tree out;
        describe(fs.root(), "", out);
        return out;
    }
    test::World world;
    FileSystem fs{world.frames};
};

template <typename T>
Errno error_of(const SysResult<T>& result) {
    return result ? Errno{} : result.error();
}

struct Verb {
    const char* name;
    std::function<Errno(Files&)> run;
    std::size_t sites;  ///< how many allocations it makes: all of them are seen to fail
};

TEST(FileSystemFailure, EveryVerbLeavesTheTreeAsItWas) {
    const Verb verbs[] = {
        {"create", [](Files& f) { return error_of(f.fs.create(f.place("d/new"), InodeKind::regular, 0644)); }, 3},
        {"mkdir", [](Files& f) { return error_of(f.fs.create(f.place("d/new"), InodeKind::directory, 0755)); }, 3},
        {"open", [](Files& f) { return error_of(f.fs.open_inode(f.fs.root(), "dangling", {.create = true})); }, 3},
        {"symlink", [](Files& f) { return error_of(f.fs.create_symlink(f.place("d/new"), "file")); }, 4},
        {"link", [](Files& f) { return error_of(f.fs.link(f.place("d/new"), *f.find("file"))); }, 2},
        {"rename", [](Files& f) { return error_of(f.fs.rename(f.place("file"), f.place("d/new"))); }, 2},
        {"rename directory", [](Files& f) { return error_of(f.fs.rename(f.place("d"), f.place("e/new"))); }, 2},
        {"replace", [](Files& f) { return error_of(f.fs.rename(f.place("file"), f.place("other"))); }, 0},
        {"unlink", [](Files& f) { return error_of(f.fs.unlink(f.place("file"))); }, 0},
        {"write",
         [](Files& f) { return error_of(f.find("file")->content().write(0, std::as_bytes(std::span("text", 4)))); }, 1},
    };
    for (const Verb& verb : verbs) {
        for (std::size_t left = 0;; ++left) {
            Files f;
            (void)f.fs.create(f.place("d"), InodeKind::directory, 0755);
            (void)f.fs.create(f.place("e"), InodeKind::directory, 0755);
            (void)f.fs.create(f.place("file"), InodeKind::regular, 0644);
            (void)f.fs.create(f.place("other"), InodeKind::regular, 0644);
            (void)f.fs.create_symlink(f.place("dangling"), "d/made");
            const Tree before = f.tree();
            allocations_left = left;
            const Errno error = verb.run(f);
            allocations_left = std::numeric_limits<std::size_t>::max();
            f.fs.check_invariants();
            if (error == Errno{}) {
                EXPECT_EQ(left, verb.sites) << verb.name;
                EXPECT_NE(f.tree(), before) << verb.name;
                break;
            }
            EXPECT_EQ(error, verb.name == std::string_view("write") ? Errno::enospc : Errno::enomem) << verb.name;
            EXPECT_EQ(f.tree(), before) << verb.name << " with " << left << " allocations";
            ASSERT_LT(left, 20U) << verb.name;
        }
    }
}

TEST(FileSystemFailure, FillingSaysThatMemoryRanOut) {
    test::Bytes archive;
    test::add_entry(archive, "one", 0100755, "", {.inode = 7, .links = 2});
    test::add_entry(archive, "a/deep/link", 0120777, "x");
    test::add_entry(archive, "two", 0100755, "bytes", {.inode = 7, .links = 2});
    test::add_entry(archive, "TRAILER!!!", 0, "");
    for (std::size_t left = 0;; ++left) {
        Files f;
        allocations_left = left;
        const auto filled = f.fs.fill(archive);
        allocations_left = std::numeric_limits<std::size_t>::max();
        f.fs.check_invariants();
        if (filled) {
            EXPECT_EQ(left, 16U);  // file 3 + note 1, two directories 3 each, link 4, second name 2
            break;
        }
        EXPECT_STREQ(filled.error().what, "not enough memory for the archive's names");
        ASSERT_LT(left, 40U);
    }
}

TEST(FileSystemFailure, OpeningSaysThatMemoryRanOut) {
    for (std::size_t left = 0;; ++left) {
        test::World world;
        FileSystem fs(world.frames);
        allocations_left = left;
        const auto opened = fs.open();
        allocations_left = std::numeric_limits<std::size_t>::max();
        if (opened) {
            EXPECT_EQ(left, 25U);  // the root, and a directory and seven devices of three each
            break;
        }
        EXPECT_EQ(opened.error(), Errno::enomem);
        ASSERT_LT(left, 40U);
    }
}

}  // namespace
}  // namespace quire::kernel
