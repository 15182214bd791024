// The histogram behind --worst, and the C++ operators, so that the containers' allocations are timed too.
#include "worst.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <new>
#include <utility>

#include "clocked.hpp"

namespace work {
namespace {

// 16 buckets for each power of two.
constexpr unsigned fine = 4;
constexpr unsigned buckets = 64 << fine;
// Above this many ticks a call may have been interrupted by another program: worth a question to the kernel.
constexpr std::uint64_t suspicious = 20'000;

std::atomic<std::uint64_t> counts[buckets];
std::atomic<std::uint64_t> longest;

unsigned bucket_of(std::uint64_t ticks) {
    if (ticks < (1u << fine)) return unsigned(ticks);
    const unsigned power = unsigned(std::bit_width(ticks)) - 1 - fine;
    return (power << fine) + unsigned(ticks >> power);
}

std::uint64_t end_of(unsigned bucket) {
    if (bucket < (2u << fine)) return bucket;
    const unsigned power = (bucket >> fine) - 1;
    return std::uint64_t((bucket & ((1u << fine) - 1)) + (1u << fine) + 1) << power;
}

// Whether the processor was taken away from this thread since the last such question.
bool preempted() {
    thread_local long switches = 0;
    rusage usage{};
    getrusage(RUSAGE_THREAD, &usage);
    return std::exchange(switches, usage.ru_nivcsw) != usage.ru_nivcsw;
}

}  // namespace

void note(std::uint64_t ticks) {
    if (ticks > suspicious && preempted()) return;
    counts[bucket_of(ticks)].fetch_add(1, std::memory_order_relaxed);
    std::uint64_t seen = longest.load(std::memory_order_relaxed);
    while (ticks > seen && !longest.compare_exchange_weak(seen, ticks)) {
    }
}

void print_worst(double ticks_per_ns) {
    std::uint64_t calls = 0;
    for (const auto& count : counts) calls += count;
    std::uint64_t beyond = calls / 10'000;
    unsigned bucket = buckets;
    while (bucket-- > 1 && counts[bucket] <= beyond) beyond -= counts[bucket];
    const std::uint64_t rare = std::min<std::uint64_t>(end_of(bucket), longest);
    std::printf(" calls=%llu worst_p9999_ns=%.0f worst_max_ns=%.0f", static_cast<unsigned long long>(calls),
                double(rare) / ticks_per_ns, double(longest) / ticks_per_ns);
}

}  // namespace work

void* operator new(std::size_t size) {
    if (void* at = work::take(size == 0 ? 1 : size)) return at;
    throw std::bad_alloc();
}

void* operator new(std::size_t size, std::align_val_t alignment) {
    const auto unit = std::size_t(alignment);
    if (void* at = work::take_aligned(unit, (size + unit - 1) & ~(unit - 1))) return at;
    throw std::bad_alloc();
}

void operator delete(void* at) noexcept { work::give(at); }
void operator delete(void* at, std::size_t) noexcept { work::give(at); }
void operator delete(void* at, std::align_val_t) noexcept { work::give(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { work::give(at); }
