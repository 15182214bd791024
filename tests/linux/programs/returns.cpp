// Memory that is freed goes back to the system: 64 MiB of small blocks leave less than 1 MiB behind; 2 MiB with four threads, each of
// which keeps a few slabs that it takes blocks from.
#include <array>
#include <barrier>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr std::size_t kTotal = 64 * kMiB;

/// Blocks of 16 to 1024 bytes. The table has no part in what is measured.
void fill_up(std::vector<void*>& blocks, std::size_t total, std::uint64_t seed) {
    linux_test::Random random(seed);
    std::size_t at = 0;
    for (std::size_t bytes = 0; bytes < total;) {
        const std::size_t size = 16 + random.below(1009);
        CHECK(at < blocks.size());
        blocks[at] = std::malloc(size);
        std::memset(blocks[at++], 1, size);
        bytes += size;
    }
}

void free_all(std::vector<void*>& blocks) {
    for (void*& block : blocks) std::free(block), block = nullptr;
}

std::vector<void*> table(std::size_t total) {
    std::vector<void*> blocks(total / 400);
    for (void*& block : blocks) block = linux_test::opaque(nullptr);
    return blocks;
}

void check_returned(std::size_t before, std::size_t between, std::size_t most) {
    const std::size_t after = linux_test::resident();
    std::fprintf(stderr, "resident: %zu KiB, with the blocks %zu, after %zu\n", before >> 10U, between >> 10U,
                 after >> 10U);
    CHECK(between > before + kTotal);
    CHECK(after < before + most);
}

void one_thread() {
    std::vector<void*> blocks = table(kTotal);
    const std::size_t before = linux_test::resident();
    fill_up(blocks, kTotal, 1);
    const std::size_t between = linux_test::resident();
    free_all(blocks);
    check_returned(before, between, kMiB);
}

template <std::size_t From>
void four_threads() {
    constexpr std::size_t kThreads = 4;
    std::array<std::vector<void*>, kThreads> blocks;
    for (auto& one : blocks) one = table(kTotal / kThreads);
    std::barrier<> together(kThreads + 1);
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            std::free(std::malloc(100));
            together.arrive_and_wait();  // all have a stack
            together.arrive_and_wait();  // it was measured
            fill_up(blocks[i], kTotal / kThreads, i + 1);
            together.arrive_and_wait();
            together.arrive_and_wait();
            // Each what it made itself, or what its neighbour made.
            free_all(blocks[(i + From) % kThreads]);
            together.arrive_and_wait();
            together.arrive_and_wait();  // alive, but idle, while it is measured
        });
    }
    together.arrive_and_wait();
    const std::size_t before = linux_test::resident();
    together.arrive_and_wait();
    together.arrive_and_wait();
    const std::size_t between = linux_test::resident();
    together.arrive_and_wait();
    together.arrive_and_wait();
    check_returned(before, between, 2 * kMiB);
    together.arrive_and_wait();
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2);
    return linux_test::run(
        count, words,
        {{"one-thread", one_thread}, {"four-threads", four_threads<0>}, {"freed-by-another", four_threads<1>}});
}
