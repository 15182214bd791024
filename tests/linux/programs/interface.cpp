// The whole interface, against what malloc(3), posix_memalign(3), malloc_usable_size(3), C23 and the C++ standard promise.
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <new>
#include <string>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::filled;
using linux_test::opaque;

constexpr std::size_t kMost = ~std::size_t{0} / 2;  // PTRDIFF_MAX

bool aligned(const void* block, std::size_t alignment) {
    return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

/// Somewhere that is not a block.
char place = 0;

/// What an allocation that cannot be leaves behind.
template <typename Call>
bool no_memory(Call call) {
    errno = 0;
    return call() == nullptr && errno == ENOMEM;
}

/// Sizes around all that could be a border: of classes, pages, units, large blocks.
std::vector<std::size_t> interesting_sizes() {
    std::vector<std::size_t> sizes{0, 1, 2, 3, 24, 40, 100, 1000, 5000, 3 << 20U};
    for (std::size_t power = 4; power <= std::size_t{4} << 20U; power *= 2) {
        for (const std::size_t size : {power - 1, power, power + 1, power + power / 8, power + power / 2}) {
            sizes.push_back(size);
        }
    }
    return sizes;
}

void sizes() {
    std::vector<void*> blocks;
    for (const std::size_t size : interesting_sizes()) {
        void* const block = std::malloc(size);
        CHECK(block != nullptr);
        CHECK(aligned(block, size > 8 ? alignof(std::max_align_t) : 8));
        CHECK(malloc_usable_size(block) >= size);
        linux_test::fill(block, malloc_usable_size(block), size);
        blocks.push_back(block);
    }
    std::size_t at = 0;
    for (const std::size_t size : interesting_sizes()) {
        CHECK(filled(blocks[at], malloc_usable_size(blocks[at]), size));
        std::free(blocks[at++]);
    }
    void* const one = std::malloc(opaque(std::size_t{0}));
    void* const other = std::malloc(opaque(std::size_t{0}));
    CHECK(one != nullptr && other != nullptr && one != other);
    std::free(one);
    std::free(other);
    std::free(nullptr);
    CHECK(malloc_usable_size(nullptr) == 0);
}

void too_large() {
    for (const std::size_t size : {kMost + 1, kMost, kMost - 4096, ~std::size_t{0}, ~std::size_t{0} - 4096}) {
        CHECK(no_memory([&] { return std::malloc(opaque(size)); }));
        CHECK(no_memory([&] { return std::calloc(opaque(size), 1); }));
        CHECK(no_memory([&] { return std::realloc(nullptr, opaque(size)); }));
        CHECK(no_memory([&] { return std::aligned_alloc(64, opaque(size)); }));
        CHECK(no_memory([&] { return memalign(64, opaque(size)); }));
        CHECK(no_memory([&] { return valloc(opaque(size)); }));
        CHECK(no_memory([&] { return pvalloc(opaque(size)); }));
        void* block = &place;
        CHECK(posix_memalign(&block, 64, opaque(size)) == ENOMEM && block == &place);
    }
    const std::size_t half = std::size_t{1} << (4 * sizeof(std::size_t));
    CHECK(no_memory([&] { return std::calloc(opaque(half), half); }));
    CHECK(no_memory([&] { return std::calloc(opaque(half + 1), half - 1 + 2); }));
    CHECK(no_memory([&] { return std::calloc(opaque(~std::size_t{0}), 2); }));
    CHECK(no_memory([&] { return reallocarray(nullptr, opaque(half), half); }));
    void* const block = std::malloc(100);
    linux_test::fill(block, 100, 1);
    CHECK(no_memory([&] { return reallocarray(block, opaque(~std::size_t{0}), 3); }));
    CHECK(no_memory([&] { return std::realloc(block, opaque(kMost + 1)); }));
    CHECK(filled(block, 100, 1));
    std::free(block);
}

/// Where addresses have 32 bits: some may lie so high that the end of a block of this size would be beyond the last one.
void longer_than_what_lies_behind() {
    constexpr std::size_t kept = std::size_t{4} << 20U;
    void* const others = std::malloc(4 * kept);
    std::memset(others, 1, 4 * kept);
    for (std::size_t size = std::size_t{512} << 20U; size < std::size_t{1536} << 20U; size += std::size_t{32} << 20U) {
        void* const block = std::malloc(kept);
        CHECK(block != nullptr);
        std::memset(block, 1, kept);
        std::free(block);
        void* const large = std::malloc(size);
        CHECK(large == nullptr || malloc_usable_size(large) >= size);
        std::free(large);
    }
    std::free(others);
}

void zeroes() {
    // Each size twice with dirt in between: the second time it is used memory.
    for (int round = 0; round < 2; ++round) {
        for (const std::size_t size : interesting_sizes()) {
            void* const block = std::calloc(size == 0 ? 0 : 1, size);
            CHECK(block != nullptr);
            const auto* const bytes = static_cast<const unsigned char*>(block);
            for (std::size_t i = 0; i < size; ++i) CHECK(bytes[i] == 0);
            std::memset(block, 0xFF, malloc_usable_size(block));
            std::free(block);
        }
    }
    void* const none = std::calloc(0, opaque(~std::size_t{0}));
    CHECK(none != nullptr);
    std::free(none);
}

void reallocation() {
    for (const std::size_t from : interesting_sizes()) {
        for (const std::size_t to : interesting_sizes()) {
            if (to == 0 || from > (1U << 20U) || to > (2U << 20U)) continue;
            void* const block = std::malloc(from);
            linux_test::fill(block, from, from);
            void* const moved = std::realloc(block, to);
            CHECK(moved != nullptr && malloc_usable_size(moved) >= to);
            CHECK(aligned(moved, to > 8 ? alignof(std::max_align_t) : 8));
            CHECK(filled(moved, from < to ? from : to, from));
            std::free(moved);
        }
    }
    CHECK(std::realloc(std::malloc(10), opaque(std::size_t{0})) == nullptr);
    void* block = std::realloc(nullptr, 20);
    CHECK(block != nullptr);
    block = reallocarray(block, 7, 11);
    CHECK(malloc_usable_size(block) >= 77);
    std::free(block);
    // One buffer through all sizes, up and down, moved by its frames where it is large.
    block = std::malloc(1);
    std::size_t bytes = 1;
    linux_test::fill(block, bytes, 5);
    for (std::size_t size = 1; size < std::size_t{64} << 20U; size += size / 2 + 1) {
        void* const grown = std::realloc(block, size);
        CHECK(grown != nullptr && filled(grown, bytes, 5));
        block = grown;
        linux_test::fill(block, bytes = size, 5);
    }
    for (; bytes > 1; bytes -= bytes / 3 + 1) {
        void* const shrunk = std::realloc(block, bytes);
        CHECK(shrunk != nullptr && filled(shrunk, bytes, 5));
        block = shrunk;
    }
    std::free(block);
}

void alignment() {
    for (std::size_t alignment = 1; alignment <= std::size_t{64} << 20U; alignment *= 2) {
        for (const std::size_t size :
             {std::size_t{0}, std::size_t{1}, alignment / 2, alignment, alignment + 1, std::size_t{100}}) {
            if (size > std::size_t{16} << 20U) continue;
            void* block = nullptr;
            const bool fine = alignment >= sizeof(void*);
            errno = 0;
            CHECK(posix_memalign(&block, alignment, size) == (fine ? 0 : EINVAL));
            CHECK(errno == 0 && (block != nullptr) == fine && aligned(block, alignment));
            if (fine) std::memset(block, 0, size);
            std::free(block);
            void* const standard = std::aligned_alloc(alignment, size);
            CHECK(standard != nullptr && aligned(standard, alignment) && malloc_usable_size(standard) >= size);
            std::memset(standard, 1, size);
            std::free(standard);
            void* const old = memalign(alignment, size);
            CHECK(old != nullptr && aligned(old, alignment) && malloc_usable_size(old) >= size);
            std::free(old);
            // An aligned block may become any other.
            void* const grown = std::realloc(std::aligned_alloc(alignment, size), size + 1000);
            CHECK(grown != nullptr && malloc_usable_size(grown) >= size + 1000);
            std::free(grown);
        }
    }
    void* block = &place;
    for (const std::size_t wrong :
         {std::size_t{0}, sizeof(void*) / 2, sizeof(void*) + 1, sizeof(void*) * 3, ~std::size_t{0}}) {
        CHECK(posix_memalign(&block, opaque(wrong), 10) == EINVAL && block == &place);
    }
    for (const std::size_t wrong : {std::size_t{0}, std::size_t{3}, std::size_t{24}, ~std::size_t{0}}) {
        errno = 0;
        CHECK(std::aligned_alloc(opaque(wrong), 48) == nullptr && errno == EINVAL);
    }
    errno = 0;
    CHECK(memalign(opaque(kMost + 2), 1) == nullptr && errno == EINVAL);
    void* const rounded = memalign(opaque(std::size_t{24}), 10);  // glibc rounds up to a power of two
    CHECK(aligned(rounded, 32));
    std::free(rounded);
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, page, page + 1}) {
        void* const one = valloc(size);
        CHECK(one != nullptr && aligned(one, page));
        std::free(one);
        void* const whole = pvalloc(size);
        CHECK(whole != nullptr && aligned(whole, page) && malloc_usable_size(whole) >= (size + page - 1) / page * page);
        std::free(whole);
    }
}

