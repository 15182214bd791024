// Any bytes as the initial file system: an error or files, never a step outside, and the file system's books balance.
#include <memory>
#include <vector>

#include "fuzz/input.hpp"
#include "kernel/fs/file_system.hpp"
#include "tests/unit/support/world.hpp"

using namespace quire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static test::World& world = *new test::World(600);
    // A copy of exactly that size, so that the address sanitizer sees every step too far.
    const std::vector<std::byte> archive(reinterpret_cast<const std::byte*>(data),
                                         reinterpret_cast<const std::byte*>(data) + size);
    const std::size_t free = world.free();
    auto files = std::make_unique<kernel::FileSystem>(world.frames);
    check(files->open().has_value());
    const auto filled = files->fill(archive);
    if (!filled) check(filled.error().offset <= size && filled.error().what[0] != '\0');
    files->check_invariants();
    files->for_each([](const kernel::Inode&) {});
    files.reset();
    check(world.free() == free);
    return 0;
}
