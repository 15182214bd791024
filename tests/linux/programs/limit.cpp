// A process that may not have more addresses: allocations say so, and go on when something has been freed.
#include <malloc.h>
#include <sys/resource.h>

#include <cerrno>
#include <new>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// So many bytes more than there are now. On Quire, which has no /proc, all 3 GiB.
void allow(std::size_t bytes) {
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr) return;
    std::size_t pages = 0;
    CHECK(std::fscanf(file, "%zu", &pages) == 1);
    std::fclose(file);
    const rlimit limit{pages * 4096 + bytes, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

/// Blocks until there is no memory.
std::vector<void*> take_all(std::size_t bytes) {
    std::vector<void*> blocks;
    blocks.reserve(2'000'000);
    errno = 0;
    while (void* const block = std::malloc(bytes)) {
        std::memset(block, 1, bytes);
        blocks.push_back(block);
    }
    CHECK(errno == ENOMEM);
    return blocks;
}

void every_size() {
    for (const std::size_t bytes :
         {std::size_t{64}, std::size_t{1000}, std::size_t{20'000}, std::size_t{300'000}, 3 * kMiB, 20 * kMiB}) {
        std::vector<void*> blocks = take_all(bytes);
        CHECK(blocks.size() * bytes >= 60 * kMiB);
        // All that needs no new pages still works; nothing crashes.
        std::free(std::calloc(1, 3 * kMiB));
        std::free(std::realloc(nullptr, 100 * kMiB));
        CHECK(std::realloc(blocks.back(), 200 * kMiB) == nullptr);
        CHECK(std::aligned_alloc(16 * kMiB, 100 * kMiB) == nullptr);
        // A few freed, as many taken again.
        for (int round = 0; round < 10; ++round) {
            for (std::size_t i = 0; i < blocks.size(); i += 3) std::free(blocks[i]);
            for (std::size_t i = 0; i < blocks.size(); i += 3) {
                blocks[i] = std::malloc(bytes);
                CHECK(blocks[i] != nullptr);
                std::memset(blocks[i], 2, bytes);
            }
        }
        for (void* const block : blocks) std::free(block);
    }
    // What was kept for one size must not be missing for another: nearly all of it at once.
    void* const nearly_all = std::malloc(70 * kMiB);
    CHECK(nearly_all != nullptr);
    std::free(nearly_all);
}

/// Nothing but addresses is taken, down to the last hole.
void addresses() {
    std::vector<void*> blocks;
    blocks.reserve(100'000);
    for (const std::size_t bytes : {64 * kMiB, kMiB, std::size_t{100'000}, std::size_t{64}}) {
        errno = 0;
        while (blocks.size() < blocks.capacity()) {
            void* const block = std::malloc(bytes);
            if (block == nullptr) break;
            blocks.push_back(block);
        }
        CHECK(bytes == 64 || errno == ENOMEM);
    }
    errno = 0;
    CHECK(std::calloc(1, 64 * kMiB) == nullptr && errno == ENOMEM);
    errno = 0;
    CHECK(std::realloc(blocks.front(), 128 * kMiB) == nullptr && errno == ENOMEM);
    CHECK(::operator new(64 * kMiB, std::nothrow) == nullptr);
    for (void* const block : blocks) *static_cast<char*>(block) = 1;
    for (void* const block : blocks) std::free(block);
    void* const nearly_all = std::malloc(80 * kMiB);
    CHECK(nearly_all != nullptr);
    std::free(nearly_all);
}

/// Large blocks that come and go are kept for a while, and given up when somebody else needs the addresses.
void what_is_kept() {
    for (int i = 0; i < 50; ++i) {
        auto* const block = static_cast<char*>(std::malloc(60 * kMiB));
        CHECK(block != nullptr);
        std::memset(block, 1, 60 * kMiB);
        std::free(block);
    }
    void* const other = std::malloc(80 * kMiB);
    CHECK(other != nullptr);
    std::free(other);
    std::vector<void*> small;
    for (std::size_t i = 0; i < 60 * kMiB / 1000; ++i) {
        small.push_back(std::malloc(1000));
        CHECK(small.back() != nullptr);
    }
    for (void* const block : small) std::free(block);
}

void exceptions() {
    std::vector<std::vector<char>*> vectors;
    bool thrown = false;
    try {
        for (;;) vectors.push_back(new std::vector<char>(100'000));
    } catch (const std::bad_alloc&) {
        thrown = true;
    }
    CHECK(thrown);
    for (const std::vector<char>* const one : vectors) delete one;
    CHECK(::operator new(100 * kMiB, std::nothrow) == nullptr);
}

/// Threads whose first allocation finds no memory for a heap of their own.
void no_heap_for_a_thread() {
    std::vector<void*> blocks = take_all(64);
    void* passed = blocks.back();
    blocks.pop_back();
    bool started = true;
    try {
        for (int i = 0; i < 20; ++i) {
            std::thread([&passed] {
                std::free(passed);
                passed = std::malloc(64);
            }).join();
        }
    } catch (...) {
        started = false;  // no memory for a stack
    }
    static_cast<void>(started);
    std::free(passed);
    for (void* const block : blocks) std::free(block);
    void* const block = std::malloc(20 * kMiB);
    CHECK(block != nullptr);
    std::free(block);
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2);
    allow(100 * kMiB);
    return linux_test::run(count, words,
                           {{"every-size", every_size},
                            {"addresses", addresses},
                            {"what-is-kept", what_is_kept},
                            {"exceptions", exceptions},
                            {"no-heap-for-a-thread", no_heap_for_a_thread}});
}