void error_number() {
    for (const std::size_t size : interesting_sizes()) {
        errno = 77;
        void* const block = std::malloc(size);
        void* const zero = std::calloc(1, size);
        void* const grown = std::realloc(std::malloc(1), size + 1);
        CHECK(errno == 77);
        std::free(block);
        std::free(zero);
        std::free(grown);
        std::free(nullptr);
        CHECK(errno == 77);
    }
    malloc_trim(0);
    CHECK(errno == 77);
}

void sized_free() {
    for (const std::size_t size : interesting_sizes()) {
        free_sized(std::malloc(size), size);
        free_sized(std::calloc(1, size), size);
        for (std::size_t alignment = 1; alignment <= std::size_t{8} << 20U; alignment *= 2) {
            free_aligned_sized(std::aligned_alloc(alignment, size), alignment, size);
        }
    }
    free_sized(nullptr, 10);
    free_aligned_sized(nullptr, 64, 10);
}

/// What realloc left where it was has the new size.
void sized_free_after_realloc() {
    for (const std::size_t from : interesting_sizes()) {
        for (const std::size_t to : interesting_sizes()) {
            if (to == 0 || from > (1U << 20U) || to > (2U << 20U)) continue;
            free_sized(std::realloc(std::malloc(from), to), to);
        }
    }
}

