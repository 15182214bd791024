#pragma once
/// What these programs share: cases by name, a check that says where it failed, how much memory is resident.
/// Plain programs, so that they can be run with any malloc, and as 32-bit ones under an emulator.

#include <sys/sysinfo.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

// C23; glibc 2.36 neither has nor declares them, so only a preloaded malloc can bring them.
extern "C" [[gnu::weak]] void free_sized(void* block, std::size_t bytes) noexcept;
extern "C" [[gnu::weak]] void free_aligned_sized(void* block, std::size_t alignment, std::size_t bytes) noexcept;

namespace linux_test {

[[noreturn]] inline void failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: failed: %s\n", file, line, condition);
    _exit(1);
}

struct Case {
    const char* name;
    void (*run)();
};

/// Runs what is named, or everything.
inline int run(int count, char** words, std::initializer_list<Case> cases) {
    int ran = 0;
    for (const Case& one : cases) {
        bool wanted = count == 1;
        for (int i = 1; i < count; ++i) wanted |= std::strcmp(words[i], one.name) == 0;
        if (!wanted) continue;
        one.run();
        ++ran;
    }
    if (ran == 0) failed("there is a case of that name", words[1], 0);
    std::puts("done");
    return 0;
}

/// Hides from the compiler what a value is.
template <typename Value>
Value opaque(Value value) {
    asm volatile("" : "+r"(value) : : "memory");
    return value;
}

/// Bytes of memory in use on the whole machine. Quire has no /proc, and no program but this one.
inline std::size_t used_by_all() {
    struct sysinfo facts{};
    if (sysinfo(&facts) != 0) failed("sysinfo answers", __FILE__, __LINE__);
    return static_cast<std::size_t>(facts.totalram - facts.freeram) * facts.mem_unit;
}

/// Bytes of memory that is not files'. Counted page by page: /proc/self/statm may lag behind by some pages a thread.
inline std::size_t resident() {
    std::FILE* const file = std::fopen("/proc/self/smaps_rollup", "r");
    if (file == nullptr) return used_by_all();
    char line[256];
    std::size_t kilobytes = 0;
    while (std::fgets(line, sizeof line, file) != nullptr) {
        if (std::sscanf(line, "Anonymous: %zu kB", &kilobytes) == 1) break;
    }
    std::fclose(file);
    return kilobytes * 1024;
}

/// Numbers that are the same in each run: Marsaglia's xorshift.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}
    std::uint64_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return state_;
    }
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(next() % limit); }
    /// Each power of two as likely as the next: 1 .. 2^bits.
    std::size_t size(unsigned bits) {
        const std::size_t doubling = std::size_t{1} << below(bits);
        return doubling + below(doubling) + 1;
    }

private:
    std::uint64_t state_;
};

/// Writes into every byte what `mark` says, and sees whether it is still there.
inline void fill(void* block, std::size_t bytes, std::uint64_t mark) {
    auto* const at = static_cast<unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) at[i] = static_cast<unsigned char>(mark + i * 7);
}
inline bool filled(const void* block, std::size_t bytes, std::uint64_t mark) {
    const auto* const at = static_cast<const unsigned char*>(block);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (at[i] != static_cast<unsigned char>(mark + i * 7)) return false;
    }
    return true;
}

}  // namespace linux_test

#define CHECK(condition) ((condition) ? void() : linux_test::failed(#condition, __FILE__, __LINE__))
