#pragma once
/// Small cpio archives and ELF files, made in memory for tests.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quire::test {

using Bytes = std::vector<std::byte>;

inline void append(Bytes& bytes, std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    bytes.insert(bytes.end(), view.begin(), view.end());
}

/// Of which file an entry is a name, and how many names the file has.
struct Names {
    std::size_t inode = 1;
    std::size_t links = 1;
};

/// One entry of a newc archive.
inline void add_entry(Bytes& archive, std::string_view name, std::uint32_t mode, std::string_view data,
                      Names names = {}) {
    const auto field = [](std::size_t value) {
        char text[9];
        std::snprintf(text, sizeof text, "%08zX", value);
        return std::string(text);
    };
    std::string header = "070701";
    for (const std::size_t value :
         {names.inode, std::size_t{mode}, std::size_t{0}, std::size_t{0}, names.links, std::size_t{7}, data.size(),
          std::size_t{0}, std::size_t{0}, std::size_t{0}, std::size_t{0}, name.size() + 1, std::size_t{0}}) {
        header += field(value);
    }
    append(archive, header);
    append(archive, name);
    archive.push_back(std::byte{0});
    archive.resize((archive.size() + 3) / 4 * 4);
    append(archive, data);
    archive.resize((archive.size() + 3) / 4 * 4);
}

inline Bytes sample_archive() {
    Bytes archive;
    add_entry(archive, ".", 0040755, "");
    add_entry(archive, "bin", 0040755, "");
    add_entry(archive, "bin/tool", 0100755, "some bytes");
    add_entry(archive, "link", 0120777, "bin/tool");
    add_entry(archive, "a/deep/file", 0100644, std::string(5000, 'x'));
    add_entry(archive, "TRAILER!!!", 0, "");
    return archive;
}

}  // namespace quire::test