/// The same where blocks of a larger size were freed, which a size without any may borrow: only in a process in which nothing else is.
void sized_free_of_borrowed() {
    constexpr std::size_t kLent = 7'000;
    std::vector<void*> blocks(100);
    for (void*& block : blocks) block = std::malloc(kLent);
    for (std::size_t i = 8; i < blocks.size(); ++i) std::free(blocks[i]);
    for (std::size_t from = kLent / 4; from < kLent; from += 32) {
        void* const block = std::malloc(from);
        const std::size_t to = malloc_usable_size(block) + 1;
        free_sized(std::realloc(block, to), to);
    }
    for (std::size_t i = 0; i < 8; ++i) std::free(blocks[i]);
}

void trim() {
    // Filled and freed, there is something to give back; a second time at once, there is not.
    std::vector<void*> blocks;
    for (int i = 0; i < 100; ++i) {
        blocks.push_back(std::malloc(3000));
        std::memset(blocks.back(), 1, 3000);
    }
    for (void* const block : blocks) std::free(block);
    malloc_trim(0);
    CHECK(malloc_trim(0) == 0);
}

struct alignas(256) Wide {
    char bytes[300];
};

void news() {
    for (const std::size_t size : interesting_sizes()) {
        void* const one = ::operator new(size);
        CHECK(one != nullptr && aligned(one, size > 8 ? __STDCPP_DEFAULT_NEW_ALIGNMENT__ : 8));
        ::operator delete(one);
        ::operator delete(::operator new(size), size);
        ::operator delete[](::operator new[](size));
        ::operator delete[](::operator new[](size), size);
        ::operator delete(::operator new(size, std::nothrow), std::nothrow);
        ::operator delete[](::operator new[](size, std::nothrow), std::nothrow);
        for (std::size_t power = 1; power <= 65536; power *= 4) {
            const auto alignment = std::align_val_t{power};
            void* const block = ::operator new(size, alignment);
            CHECK(aligned(block, power));
            std::memset(block, 1, size);
            ::operator delete(block, alignment);
            ::operator delete(::operator new(size, alignment), size, alignment);
            ::operator delete[](::operator new[](size, alignment), alignment);
            ::operator delete[](::operator new[](size, alignment), size, alignment);
            void* const quiet = ::operator new(size, alignment, std::nothrow);
            CHECK(aligned(quiet, power));
            ::operator delete(quiet, alignment, std::nothrow);
            ::operator delete[](::operator new[](size, alignment, std::nothrow), alignment, std::nothrow);
        }
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr, std::size_t{8});
    ::operator delete(nullptr, std::size_t{8}, std::align_val_t{8});
    Wide* const wide = new Wide[3];
    CHECK(aligned(wide, alignof(Wide)));
    delete[] wide;
    delete[] new std::string[5];
    // malloc and new may be mixed where the program is wrong anyway, as with glibc.
    std::free(::operator new(10));
}

