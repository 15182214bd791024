#include "kernel/fs/file_system.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "tests/unit/support/archive.hpp"
#include "tests/unit/support/world.hpp"

namespace quire::kernel {
namespace {

struct Files {
    Files() { EXPECT_TRUE(fs->open().has_value()); }
    ~Files() {
        fs->check_invariants();
        fs.reset();
        EXPECT_EQ(world.free(), free_before) << "a file system that is gone holds no frame";
    }
    Ref<Inode> find(std::string_view path, FollowLast follow = FollowLast::yes) {
        return fs->look_up(fs->root(), path, follow).value_or(Ref<Inode>());
    }
    Errno error(std::string_view path, FollowLast follow = FollowLast::yes) {
        return fs->look_up(fs->root(), path, follow).error();
    }
    Place place(std::string_view path) { return fs->locate(fs->root(), path).value(); }
    Ref<Inode> file(std::string_view path) { return fs->create(place(path), InodeKind::regular, 0644).value(); }
    Ref<Inode> directory(std::string_view path) { return fs->create(place(path), InodeKind::directory, 0755).value(); }

    test::World world;
    std::size_t free_before = world.free();
    std::unique_ptr<FileSystem> fs = std::make_unique<FileSystem>(world.frames);
};

std::string text_of(Inode& inode) {
    std::string text(static_cast<std::size_t>(inode.content().size()), '\0');
    EXPECT_EQ(inode.content().read(0, std::as_writable_bytes(std::span(text))), text.size());
    return text;
}

void write(Inode& inode, std::uint64_t offset, std::string_view text) {
    EXPECT_EQ(inode.content().write(offset, std::as_bytes(std::span(text))), text.size());
}

TEST(FileSystem, IsFilledFromAnArchive) {
    const auto archive = test::sample_archive();
    Files f;
    ASSERT_TRUE(f.fs->fill(archive));
    EXPECT_EQ(text_of(*f.find("/bin/tool")), "some bytes");
    EXPECT_EQ(f.find("bin/tool")->permissions, 0755U);
    EXPECT_EQ(text_of(*f.find("a/deep/file")), std::string(5000, 'x'));
    EXPECT_EQ(f.find("link").get(), f.find("bin/tool").get());
    EXPECT_EQ(f.find("link", FollowLast::no)->target(), "bin/tool");
    EXPECT_EQ(f.find("/dev/null")->device, Device::null);
    for (std::size_t size = 0; size < archive.size() - 3; size += 7) {
        Files g;
        EXPECT_FALSE(g.fs->fill(std::span(archive).first(size)));
    }
}

std::expected<void, CpioError> fill(Files& f, test::Bytes& archive) {
    test::add_entry(archive, "TRAILER!!!", 0, "");
    return f.fs->fill(archive);
}

TEST(FileSystem, ArchiveNamesOfOneFileStayOne) {
    test::Bytes archive;  // as cpio(1) writes them: the last name brings the data
    test::add_entry(archive, "one", 0100755, "", {.inode = 7, .links = 3});
    test::add_entry(archive, "d/two", 0100755, "", {.inode = 7, .links = 3});
    test::add_entry(archive, "other", 0100644, "else", {.inode = 8, .links = 2});
    test::add_entry(archive, "three", 0100755, "bytes", {.inode = 7, .links = 3});
    Files f;
    ASSERT_TRUE(fill(f, archive));
    EXPECT_EQ(text_of(*f.find("one")), "bytes");
    EXPECT_EQ(f.find("one").get(), f.find("d/two").get());
    EXPECT_EQ(f.find("one")->links, 3U);
    EXPECT_EQ(f.find("other")->links, 1U);
}

TEST(FileSystem, ArchivesLeaveTheDevicesAlone) {
    test::Bytes archive;
    test::add_entry(archive, "dev", 0040700, "");
    test::add_entry(archive, "dev/null", 0020666, "");
    test::add_entry(archive, "dev/sda", 0060666, "");
    test::add_entry(archive, ".", 0041777, "");
    Files f;
    ASSERT_TRUE(fill(f, archive));
    EXPECT_EQ(f.find("/dev/null")->device, Device::null);
    EXPECT_EQ(f.error("/dev/sda"), Errno::enoent);
    EXPECT_EQ(f.find("/dev")->permissions, 0700U) << "a directory that is there takes the archive's permissions";
    EXPECT_EQ(f.fs->root().permissions, 01777U);
}

TEST(FileSystem, BadArchiveEntriesAreNamed) {
    const auto error = [](std::string_view name, std::uint32_t mode, std::string_view data) {
        test::Bytes archive;
        test::add_entry(archive, "file", 0100644, "");
        const std::size_t second = archive.size();
        test::add_entry(archive, name, mode, data);
        Files f;
        const auto filled = fill(f, archive);
        EXPECT_FALSE(filled);
        EXPECT_EQ(filled ? 0 : filled.error().offset, second);
        return filled ? std::string("none") : std::string(filled.error().what);
    };
    // A name of 300 bytes once went through to getdents64 and over its buffer on the kernel's stack.
    EXPECT_EQ(error("d/" + std::string(300, 'n'), 0100644, ""), "a name or a link is too long");
    EXPECT_EQ(error(std::string(300, 'n') + "/x", 0100644, ""), "a name or a link is too long");
    EXPECT_EQ(error("link", 0120777, std::string(4096, 'n')), "a name or a link is too long");
    EXPECT_EQ(error("link", 0120777, ""), "a link leads to nothing, or an entry lies behind such a link");
    EXPECT_EQ(error("a/../b", 0100644, ""), "a name leads upwards (..)");
    EXPECT_EQ(error("..", 0040755, ""), "a name leads upwards (..)");
    EXPECT_EQ(error("file/x", 0100644, ""), "two entries contradict each other");
    EXPECT_EQ(error("dev", 0100644, ""), "two entries contradict each other");
}

TEST(FileSystem, PathsLeadWhereTheyShould) {
    Files f;
    const auto a = f.directory("a");
    const auto b = f.directory("a/b");
    const auto file = f.file("a/b/file");
    EXPECT_EQ(f.find("///a//./b/../b/file").get(), file.get());
    EXPECT_EQ(f.find("/..").get(), &f.fs->root());
    EXPECT_EQ(f.find("a/b/").get(), b.get());
    EXPECT_EQ(f.error("a/b/file/"), Errno::enotdir);
    EXPECT_EQ(f.error("a/b/file/x"), Errno::enotdir);
    EXPECT_EQ(f.error("a/x/file"), Errno::enoent);
    EXPECT_EQ(f.error(""), Errno::enoent);
    EXPECT_EQ(f.error(std::string(256, 'n')), Errno::enametoolong);
    EXPECT_EQ(f.error(std::string(5000, '/')), Errno::enametoolong);
    EXPECT_EQ(f.fs->look_up(*b, "../b/file", FollowLast::yes)->get(), file.get());
    std::array<char, 32> path{};
    EXPECT_EQ(f.fs->path_of(*b, path), 4U);
    EXPECT_STREQ(path.data(), "/a/b");
    EXPECT_EQ(f.fs->path_of(f.fs->root(), path), 1U);
    EXPECT_EQ(f.fs->path_of(*b, std::span(path).first(4)).error(), Errno::erange);
}

TEST(FileSystem, LinksAreFollowedButNotForEver) {
    Files f;
    (void)f.directory("d");
    const auto file = f.file("d/file");
    ASSERT_TRUE(f.fs->create_symlink(f.place("abs"), "/d/file"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("d/rel"), "../abs"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("dir"), "d"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("loop"), "loop"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("nowhere"), "none"));
    EXPECT_EQ(f.find("dir/rel").get(), file.get());
    EXPECT_EQ(f.find("dir/").get(), f.find("d").get());
    EXPECT_EQ(f.error("loop"), Errno::eloop);
    EXPECT_EQ(f.error("loop/x"), Errno::eloop);
    EXPECT_EQ(f.error("nowhere"), Errno::enoent);
    EXPECT_TRUE(f.find("nowhere", FollowLast::no));
}

TEST(FileSystem, NamesComeAndGo) {
    Files f;
    (void)f.directory("d");
    const auto file = f.file("d/file");
    write(*file, 0, "kept");
    ASSERT_TRUE(f.fs->link(f.place("second"), *file));
    EXPECT_EQ(file->links, 2U);
    EXPECT_EQ(f.fs->create(f.place("second"), InodeKind::regular, 0).error(), Errno::eexist);
    EXPECT_EQ(f.fs->link(f.place("third"), *f.find("d")).error(), Errno::eperm);
    EXPECT_EQ(f.fs->unlink(f.place("d")).error(), Errno::eisdir);
    EXPECT_EQ(f.fs->remove_directory(f.place("d")).error(), Errno::enotempty);
    EXPECT_EQ(f.fs->remove_directory(f.place("second")).error(), Errno::enotdir);
    ASSERT_TRUE(f.fs->unlink(f.place("d/file")));
    EXPECT_EQ(f.fs->unlink(f.place("d/file")).error(), Errno::enoent);
    EXPECT_EQ(text_of(*f.find("second")), "kept");
    ASSERT_TRUE(f.fs->unlink(f.place("second")));
    EXPECT_EQ(file->links, 0U);
    EXPECT_EQ(text_of(*file), "kept") << "as long as somebody has it open";
    const auto d = f.find("d");
    ASSERT_TRUE(f.fs->remove_directory(f.place("d")));
    EXPECT_EQ(f.fs->create({.directory = d, .name = "x"}, InodeKind::regular, 0).error(), Errno::enoent);
    EXPECT_EQ(f.fs->root().links, 3U);  // ".", ".." and dev's ".."
}

TEST(FileSystem, OpenMakesWhatItShould) {
    Files f;
    (void)f.directory("d");
    (void)f.file("d/file");
    ASSERT_TRUE(f.fs->create_symlink(f.place("d/nowhere"), "made"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("far"), "d/nowhere"));
    ASSERT_TRUE(f.fs->create_symlink(f.place("slash"), "none/"));
    const auto open = [&](std::string_view path, OpenRequest request) {
        const auto inode = f.fs->open_inode(f.fs->root(), path, request);
        return inode ? Errno{} : inode.error();
    };
    constexpr OpenRequest kCreate{.create = true};
    constexpr OpenRequest kExclusive{.create = true, .exclusive = true};
    EXPECT_EQ(open("new", {}), Errno::enoent);
    EXPECT_EQ(open("new", kExclusive), Errno{});
    EXPECT_EQ(open("new", kExclusive), Errno::eexist);
    EXPECT_EQ(open("new", kCreate), Errno{});
    EXPECT_EQ(open("new", {.exclusive = true}), Errno{}) << "O_EXCL alone means nothing";
    EXPECT_EQ(open("new/", {}), Errno::enotdir);
    EXPECT_EQ(open("other/", kCreate), Errno::eisdir);
    EXPECT_EQ(open("none/new", kCreate), Errno::enoent);
    EXPECT_EQ(open("new/new", kCreate), Errno::enotdir);
    EXPECT_EQ(open("d", kExclusive), Errno::eexist);
    EXPECT_EQ(open("/", kExclusive), Errno::eexist);
    EXPECT_EQ(open("far", kExclusive), Errno::eexist) << "a link is a name, wherever it leads";
    EXPECT_EQ(open("far", {.follow = FollowLast::no}), Errno::eloop);
    EXPECT_EQ(open("far", {.create = true, .follow = FollowLast::no}), Errno::eloop);
    EXPECT_EQ(open("slash", kCreate), Errno::eisdir);
    EXPECT_EQ(open("far", {}), Errno::enoent);
    EXPECT_EQ(open("far", kCreate), Errno{});
    EXPECT_EQ(f.find("d/made").get(), f.find("far").get());
    EXPECT_EQ(f.fs->create_symlink(f.place("s/"), "x").error(), Errno::enoent);
    EXPECT_EQ(f.fs->link(f.place("l/"), *f.find("new")).error(), Errno::enoent);
    EXPECT_EQ(f.fs->remove_directory(f.place("/")).error(), Errno::ebusy);
    EXPECT_EQ(f.fs->create(f.place("/"), InodeKind::directory, 0).error(), Errno::eexist);
    const auto gone = f.file("gone");
    ASSERT_TRUE(f.fs->unlink(f.place("gone")));
    EXPECT_EQ(f.fs->link(f.place("back"), *gone).error(), Errno::enoent);
}

TEST(FileSystem, RenameReplacesOnlyItsLike) {
    Files f;
    (void)f.directory("a");
    (void)f.directory("a/b");
    (void)f.directory("full");
    (void)f.file("full/x");
    const auto one = f.file("one");
    const auto two = f.file("two");
    EXPECT_EQ(f.fs->rename(f.place("a"), f.place("a/b/c")).error(), Errno::einval);
    EXPECT_EQ(f.fs->rename(f.place("one"), f.place("a")).error(), Errno::eisdir);
    EXPECT_EQ(f.fs->rename(f.place("a"), f.place("one")).error(), Errno::enotdir);
    EXPECT_EQ(f.fs->rename(f.place("a"), f.place("full")).error(), Errno::enotempty);
    EXPECT_EQ(f.fs->rename(f.place("none"), f.place("x")).error(), Errno::enoent);
    ASSERT_TRUE(f.fs->rename(f.place("one"), f.place("two")));
    EXPECT_EQ(f.find("two").get(), one.get());
    EXPECT_EQ(two->links, 0U);
    ASSERT_TRUE(f.fs->rename(f.place("a/b"), f.place("moved")));
    EXPECT_EQ(f.find("moved/..").get(), &f.fs->root());
    EXPECT_EQ(f.find("a")->links, 2U);
    ASSERT_TRUE(f.fs->rename(f.place("two"), f.place("two")));
}

TEST(FileContent, BehindTheEndIsZero) {
    Files f;
    const auto file = f.file("file");
    write(*file, 0, std::string(3 * kPageSize, 'y'));
    ASSERT_TRUE(file->content().resize(kPageSize + 10));
    ASSERT_TRUE(file->content().resize(3 * kPageSize));
    EXPECT_EQ(text_of(*file), std::string(kPageSize + 10, 'y') + std::string(2 * kPageSize - 10, '\0'));
    EXPECT_EQ(file->content().page(3).error(), Error::beyond_end);
    EXPECT_EQ(file->content().write(FileContent::kMaxBytes, std::as_bytes(std::span("x", 1))).error(), Errno::efbig);
    EXPECT_EQ(file->content().resize(FileContent::kMaxBytes + 1).error(), Errno::efbig);
}

/// A program stores behind the end of a file through a shared mapping, then the file grows over that.
TEST(FileContent, WhatMappingsPutBehindTheEndStaysOut) {
    Files f;
    const auto file = f.file("file");
    const auto scribble = [&] {
        const Frame frame = file->content().page(0).value();
        std::memset(f.world.computer.ram(frame) + file->content().size(), 'Z', kPageSize - file->content().size());
        f.world.frames.drop(frame);
    };
    write(*file, 0, "abcd");
    scribble();
    ASSERT_TRUE(file->content().resize(200));
    EXPECT_EQ(text_of(*file), "abcd" + std::string(196, '\0'));
    scribble();
    write(*file, 1000, "e");
    EXPECT_EQ(text_of(*file), "abcd" + std::string(996, '\0') + "e");
    scribble();
    write(*file, kPageSize, "f");
    EXPECT_EQ(text_of(*file).substr(1000), "e" + std::string(kPageSize - 1001, '\0') + "f");
}

TEST(FileContent, ReadingTakesNoFrame) {
    const std::string bytes(10000, 'z');
    Files f;
    const auto file = f.file("file");
    file->content().begin_with(std::as_bytes(std::span(bytes)));
    ASSERT_TRUE(file->content().resize(30000));
    f.world.leave(0);
    EXPECT_EQ(text_of(*file), bytes + std::string(20000, '\0'));
    ASSERT_TRUE(file->content().resize(5000));
    EXPECT_EQ(text_of(*file), std::string(5000, 'z'));
    EXPECT_EQ(file->content().cached(), 0U);
    f.world.give_all();
}

TEST(FileContent, ArchiveBytesShrinkWithTheFile) {
    const std::string bytes(10000, 'z');
    Files f;
    const auto file = f.file("file");
    file->content().begin_with(std::as_bytes(std::span(bytes)));
    ASSERT_TRUE(file->content().resize(100));
    ASSERT_TRUE(file->content().resize(10000));
    EXPECT_EQ(text_of(*file), std::string(100, 'z') + std::string(9900, '\0'));
}

TEST(FileContent, AgreesWithAString) {
    const std::string archive(9000, 'a');
    Files f;
    const auto file = f.file("file");
    file->content().begin_with(std::as_bytes(std::span(archive)));
    std::string model = archive;
    std::mt19937 random(2);
    for (int step = 0; step < 3000; ++step) {
        const std::size_t offset = random() % 40000;
        const std::size_t length = random() % 9000;
        switch (random() % 4) {
            case 0:
                ASSERT_TRUE(file->content().resize(offset));
                model.resize(offset);
                break;
            case 1: {
                const std::string text(length, static_cast<char>('b' + step % 20));
                write(*file, offset, text);
                if (length != 0) {
                    if (model.size() < offset + length) model.resize(offset + length);
                    model.replace(offset, length, text);
                }
                break;
            }
            default: {
                std::string got(length, '?');
                const auto bytes = file->content().read(offset, std::as_writable_bytes(std::span(got)));
                const std::string expected = offset < model.size() ? model.substr(offset, length) : "";
                ASSERT_EQ(*bytes, expected.size());
                ASSERT_EQ(got.substr(0, *bytes), expected);
            }
        }
    }
}

TEST(FileContent, RunningOutOfFramesLosesNothing) {
    Files f;
    const auto file = f.file("file");
    write(*file, 0, "start");
    f.world.leave(0);
    EXPECT_EQ(file->content().write(kPageSize, std::as_bytes(std::span("x", 1))).error(), Errno::enospc);
    EXPECT_EQ(file->content().size(), 5U);
    EXPECT_EQ(text_of(*file), "start");
    f.world.give_all();
    write(*file, kPageSize, "x");
    EXPECT_EQ(file->content().size(), kPageSize + 1);
    f.fs->for_each([&](const Inode& inode) {
        inode.content().for_each_frame([&](Frame frame) { f.world.taken.push_back(frame); });
    });
    f.world.audit();
    f.world.taken.clear();
}

}  // namespace
}  // namespace quire::kernel
