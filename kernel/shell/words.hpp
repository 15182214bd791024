#pragma once
/// A line split into words at blanks. No quoting: the prompt is a window into the machine, not a shell.

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace quire::kernel {

class Words {
public:
    static constexpr std::size_t kMost = 32;

    /// Views into `line`; words beyond kMost are left out and too_many() says so.
    explicit constexpr Words(std::string_view line) {
        while (!line.empty()) {
            if (line.front() == ' ' || line.front() == '\t') {
                line.remove_prefix(1);
                continue;
            }
            std::size_t length = line.find_first_of(" \t");
            if (length == std::string_view::npos) length = line.size();
            if (size_ < kMost) {
                words_[size_++] = line.substr(0, length);
            } else {
                too_many_ = true;
            }
            line.remove_prefix(length);
        }
    }
    [[nodiscard]] constexpr bool too_many() const { return too_many_; }
    [[nodiscard]] constexpr std::span<const std::string_view> all() const { return {words_.data(), size_}; }

private:
    std::array<std::string_view, kMost> words_{};
    std::size_t size_ = 0;
    bool too_many_ = false;
};

}  // namespace quire::kernel
