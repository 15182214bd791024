// What a program does wrong: each case ends it, at the named line.
#include <malloc.h>

#include <new>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::opaque;

char* block_of(std::size_t bytes) {
    auto* const block = static_cast<char*>(std::malloc(opaque(bytes)));
    CHECK(block != nullptr);
    return opaque(block);
}

template <std::size_t Bytes>
void freed_twice() {
    char* const block = block_of(Bytes);
    char* const other = block_of(Bytes);
    std::free(block);
    std::free(opaque(block));
    std::free(other);
}

template <std::size_t Bytes>
void in_the_middle() {
    std::free(opaque(block_of(Bytes) + 16));
}

void misaligned() {
    std::free(opaque(block_of(100) + 1));
}

void foreign_stack() {
    char here[64] = {};
    std::free(opaque(&here[0]));
}

char in_the_program[64];
void foreign_static() {
    std::free(opaque(&in_the_program[0]));
}

void foreign_nowhere() {
    std::free(reinterpret_cast<void*>(opaque(std::uintptr_t{64})));
}

void foreign_top() {
    std::free(reinterpret_cast<void*>(opaque(~std::uintptr_t{15})));
}

void never_taken() {
    // Far behind the first block of a class that nobody else uses.
    char* const block = block_of(900);
    std::free(opaque(block + 896 * 40));
}

void usable_size_of_freed() {
    char* const block = block_of(100);
    std::free(block);
    opaque(malloc_usable_size(opaque(block)));
}

void realloc_of_freed() {
    char* const block = block_of(100);
    std::free(block);
    opaque(std::realloc(opaque(block), 200));
}

void realloc_of_foreign() {
    char here[64] = {};
    opaque(std::realloc(opaque(&here[0]), 200));
}

void size_of_free() {
    free_sized(block_of(100), 300);
}

void size_of_delete() {
    ::operator delete(static_cast<void*>(new int), std::size_t{40});
}

void size_of_large_delete() {
    ::operator delete(::operator new(3U << 20U), std::size_t{10} << 20U);
}

void alignment_of_delete() {
    ::operator delete(::operator new(24), std::size_t{24}, std::align_val_t{128});
}

void past_large() {
    constexpr std::size_t kBytes = std::size_t{8} << 20U;
    char* const block = block_of(kBytes);
    block[malloc_usable_size(block) - 1] = 1;
    // Large blocks may have spare pages behind them, at most an eighth.
    for (std::size_t at = kBytes; at < 2 * kBytes; at += 4096) block[at] = 1;
}

void before_large() {
    char* const block = block_of(std::size_t{8} << 20U);
    block[opaque(std::ptrdiff_t{-1})] = 1;
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2);
    return linux_test::run(count, words,
                           {{"freed-twice-small", freed_twice<20>},
                            {"freed-twice-middle", freed_twice<5000>},
                            {"freed-twice-large", freed_twice<(100U << 10U)>},
                            {"freed-twice-huge", freed_twice<(8U << 20U)>},
                            {"middle-small", in_the_middle<100>},
                            {"middle-large", in_the_middle<(100U << 10U)>},
                            {"middle-huge", in_the_middle<(8U << 20U)>},
                            {"misaligned", misaligned},
                            {"foreign-stack", foreign_stack},
                            {"foreign-static", foreign_static},
                            {"foreign-nowhere", foreign_nowhere},
                            {"foreign-top", foreign_top},
                            {"never-taken", never_taken},
                            {"usable-size-of-freed", usable_size_of_freed},
                            {"realloc-of-freed", realloc_of_freed},
                            {"realloc-of-foreign", realloc_of_foreign},
                            {"size-of-free", size_of_free},
                            {"size-of-delete", size_of_delete},
                            {"size-of-large-delete", size_of_large_delete},
                            {"alignment-of-delete", alignment_of_delete},
                            {"past-large", past_large},
                            {"before-large", before_large}});
}
