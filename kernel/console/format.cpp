#include "kernel/console/format.hpp"

#include <algorithm>
#include <array>

namespace quire::kernel {

void BufferSink::write(std::string_view text) {
    const std::size_t room = buffer_.size() - size_;
    if (text.size() > room) cut_off_ = true;
    const std::size_t taken = std::min(room, text.size());
    std::copy_n(text.data(), taken, buffer_.data() + size_);
    size_ += taken;
}

namespace {

void pad(Sink& sink, char fill, std::size_t count) {
    constexpr std::string_view kSpaces = "                ";
    constexpr std::string_view kZeros = "0000000000000000";
    const std::string_view filling = fill == '0' ? kZeros : kSpaces;
    while (count > 0) {
        const std::size_t part = std::min(count, filling.size());
        sink.write(filling.substr(0, part));
        count -= part;
    }
}

void write_padded(Sink& sink, const FormatSpec& spec, std::string_view text) {
    const std::size_t missing = spec.width > text.size() ? spec.width - text.size() : 0;
    if (!spec.left) pad(sink, ' ', missing);
    sink.write(text);
    if (spec.left) pad(sink, ' ', missing);
}

/// Divides by ten in two 32-bit steps; the processor divides 64 by 32 bits, so this needs no run-time library.
unsigned take_last_digit(std::uint64_t& value) {
    const auto high = static_cast<std::uint32_t>(value >> 32);
    const auto low = static_cast<std::uint32_t>(value);
    std::uint32_t quotient = 0;
    std::uint32_t remainder = 0;
    asm("divl %4" : "=a"(quotient), "=d"(remainder) : "a"(low), "d"(high % 10), "r"(std::uint32_t{10}) : "cc");
    value = std::uint64_t{high / 10} << 32 | quotient;
    return remainder;
}

void write_number(Sink& sink, const FormatSpec& spec, std::uint64_t value, bool negative, bool hexadecimal,
                  bool prefix) {
    std::array<char, 32> digits;  // 20 decimal digits and 6 separators at most
    std::size_t first = digits.size();
    std::size_t count = 0;
    do {
        if (spec.grouped && count != 0 && count % 3 == 0) digits[--first] = '\'';
        if (hexadecimal) {
            digits[--first] = "0123456789ABCDEF"[value & 0xFU];
            value >>= 4;
        } else {
            digits[--first] = static_cast<char>('0' + take_last_digit(value));
        }
        ++count;
    } while (value != 0);
    const std::string_view number(digits.data() + first, digits.size() - first);
    const std::string_view sign = negative ? "-" : prefix ? "0x" : "";
    const std::size_t length = sign.size() + number.size();
    const std::size_t missing = spec.width > length ? spec.width - length : 0;
    if (!spec.left && !spec.zeros) pad(sink, ' ', missing);
    sink.write(sign);
    if (spec.zeros) pad(sink, '0', missing);
    sink.write(number);
    if (spec.left) pad(sink, ' ', missing);
}

void write_argument(Sink& sink, const FormatSpec& spec, const FormatArgument& argument) {
    using Kind = FormatArgument::Kind;
    switch (argument.kind) {
        case Kind::number:
        case Kind::negative:
            write_number(sink, spec, argument.number, argument.kind == Kind::negative, spec.hexadecimal, spec.prefix);
            return;
        case Kind::address: {
            FormatSpec wide = spec;
            if (wide.width == 0) {
                wide.width = 10;
                wide.zeros = true;
            }
            write_number(sink, wide, argument.number, false, true, true);
            return;
        }
        case Kind::boolean: write_padded(sink, spec, argument.number != 0 ? "true" : "false"); return;
        case Kind::character: {
            const char character = static_cast<char>(argument.number);
            write_padded(sink, spec, {&character, 1});
            return;
        }
        case Kind::text: write_padded(sink, spec, argument.text); return;
    }
}

}  // namespace

void format_arguments(Sink& sink, std::string_view text, std::span<const FormatArgument> arguments) {
    std::size_t next = 0;
    std::size_t plain = 0;  // start of the text that has not been written yet
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '{' && text[i] != '}') continue;
        sink.write(text.substr(plain, i - plain));
        if (i + 1 < text.size() && text[i + 1] == text[i]) {  // {{ or }}
            plain = ++i;
            continue;
        }
        FormatSpec spec;
        const std::size_t length = detail::parse_spec(text.substr(i + 1), spec);
        if (length == 0 || next >= arguments.size()) return;  // excluded by the compile-time check
        write_argument(sink, spec, arguments[next++]);
        i += length;
        plain = i + 1;
    }
    sink.write(text.substr(plain));
}

}  // namespace quire::kernel
