#include <array>
#include <cstdint>
#include <limits>
#include <string_view>

#include "kernel/console/format.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

template <typename... Args>
void expect(std::string_view expected, FormatString<Args...> text, const Args&... args) {
    std::array<char, 64> buffer;
    check(format_into(buffer, FormatString<Args...>(text), args...) == expected, expected.data());
}

void format_values() {
    expect("plain {braces}", "plain {{braces}}");
    expect("0 -1 18446744073709551615", "{} {} {}", 0, -1, std::numeric_limits<std::uint64_t>::max());
    expect("-9223372036854775808", "{}", std::numeric_limits<std::int64_t>::min());
    expect("-128 255", "{} {}", std::int8_t{-128}, std::uint8_t{255});
    expect("true|false|c|text", "{}|{}|{}|{}", true, false, 'c', "text");
    expect("0xC0100000", "{}", VirtualAddress{0xC010'0000});
    expect("0x100000000", "{}", PhysicalAddress{0x1'0000'0000});
    expect("7 8 9", "{} {} {}", Page{7}, Frame{8}, PageCount{9});
}

void format_shapes() {
    expect("|    42|42    |", "|{:>6}|{:<6}|", 42, 42);
    expect("|    ab|ab    |", "|{:>6}|{:<6}|", "ab", "ab");
    expect("|too long|", "|{:<3}|", "too long");
    expect("2A 0x2A 0000002a", "{:x} {:#x} 0000002a", 42U, 42U);
    expect("0000002A 0x0000002A", "{:08x} {:#010x}", 42U, 42U);
    expect("-0042", "{:05}", -42);
    expect("1'234'567|999|1'000", "{:'}|{:'}|{:'}", 1'234'567, 999, 1'000);
    expect("|   1'000|", "|{:>8'}|", 1'000);
}

void format_cuts_off() {
    std::array<char, 4> buffer{'-', '-', '-', '-'};
    BufferSink sink(std::span(buffer).first(3));
    format(sink, "{}", 12'345);
    check(sink.text() == "123" && sink.cut_off(), "text ends with the buffer");
    check(buffer[3] == '-', "nothing is written behind it");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"format_values", format_values},
    {"format_shapes", format_shapes},
    {"format_cuts_off", format_cuts_off},
};

}  // namespace
}  // namespace quire::kernel
