#include "kernel/fs/cpio.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/unit/support/archive.hpp"

namespace quire::kernel {
namespace {

using test::Bytes;

/// Reads to the end: how many entries, or the error.
std::expected<int, CpioError> read_all(std::span<const std::byte> archive) {
    CpioReader reader(archive);
    for (int count = 0;; ++count) {
        const auto entry = reader.next();
        if (!entry) return std::unexpected(entry.error());
        if (entry->name.empty()) return count;
    }
}

TEST(Cpio, ReadsEntriesInOrder) {
    const Bytes archive = test::sample_archive();
    CpioReader reader(archive);
    EXPECT_EQ(reader.next()->name, ".");
    EXPECT_EQ(reader.next()->name, "bin");
    const auto tool = reader.next();
    EXPECT_EQ(tool->name, "bin/tool");
    EXPECT_EQ(tool->mode, 0100755U);
    EXPECT_EQ(tool->mtime, 7U);
    EXPECT_EQ(tool->data.size(), 10U);
    EXPECT_EQ(std::to_integer<char>(tool->data[0]), 's');
    EXPECT_EQ(read_all(archive), 5);
}

TEST(Cpio, EveryTruncationIsAnError) {
    const Bytes archive = test::sample_archive();
    // The last bytes are the padding behind the trailer's name, which nobody needs.
    const std::size_t needed = archive.size() - 3;
    for (std::size_t size = 0; size < needed; ++size) {
        // A copy of exactly that size, so that the address sanitizer sees every step too far.
        const Bytes cut(archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(read_all(cut).has_value()) << size;
    }
    EXPECT_TRUE(read_all(archive).has_value());
}

TEST(Cpio, AnyBytesAreReadWithoutHarm) {
    std::mt19937 random(5);
    for (int round = 0; round < 20000; ++round) {
        Bytes archive = test::sample_archive();
        for (unsigned i = 0; i <= random() % 4; ++i)
            archive[random() % archive.size()] = static_cast<std::byte>("0123456789ABCDEFabcdefg\0"[random() % 25]);
        (void)read_all(archive);
    }
}

/// Each byte of the entries' headers and names, made each of these in turn: an error or another archive, never a step
/// outside (the address sanitizer looks) and never an endless walk.
TEST(Cpio, EveryCorruptByteIsSurvived) {
    const Bytes sound = test::sample_archive();
    for (std::size_t at = 0; at < sound.size(); ++at) {
        if (sound[at] == std::byte{'x'}) continue;  // within the long file
        for (const char wrong : std::string_view("\0/0189AFafGg\xFF", 13)) {
            Bytes archive = sound;
            archive[at] = static_cast<std::byte>(wrong);
            const auto entries = read_all(archive);
            if (entries) {
                EXPECT_LE(*entries, 5) << at;
            } else {
                EXPECT_LE(entries.error().offset, archive.size()) << at;
            }
        }
    }
}

TEST(Cpio, ChecksumsAreChecked) {
    Bytes summed;
    test::add_entry(summed, "file", 0100644, "ab");
    summed[5] = std::byte{'2'};
    EXPECT_STREQ(read_all(summed).error().what, "a file is damaged: its checksum differs");
    std::memcpy(summed.data() + 102, "000000C3", 8);  // 'a' + 'b'
    CpioReader reader(summed);
    EXPECT_EQ(reader.next()->data.size(), 2U);
}

TEST(Cpio, SaysWhatIsWrongAndWhere) {
    Bytes archive = test::sample_archive();
    archive[0] = std::byte{'1'};
    EXPECT_STREQ(read_all(archive).error().what, "not a newc cpio header");
    archive = test::sample_archive();
    archive[8] = std::byte{'x'};
    EXPECT_STREQ(read_all(archive).error().what, "a cpio header field is not a number");
    Bytes no_name;
    test::add_entry(no_name, "", 0100644, "");
    EXPECT_STREQ(read_all(no_name).error().what, "a file has no name");
    archive = test::sample_archive();
    archive[116] = std::byte{'1'};  // the second entry's magic: the first one, ".", is 112 bytes
    EXPECT_EQ(read_all(archive).error().offset, 112U);
}

}  // namespace
}  // namespace quire::kernel
