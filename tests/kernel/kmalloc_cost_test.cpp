/// What kmalloc costs, in instructions: ticks of the time stamp counter under --icount, the smallest of several rounds, the
/// loops' own instructions taken off.
///
///     ./run --icount -v --test bench_kmalloc
///
/// bench/RESULTS.md has the figures. Without --icount the case only proves that it runs.

#include <array>
#include <cstdint>
#include <limits>

#include "kernel/console/log.hpp"
#include "kernel/cpu/time_stamp.hpp"
#include "kernel/memory/kmalloc.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

constexpr std::size_t kPairs = 1000;
constexpr unsigned kRounds = 5;

std::array<void*, kPairs> blocks;

/// The compiler must neither know what a call returns nor leave it out.
template <typename T>
[[gnu::always_inline]] void opaque(T& value) {
    asm volatile("" : "+r"(value) : : "memory");
}

/// Of all kPairs repetitions together; the first round also warms up.
template <typename Work>
std::uint64_t best_of(Work&& work) {
    std::uint64_t best = std::numeric_limits<std::uint64_t>::max();
    for (unsigned round = 0; round < kRounds; ++round) {
        const std::uint64_t before = time_stamp();
        for (std::size_t i = 0; i < kPairs; ++i) work(i);
        const std::uint64_t ticks = time_stamp() - before;
        if (ticks < best) best = ticks;
    }
    return best;
}

struct Costs {
    std::uint64_t pair;      ///< a block that is freed at once
    std::uint64_t allocate;  ///< when kPairs blocks are taken in a row, new slabs included,
    std::uint64_t free;      ///< and given back in the order in which they were taken
};

template <std::size_t Bytes>
Costs measure() {
    const std::uint64_t loop = best_of([](std::size_t) {
        std::size_t bytes = Bytes;
        opaque(bytes);
    });
    Costs costs{};
    costs.pair = best_of([](std::size_t) {
                     std::size_t bytes = Bytes;
                     opaque(bytes);
                     void* block = kmalloc(bytes);
                     opaque(block);
                     kfree(block);
                 }) -
                 loop;
    std::uint64_t allocate = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t free = allocate;
    for (unsigned round = 0; round < kRounds; ++round) {
        const std::uint64_t start = time_stamp();
        for (void*& block : blocks) {
            std::size_t bytes = Bytes;
            opaque(bytes);
            block = kmalloc(bytes);
        }
        const std::uint64_t full = time_stamp();
        for (void* const block : blocks) kfree(block);
        const std::uint64_t end = time_stamp();
        if (full - start < allocate) allocate = full - start;
        if (end - full < free) free = end - full;
    }
    costs.allocate = allocate - loop;
    costs.free = free - loop;
    return costs;
}

template <std::size_t Bytes>
void report() {
    const Costs costs = measure<Bytes>();
    log("kmalloc({}) and kfree: {} ticks; {} in a row: {} and {} each", Bytes, costs.pair / kPairs, kPairs,
        costs.allocate / kPairs, costs.free / kPairs);
}

void bench_kmalloc() {
    report<16>();
    report<64>();
    report<512>();
    report<2048>();
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"bench_kmalloc", bench_kmalloc},
};

}  // namespace
}  // namespace quire::kernel
