#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/boot/image.hpp"
#include "kernel/cpu/user_copy.hpp"
#include "tests/kernel/case.hpp"
#include "tests/kernel/test_space.hpp"

namespace quire::kernel {
namespace {

/// A gap: below the region there is nothing, above its end neither.
constexpr VirtualAddress kNull{0};

void ranges_are_checked() {
    static_assert(is_user_range({0xBFFF'FFFF}, 1) && !is_user_range({0xBFFF'FFFF}, 2));
    static_assert(!is_user_range({0xC000'0000}, 1) && is_user_range({0xC000'0000}, 0));
    static_assert(!is_user_range({0xFFFF'FFFF}, 2) && !is_user_range({0x1000}, 0xFFFF'FFFF));
    TestSpace test;
    if (!test.ready()) return;
    std::array<std::byte, 16> bytes{};
    const VirtualAddress kernel{reinterpret_cast<std::uintptr_t>(quire_image_start)};
    check(!copy_from_user(bytes, kernel), "kernel memory is not copied out of");
    check(!copy_to_user(kernel, bytes), "kernel memory is not written");
    check(!copy_to_user({0xFFFF'FFF8}, bytes), "a range that wraps round is refused");
    check(!copy_from_user(bytes, {0xBFFF'FFF8}), "a range that crosses the limit is refused");
    check(!copy_from_user(bytes, kNull) && !copy_to_user(kNull, bytes) && !clear_user(kNull, 4), "null is bad");
    check(copy_some_from_user(bytes, kernel) == 0, "nothing of kernel memory is copied");
}

void absent_pages_come_in() {
    TestSpace test;
    if (!test.ready()) return;
    const VirtualAddress middle{TestSpace::start().value + 3 * kPageSize - 5};  // across two untouched pages
    std::array<std::byte, 11> written;
    std::ranges::fill(written, std::byte{0x5A});
    check(copy_to_user(middle, written), "a write to untouched pages");
    std::array<std::byte, 11> read{};
    check(copy_from_user(read, middle) && read == written, "comes back");
    check(load_user<std::uint32_t>({TestSpace::start().value + 10 * kPageSize}) == 0U,
          "a read of an untouched page is zero");
    check(store_user({middle.value}, std::uint64_t{0x0123'4567'89AB'CDEF}), "a number");
    check(load_user<std::uint64_t>(middle) == 0x0123'4567'89AB'CDEFU, "comes back");
    check(clear_user(middle, 3) && load_user<std::uint32_t>(middle) == 0x8900'0000U,
          "clear_user clears what it should");
}

void partial_copies_are_exact() {
    TestSpace test;
    if (!test.ready()) return;
    std::array<std::byte, 64> bytes{};
    for (std::size_t left = 0; left < 20; ++left) {  // every alignment of the fault within words
        const VirtualAddress at{TestSpace::end().value - left};
        if (!check(copy_some_to_user(at, bytes) == left, "bytes written before the end of the region")) return;
        if (!check(copy_some_from_user(bytes, at) == left, "bytes read before the end of the region")) return;
        check(copy_from_user(bytes, at) == false, "and the whole is an error");
    }
}

void read_only_pages_stay() {
    TestSpace test;
    if (!test.ready()) return;
    check(store_user(TestSpace::start(), 7U), "writable first");
    check(test.space().protect({TestSpace::kFirst, TestSpace::kFirst + PageCount{1}}, Rights::read).has_value(),
          "protect");
    check(!store_user(TestSpace::start(), 8U), "the kernel obeys the region");
    check(load_user<std::uint32_t>(TestSpace::start()) == 7U, "and nothing was written");
}

void strings() {
    TestSpace test;
    if (!test.ready()) return;
    constexpr std::string_view kText = "eleven char";
    std::array<char, 16> buffer{};
    const VirtualAddress at{TestSpace::end().value - kText.size() - 1};
    check(copy_to_user(at, std::as_bytes(std::span(kText.data(), kText.size() + 1))), "a string");
    const auto length = copy_string_from_user(buffer, at);
    check(length == kText.size() && std::string_view(buffer.data()) == kText,
          "comes back, up to the last byte of a page");
    const auto cut = copy_string_from_user(std::span(buffer).first(kText.size()), at);
    check(!cut && cut.error() == StringError::too_long, "a string without room is too long");
    check(store_user({TestSpace::end().value - 1}, 'x'), "a string without an end");
    const auto endless = copy_string_from_user(buffer, {TestSpace::end().value - 1});
    check(!endless && endless.error() == StringError::bad_address, "is a bad address");
    const auto kernel = copy_string_from_user(buffer, {0xC010'0000});
    check(!kernel && kernel.error() == StringError::bad_address, "kernel memory is a bad address");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"user_copy_ranges_are_checked", ranges_are_checked},
    {"user_copy_absent_pages_come_in", absent_pages_come_in},
    {"user_copy_partial_copies_are_exact", partial_copies_are_exact},
    {"user_copy_read_only_pages_stay", read_only_pages_stay},
    {"user_copy_strings", strings},
};

}  // namespace
}  // namespace quire::kernel
