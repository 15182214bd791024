/// What compilers call without being asked: memory functions and 64-bit division.

#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernel/console/symbols.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

using Bytes = std::array<unsigned char, 64>;

Bytes numbered() {
    Bytes bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(i);
    return bytes;
}

/// Every pair of offsets, overlapping in both directions, against a byte loop.
void moves() {
    for (std::size_t from = 0; from < 20; ++from) {
        for (std::size_t to = 0; to < 20; ++to) {
            for (const std::size_t count : {0U, 1U, 3U, 4U, 5U, 17U, 40U}) {
                const Bytes before = numbered();
                Bytes after = before;
                std::memmove(after.data() + to, after.data() + from, count);
                bool right = true;
                for (std::size_t i = 0; i < after.size(); ++i) {
                    const bool moved = i >= to && i < to + count;
                    right = right && after[i] == before[moved ? i - to + from : i];
                }
                if (!check(right, "memmove")) return;
            }
        }
    }
}

void fills_and_compares() {
    for (std::size_t at = 0; at < 9; ++at) {
        for (std::size_t count = 0; count < 19; ++count) {
            Bytes bytes = numbered();
            std::memset(bytes.data() + at, 0x1AB, count);
            bool right = true;
            for (std::size_t i = 0; i < bytes.size(); ++i)
                right = right && bytes[i] == (i >= at && i < at + count ? 0xAB : i);
            if (!check(right, "memset")) return;
        }
    }
    check(std::memcmp("abc", "abd", 3) < 0 && std::memcmp("abd", "abc", 3) > 0 && std::memcmp("abc", "abd", 2) == 0,
          "memcmp");
    check(std::memcmp("\xFF", "\x01", 1) > 0, "memcmp compares unsigned bytes");
    check(std::strlen("") == 0 && std::strlen("four") == 4, "strlen");
    const char* const text = "text";
    check(std::memchr(text, 'x', 4) == text + 2 && std::memchr(text, 'x', 2) == nullptr, "memchr");
}

/// q * d + r = n with r < d says it all; numbers around every power of two.
void divides() {
    const auto number = [](unsigned i) { return (std::uint64_t{1} << (i / 3 % 64)) + i % 3 - 1; };
    for (unsigned n = 0; n < 192; ++n) {
        for (unsigned d = 0; d < 192; ++d) {
            volatile std::uint64_t value = number(n);  // volatile: the compiler must not know the result
            volatile std::uint64_t divisor = number(d);
            if (divisor == 0) continue;
            const std::uint64_t quotient = value / divisor;
            const std::uint64_t remainder = value % divisor;
            if (!check(remainder < divisor && quotient * divisor + remainder == value, "unsigned division")) return;
        }
    }
    volatile std::int64_t value = -7;
    volatile std::int64_t divisor = 2;
    check(value / divisor == -3 && value % divisor == -1, "division rounds towards zero");
    divisor = -2;
    check(value / divisor == 3 && value % divisor == -1, "the remainder has the sign of the value");
    value = std::numeric_limits<std::int64_t>::min();
    divisor = 3;
    check(value / divisor == -3'074'457'345'618'258'602 && value % divisor == -2, "the smallest number");
}

void symbols_have_names() {
    const auto here = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(&run_test_cases));
    const auto symbol = find_symbol(here + 1);
    if (!check(symbol.has_value(), "the image has a symbol table")) return;
    check(symbol->name.find("run_test_cases") != std::string_view::npos, "a function has its name");
    check(symbol->offset == 1, "and an offset");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"runtime_moves", moves},
    {"runtime_fills_and_compares", fills_and_compares},
    {"runtime_divides", divides},
    {"symbols_have_names", symbols_have_names},
};

}  // namespace
}  // namespace quire::kernel