int asked = 0;

template <typename Call>
bool throws(Call call) {
    try {
        call();
    } catch (const std::bad_alloc&) {
        return true;
    }
    return false;
}

void news_without_memory() {
    const std::size_t most = opaque(kMost + 1);
    const auto wide = std::align_val_t{64};
    CHECK(throws([&] { opaque(::operator new(most)); }));
    CHECK(throws([&] { opaque(::operator new[](most)); }));
    CHECK(throws([&] { opaque(::operator new(most, wide)); }));
    CHECK(throws([&] { opaque(::operator new[](most, wide)); }));
    CHECK(throws([&] { opaque(::operator new(opaque(kMost - 4096))); }));
    CHECK(::operator new(most, std::nothrow) == nullptr);
    CHECK(::operator new[](most, std::nothrow) == nullptr);
    CHECK(::operator new(most, wide, std::nothrow) == nullptr);
    CHECK(::operator new[](most, wide, std::nothrow) == nullptr);

    // The handler is asked until it gives up or something is free.
    std::set_new_handler([] {
        if (++asked == 3) std::set_new_handler(nullptr);
    });
    CHECK(throws([&] { opaque(::operator new(most)); }) && asked == 3);
    asked = 0;
    std::set_new_handler([] {
        ++asked;
        std::set_new_handler(nullptr);
    });
    CHECK(::operator new(most, std::nothrow) == nullptr&& asked == 1);
    // What a handler throws comes through; a nothrow form swallows it.
    asked = 0;
    std::set_new_handler([] {
        ++asked;
        throw std::bad_alloc();
    });
    CHECK(throws([&] { opaque(::operator new(most)); }) && asked == 1);
    CHECK(::operator new(most, std::nothrow) == nullptr&& asked == 2);
    CHECK(::operator new[](most, wide, std::nothrow) == nullptr&& asked == 3);
    std::set_new_handler(nullptr);
}

}  // namespace

int main(int count, char** words) {
    return linux_test::run(count, words,
                           {{"sizes", sizes},
                            {"too-large", too_large},
                            {"longer-than-what-lies-behind", longer_than_what_lies_behind},
                            {"zeroes", zeroes},
                            {"reallocation", reallocation},
                            {"alignment", alignment},
                            {"error-number", error_number},
                            {"sized-free", sized_free},
                            {"sized-free-after-realloc", sized_free_after_realloc},
                            {"sized-free-of-borrowed", sized_free_of_borrowed},
                            {"trim", trim},
                            {"news", news},
                            {"news-without-memory", news_without_memory}});
}
