#include "kernel/exec/initial_stack.hpp"

#include <elf.h>

#include <array>

#include "kernel/base/grow_array.hpp"
#include "kernel/base/random.hpp"
#include "kernel/cpu/user_copy.hpp"

namespace quire::kernel {

namespace {

/// Writes downwards into the program's stack. A write that fails is remembered, so that a run of them is checked once.
class StackWriter {
public:
    explicit StackWriter(VirtualAddress top) : position_(top.value) {}

    /// Returns the address of the bytes.
    std::uint32_t push(std::span<const std::byte> bytes) {
        position_ -= bytes.size();
        good_ = good_ && copy_to_user({position_}, bytes);
        return static_cast<std::uint32_t>(position_);
    }
    /// With a NUL behind it.
    std::uint32_t push(std::string_view text) {
        push(std::as_bytes(std::span("", 1)));
        return push(std::as_bytes(std::span(text)));
    }
    void align(std::size_t alignment) { position_ &= ~(alignment - 1); }
    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] VirtualAddress position() const { return {position_}; }

private:
    std::uintptr_t position_;
    bool good_ = true;
};

std::size_t bytes_of(std::span<const std::string_view> strings) {
    std::size_t bytes = 0;
    for (const std::string_view text : strings) bytes += text.size() + 1 + sizeof(std::uint32_t);
    return bytes;
}

std::uint32_t processor_features() {
    std::uint32_t eax = 1;
    std::uint32_t ebx = 0;
    std::uint32_t ecx = 0;
    std::uint32_t edx = 0;
    asm("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
    return edx;
}

}  // namespace

SysResult<VirtualAddress> build_initial_stack(VirtualAddress top, const ElfPlan& plan, const ProgramStrings& strings) {
    if (bytes_of(strings.arguments) + bytes_of(strings.environment) > kMaxStringBytes) return fail(Errno::e2big);
    StackWriter stack(top);
    const std::uint32_t platform = stack.push("i686");
    std::array<std::byte, 16> noise{};
    fill_random(noise);
    const std::uint32_t random = stack.push(noise);
    const std::uint32_t path = stack.push(strings.path);

    // argc, argv, 0, envp, 0, auxv: put together here, written in one piece.
    GrowArray<std::uint32_t> words;
    bool room = words.push_back(static_cast<std::uint32_t>(strings.arguments.size()));
    for (const auto list : {strings.arguments, strings.environment}) {
        for (const std::string_view text : list) room = room && words.push_back(stack.push(text));
        room = room && words.push_back(0);
    }
    const std::array<std::array<std::uint32_t, 2>, 16> auxiliary{{
        {AT_PHDR, static_cast<std::uint32_t>(plan.headers.value)},
        {AT_PHENT, sizeof(Elf32_Phdr)},
        {AT_PHNUM, plan.header_count},
        {AT_PAGESZ, kPageSize},
        {AT_ENTRY, static_cast<std::uint32_t>(plan.entry.value)},
        {AT_UID, 0},
        {AT_EUID, 0},
        {AT_GID, 0},
        {AT_EGID, 0},
        {AT_SECURE, 0},
        {AT_CLKTCK, 100},
        {AT_HWCAP, processor_features()},
        {AT_PLATFORM, platform},
        {AT_RANDOM, random},
        {AT_EXECFN, path},
        {AT_NULL, 0},
    }};
    for (const auto& pair : auxiliary) room = room && words.push_back(pair[0]) && words.push_back(pair[1]);
    if (!room) return fail(Errno::enomem);

    const std::size_t bytes = words.size() * sizeof(std::uint32_t);
    StackWriter table({(stack.position().value - bytes) / 16 * 16 + bytes});
    table.push(std::as_bytes(words.all()));
    if (!stack.good() || !table.good()) return fail(Errno::enomem);
    return table.position();
}

}  // namespace quire::kernel
