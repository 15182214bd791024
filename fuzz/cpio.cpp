// Any bytes as the initial file system: an error or files, never a step outside, and the file system's books balance.
#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "fuzz/input.hpp"
#include "kernel/fs/file_system.hpp"
#include "tests/unit/support/world.hpp"

using namespace quire;
using fuzz::check;

namespace {

using Archive = std::vector<std::byte>;

test::World& world() {
    static test::World& only = *new test::World(2048);
    return only;
}

void check_inside(const Archive& archive, std::span<const std::byte> part) {
    const auto* const begin = archive.data();
    check(part.empty() || (std::less_equal{}(begin, part.data()) && part.size() <= archive.size() &&
                           std::less_equal{}(part.data(), begin + (archive.size() - part.size()))));
}

/// A file is the archive's bytes, however it is looked at, and stays a file of its own when it is written to.
void check_file(const Archive& archive, kernel::FileContent& file) {
    check_inside(archive, file.first_bytes());
    check(file.size() == file.first_bytes().size());
    const Archive expected(file.first_bytes().begin(), file.first_bytes().end());
    Archive found(expected.size() + 1);
    check(file.read(0, found) == expected.size());
    check(expected.empty() || std::memcmp(found.data(), expected.data(), expected.size()) == 0);
    check(!file.page((expected.size() + kPageSize - 1) / kPageSize));
    constexpr std::array kText{std::byte{1}, std::byte{2}, std::byte{3}};
    if (expected.empty()) return;
    const std::size_t at = expected.size() / 2;
    const auto frame = file.page(at / kPageSize);
    check(frame.has_value() && file.write(at, kText) == kText.size());
    const Machine::FrameWindow window(*frame);  // the same page
    check(window.data()[at % kPageSize] == kText[0] && file.read(at, found).value_or(0) != 0 && found[0] == kText[0]);
    check(std::memcmp(file.first_bytes().data(), expected.data(), file.first_bytes().size()) == 0);
    world().frames.drop(*frame);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of exactly that size, so that the address sanitizer sees every step too far.
    const Archive archive(reinterpret_cast<const std::byte*>(data), reinterpret_cast<const std::byte*>(data) + size);
    kernel::CpioReader reader(archive);
    for (std::size_t offset = 0;;) {
        const auto entry = reader.next();
        if (!entry) check(entry.error().offset <= size && entry.error().what[0] != '\0');
        if (!entry || entry->name.empty()) break;
        check(entry->offset == 0 || entry->offset > offset);
        offset = entry->offset;
        check_inside(archive, std::as_bytes(std::span(entry->name)));
        check_inside(archive, entry->data);
    }
    const std::size_t free = world().free();
    auto files = std::make_unique<kernel::FileSystem>(world().frames);
    check(files->open().has_value());
    const auto filled = files->fill(archive);
    if (!filled) check(filled.error().offset <= size && filled.error().what[0] != '\0');
    files->check_invariants();
    check(world().free() == free);  // names and bytes of the archive take no frames
    std::vector<kernel::Inode*> inodes;
    files->for_each([&](const kernel::Inode& inode) { inodes.push_back(const_cast<kernel::Inode*>(&inode)); });
    for (kernel::Inode* const inode : inodes) {
        if (inode->kind() == kernel::InodeKind::regular) check_file(archive, inode->content());
        std::array<char, kernel::FileSystem::kPathMax> path{};
        if (!inode->is_directory() || inode->links == 0) continue;
        const auto length = files->path_of(*inode, path);
        if (!length) continue;
        const auto same = files->look_up(files->root(), {path.data(), *length}, kernel::FollowLast::yes);
        check(same.has_value() && same->get() == inode);
    }
    files->check_invariants();
    inodes.clear();
    files.reset();
    check(world().free() == free);
    return 0;
}
