#include "kernel/cpu/user_copy.hpp"

#include <algorithm>

namespace {
struct Fixup {
    std::uint32_t instruction;
    std::uint32_t continuation;
};
}  // namespace

// The table between these is filled by `.pushsection .fixups` beside each instruction that may fault.
extern "C" {
extern const Fixup quire_fixups_start[];
extern const Fixup quire_fixups_end[];
}

namespace quire::kernel {

namespace {

/// Copies and returns how many bytes were left when an access failed, 0 if none did. Words first, then the rest; a
/// fault in the words is tried again byte by byte, so that the count is exact.
std::size_t copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
    std::size_t words = bytes / 4;
    std::size_t rest = bytes % 4;
    asm volatile(R"(
1:      rep movsl
        movl %3, %%ecx
2:      rep movsb
3:
        .pushsection .text.fixup, "ax"
4:      leal (%3, %%ecx, 4), %%ecx
        jmp 2b
        .popsection
        .pushsection .fixups, "a"
        .long 1b, 4b
        .long 2b, 3b
        .popsection
)"
                 : "+c"(words), "+D"(to), "+S"(from)
                 : "r"(rest)
                 : "memory");
    return words;
}

std::size_t clear_bytes(std::byte* to, std::size_t bytes) {
    std::size_t words = bytes / 4;
    std::size_t rest = bytes % 4;
    asm volatile(R"(
1:      rep stosl
        movl %2, %%ecx
2:      rep stosb
3:
        .pushsection .text.fixup, "ax"
4:      leal (%2, %%ecx, 4), %%ecx
        jmp 2b
        .popsection
        .pushsection .fixups, "a"
        .long 1b, 4b
        .long 2b, 3b
        .popsection
)"
                 : "+c"(words), "+D"(to)
                 : "r"(rest), "a"(0)
                 : "memory");
    return words;
}

/// One byte; false if it cannot be read.
bool load_byte(const std::byte* from, char& value) {
    bool loaded = true;
    asm volatile(R"(
1:      movb %2, %0
3:
        .pushsection .text.fixup, "ax"
2:      movb $0, %1
        jmp 3b
        .popsection
        .pushsection .fixups, "a"
        .long 1b, 2b
        .popsection
)"
                 : "=&q"(value), "+q"(loaded)
                 : "m"(*from));
    return loaded;
}

std::byte* pointer(VirtualAddress address) {
    return reinterpret_cast<std::byte*>(address.value);
}

/// How much of [address, address + bytes) is below the limit: what may be tried at all.
std::size_t within_user(VirtualAddress address, std::size_t bytes) {
    return address.value < kUserLimit ? std::min<std::size_t>(bytes, kUserLimit - address.value) : 0;
}

}  // namespace

bool copy_from_user(std::span<std::byte> destination, VirtualAddress source) {
    return is_user_range(source, destination.size()) &&
           copy_bytes(destination.data(), pointer(source), destination.size()) == 0;
}

bool copy_to_user(VirtualAddress destination, std::span<const std::byte> source) {
    return is_user_range(destination, source.size()) &&
           copy_bytes(pointer(destination), source.data(), source.size()) == 0;
}

std::size_t copy_some_from_user(std::span<std::byte> destination, VirtualAddress source) {
    const std::size_t bytes = within_user(source, destination.size());
    return bytes - copy_bytes(destination.data(), pointer(source), bytes);
}

std::size_t copy_some_to_user(VirtualAddress destination, std::span<const std::byte> source) {
    const std::size_t bytes = within_user(destination, source.size());
    return bytes - copy_bytes(pointer(destination), source.data(), bytes);
}

bool clear_user(VirtualAddress destination, std::size_t bytes) {
    return is_user_range(destination, bytes) && clear_bytes(pointer(destination), bytes) == 0;
}

std::expected<std::size_t, StringError> copy_string_from_user(std::span<char> destination, VirtualAddress source) {
    const std::size_t readable = within_user(source, destination.size());
    for (std::size_t i = 0; i < readable; ++i) {
        char& c = destination[i];
        if (!load_byte(pointer(source) + i, c)) return std::unexpected(StringError::bad_address);
        if (c == '\0') return i;
    }
    return std::unexpected(readable == destination.size() ? StringError::too_long : StringError::bad_address);
}

std::optional<std::uint32_t> fixup_for(std::uint32_t eip) {
    const std::span table(quire_fixups_start, quire_fixups_end);
    const auto found = std::ranges::find(table, eip, &Fixup::instruction);
    if (found == table.end()) return std::nullopt;
    return found->continuation;
}

}  // namespace quire::kernel
