#pragma once
/// Text from values, for logs and terminals: a small formatter without heap, floating point or locale. (std::format
/// does not exist in a freestanding libc++; {fmt} was measured at 73 KB of kernel text.) Placeholders are checked
/// against the arguments when the program is compiled.
///
///      {}     value              {:>8} {:<8}       padded to a width, right or left
///      {:x}   hexadecimal        {:#x}             with 0x
///      {:'}   1'234'567          {:08x} {:#010x}   filled with zeros
///      {{ }}  braces             {:>9'}            in this order: < or >, #, 0, width, ', x
///
/// Values: integers, bool, char, strings, pointers, and the addresses of quire/base/address.hpp (an address
/// prints as 0x and hexadecimal digits without being asked; pages, frames and counts as decimal numbers).

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "quire/base/address.hpp"

namespace quire::kernel {

/// Where text goes.
class Sink {
public:
    virtual void write(std::string_view text) = 0;

protected:
    constexpr Sink() = default;
    constexpr ~Sink() = default;  // sinks are never destroyed through this class
};

/// Text into a fixed buffer; what does not fit is cut off.
class BufferSink final : public Sink {
public:
    constexpr explicit BufferSink(std::span<char> buffer) : buffer_(buffer) {}
    void write(std::string_view text) override;
    [[nodiscard]] std::string_view text() const { return {buffer_.data(), size_}; }
    [[nodiscard]] bool cut_off() const { return cut_off_; }

private:
    std::span<char> buffer_;
    std::size_t size_ = 0;
    bool cut_off_ = false;
};

/// One value with its type forgotten.
struct FormatArgument {
    enum class Kind : std::uint8_t { number, negative, address, boolean, character, text };
    Kind kind = Kind::number;
    std::uint64_t number = 0;  ///< the magnitude of a negative number
    std::string_view text;

    template <std::integral T>
    constexpr FormatArgument(T value) {
        if constexpr (std::same_as<T, bool>) {
            kind = Kind::boolean;
            number = value ? 1 : 0;
        } else if constexpr (std::same_as<T, char>) {
            kind = Kind::character;
            number = static_cast<unsigned char>(value);
        } else if constexpr (std::signed_integral<T>) {
            kind = value < 0 ? Kind::negative : Kind::number;
            const auto wide = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
            number = value < 0 ? 0 - wide : wide;
        } else {
            number = value;
        }
    }
    constexpr FormatArgument(std::string_view value) : kind(Kind::text), text(value) {}
    constexpr FormatArgument(const char* value) : kind(Kind::text), text(value) {}
    FormatArgument(const void* value) : kind(Kind::address), number(reinterpret_cast<std::uintptr_t>(value)) {}
    constexpr FormatArgument(VirtualAddress value) : kind(Kind::address), number(value.value) {}
    constexpr FormatArgument(PhysicalAddress value) : kind(Kind::address), number(value.value) {}
    constexpr FormatArgument(Page value) : number(value.number) {}
    constexpr FormatArgument(Frame value) : number(value.number) {}
    template <typename Kind_>
    constexpr FormatArgument(Count<Kind_> value) : number(value.value) {}
};

/// How one placeholder wants its value.
struct FormatSpec {
    bool left = false;
    bool zeros = false;
    bool prefix = false;
    bool hexadecimal = false;
    bool grouped = false;
    std::uint8_t width = 0;
};

namespace detail {

/// Parses the inside of a placeholder, from behind `{` to `}`; returns how many characters, 0 if it is malformed.
constexpr std::size_t parse_spec(std::string_view text, FormatSpec& spec) {
    std::size_t at = 0;
    const auto is = [&](char c) { return at < text.size() && text[at] == c; };
    const auto skip = [&](char c) { return is(c) ? (++at, true) : false; };
    if (skip('}')) return at;
    if (!skip(':')) return 0;
    bool aligned = false;
    if (skip('<'))
        spec.left = aligned = true;
    else if (skip('>'))
        aligned = true;
    spec.prefix = skip('#');
    spec.zeros = !aligned && skip('0');
    unsigned width = 0;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
        width = width * 10 + static_cast<unsigned>(text[at++] - '0');
        if (width > 200) return 0;
    }
    spec.width = static_cast<std::uint8_t>(width);
    spec.grouped = skip('\'');
    spec.hexadecimal = skip('x');
    if (spec.grouped && spec.hexadecimal) return 0;
    if (spec.prefix && !spec.hexadecimal) return 0;
    return skip('}') ? at : 0;
}

/// Never defined: reaching it in a constant expression is the compile-time error, and its argument is the message.
void format_string_error(const char* message);

}  // namespace detail

/// A string that has been checked to have as many placeholders as there are arguments, each of a form that suits
/// its argument.
template <typename... Args>
class BasicFormatString {
public:
    template <typename S>
        requires std::convertible_to<const S&, std::string_view>
    consteval BasicFormatString(const S& text) : text_(text) {
        constexpr std::size_t kCount = sizeof...(Args);
        constexpr bool kIsText[kCount + 1] = {(!std::integral<Args> || std::same_as<Args, bool>)..., false};
        std::size_t used = 0;
        for (std::size_t i = 0; i < text_.size(); ++i) {
            if (text_[i] == '}') {
                if (i + 1 >= text_.size() || text_[++i] != '}') detail::format_string_error("single }");
            } else if (text_[i] == '{') {
                if (i + 1 < text_.size() && text_[i + 1] == '{') {
                    ++i;
                    continue;
                }
                FormatSpec spec;
                const std::size_t length = detail::parse_spec(text_.substr(i + 1), spec);
                if (length == 0) detail::format_string_error("malformed placeholder");
                if (used >= kCount) detail::format_string_error("more placeholders than arguments");
                if (used < kCount && kIsText[used] && spec.grouped) detail::format_string_error("' is for integers");
                ++used;
                i += length;
            }
        }
        if (used != kCount) detail::format_string_error("more arguments than placeholders");
    }
    [[nodiscard]] constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};
template <typename... Args>
using FormatString = BasicFormatString<std::type_identity_t<Args>...>;

/// The engine: `text` has passed the check above.
void format_arguments(Sink& sink, std::string_view text, std::span<const FormatArgument> arguments);

/// Writes `text` with its placeholders replaced.
template <typename... Args>
void format(Sink& sink, FormatString<Args...> text, const Args&... args) {
    if constexpr (sizeof...(Args) == 0) {
        format_arguments(sink, text.text(), {});
    } else {
        const FormatArgument arguments[] = {FormatArgument(args)...};
        format_arguments(sink, text.text(), arguments);
    }
}

/// Formats into `buffer` (cut off at its end) and returns the part that was written.
template <typename... Args>
std::string_view format_into(std::span<char> buffer, FormatString<Args...> text, const Args&... args) {
    BufferSink sink(buffer);
    format(sink, FormatString<Args...>(text), args...);
    return sink.text();
}

}  // namespace quire::kernel
