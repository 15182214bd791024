#pragma once
/// One line of text without a library: what does not fit is cut off. And where text goes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quire {

/// Takes text piece by piece; a piece is not a line. Must not use the heap that writes to it.
class TextSink {
public:
    TextSink() = default;
    TextSink(const TextSink&) = delete;
    TextSink& operator=(const TextSink&) = delete;
    virtual void write(std::string_view text) = 0;

protected:
    ~TextSink() = default;
};

class Line {
public:
    static constexpr std::size_t kCapacity = 640;

    Line& text(std::string_view text) {
        for (const char letter : text) put(letter);
        return *this;
    }
    /// A literal knows its length: no strlen.
    template <std::size_t Length>
    Line& text(const char (&literal)[Length]) {
        return text(std::string_view(literal, Length - 1));
    }
    /// Least significant digit last, no sign, no separators.
    Line& decimal(std::uint64_t value) {
        std::array<char, 20> digits;
        std::size_t first = digits.size();
        do {
            digits[--first] = static_cast<char>('0' + divide_by_ten(value));
        } while (value != 0);
        return text({&digits[first], digits.size() - first});
    }
    /// 0x and as many digits as it takes.
    Line& hex(std::uintptr_t value) {
        std::array<char, 2 * sizeof(value)> digits;
        std::size_t first = digits.size();
        do {
            digits[--first] = "0123456789abcdef"[value % 16];
            value /= 16;
        } while (value != 0);
        return text("0x").text({&digits[first], digits.size() - first});
    }
    Line& hex(const void* address) { return hex(reinterpret_cast<std::uintptr_t>(address)); }
    void clear() { used_ = 0; }

    [[nodiscard]] std::string_view view() const { return {letters_.data(), used_}; }
    /// Ends in NUL.
    [[nodiscard]] const char* c_str() {
        letters_[used_] = '\0';
        return letters_.data();
    }

private:
    void put(char letter) {
        if (used_ < kCapacity) letters_[used_++] = letter;
    }
    /// Divides in place, returns the remainder: in halves of a word, because a 32-bit machine divides 64 bits only by a library
    /// function that a kernel does not have.
    static unsigned divide_by_ten(std::uint64_t& value) {
        std::uint64_t quotient = 0;
        std::uint32_t rest = 0;
        for (int shift = 48; shift >= 0; shift -= 16) {
            const std::uint32_t part = rest << 16U | static_cast<std::uint32_t>(value >> shift & 0xFFFFU);
            quotient |= std::uint64_t{part / 10} << shift;
            rest = part % 10;
        }
        value = quotient;
        return rest;
    }

    std::array<char, kCapacity + 1> letters_;
    std::size_t used_ = 0;
};

}  // namespace quire
