// What every workload is made of: its settings, random numbers, sizes, and threads that each do a part.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace work {

struct Settings {
    unsigned threads = 1;
    double scale = 1.0;
    const char* program = nullptr;

    // Operations for one thread. Several threads do more in sum, so that they take about as long as one does.
    std::uint64_t share(std::uint64_t total) const {
        auto part = std::uint64_t(double(total) * scale / (threads == 1 ? 1 : 2));
        return part == 0 ? 1 : part;
    }
};

// What came out: the same with every allocator, or one of them broke a block.
struct Result {
    std::uint64_t operations = 0;
    std::uint64_t checksum = 0;
    // Only if it is not this process that was measured.
    std::uint64_t resident_kib = 0;

    Result& operator+=(const Result& other) {
        operations += other.operations;
        checksum += other.checksum;
        return *this;
    }
};

// splitmix64: the same numbers on every machine.
class Random {
   public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
    std::uint64_t next() {
        std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    std::size_t below(std::size_t limit) { return std::size_t((next() >> 32) * limit >> 32); }
    double unit() { return double(next() >> 11) * 0x1p-53; }

   private:
    std::uint64_t state_;
};

// Sizes from `least` to `most`, each power of two as likely as the next: small ones are common, large ones rare. Drawn
// once, so that a draw costs the workload one load.
class Sizes {
   public:
    Sizes(std::size_t least, std::size_t most, std::uint64_t seed) {
        Random random(seed);
        for (auto& size : sizes_) {
            size = std::uint32_t(double(least) * std::exp2(random.unit() * std::log2(double(most) / double(least))));
        }
    }
    std::size_t draw(Random& random) const { return sizes_[random.next() % count]; }

   private:
    static constexpr std::size_t count = 4096;
    std::array<std::uint32_t, count> sizes_;
};

// Runs `part(index)` on each thread and adds up. One thread is the one that is there: the program stays single-threaded.
template <class Part>
Result parallel(unsigned threads, Part part) {
    if (threads == 1) return part(0u);
    std::vector<Result> results(threads);
    std::vector<std::thread> running;
    for (unsigned i = 0; i < threads; i++) running.emplace_back([&, i] { results[i] = part(i); });
    for (auto& thread : running) thread.join();
    Result sum;
    for (const auto& result : results) sum += result;
    return sum;
}

}  // namespace work
