// A long life in which the sizes shift: blocks of all sizes from 16 bytes to 64 KiB come and go, but at any time mostly of one, and that
// one goes up and down again. What is live is always as much; what is resident at most is bounded, and does not creep from tour to tour.
//
// usage: shifting SECONDS THREADS MIB     (MiB live, of all threads together)
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::Random;

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr unsigned kPhases = 48;        // of a tour: up and down
constexpr std::size_t kDoublings = 12;  // from 16 bytes

struct Block {
    unsigned char* at = nullptr;
    std::size_t bytes = 0;
};

/// Sizes around 16 * 2^place, up to a doubling away; one in eight is of any size.
std::size_t draw(Random& random, double place) {
    const double aside = static_cast<double>(random.below(2048)) / 1024 - 1;
    const double any = static_cast<double>(random.below(kDoublings * 1024)) / 1024;
    const double doublings = random.below(8) == 0 ? any : std::clamp(place + aside, 0.0, double{kDoublings});
    return static_cast<std::size_t>(16 * std::exp2(doublings));
}

class Life {
public:
    Life(std::uint64_t seed, std::size_t live) : random_(seed), most_(live) {}
    ~Life() {
        while (!blocks_.empty()) drop(blocks_.size() - 1);
    }

    /// Replaces as many bytes as are live, and then some.
    void phase(double place) {
        for (std::size_t replaced = 0; replaced < most_ + most_ / 4;) {
            const std::size_t bytes = draw(random_, place);
            while (live_ + bytes > most_) drop(random_.below(blocks_.size()));
            Block block{static_cast<unsigned char*>(std::malloc(bytes)), bytes};
            CHECK(block.at != nullptr);
            std::memset(block.at, static_cast<int>(bytes & 0xFFU), bytes);
            blocks_.push_back(block);
            live_ += bytes;
            replaced += bytes;
        }
    }

private:
    void drop(std::size_t number) {
        const Block block = blocks_[number];
        const auto mark = static_cast<unsigned char>(block.bytes & 0xFFU);
        CHECK(block.at[0] == mark && block.at[block.bytes / 2] == mark && block.at[block.bytes - 1] == mark);
        std::free(block.at);
        live_ -= block.bytes;
        blocks_[number] = blocks_.back();
        blocks_.pop_back();
    }

    Random random_;
    std::size_t most_;
    std::size_t live_ = 0;
    std::vector<Block> blocks_;
};

double place_of(unsigned phase) {
    const unsigned half = kPhases / 2;
    return double{kDoublings} * (phase < half ? phase : kPhases - phase) / half;
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 4);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atol(words[1]));
    const auto threads = static_cast<unsigned>(std::atol(words[2]));
    const std::size_t live = static_cast<std::size_t>(std::atol(words[3])) * kMiB;
    const std::size_t before = linux_test::resident();
    std::vector<Life> lives;
    lives.reserve(threads);
    for (unsigned i = 0; i < threads; ++i) lives.emplace_back(i + 1, live / threads);
    std::size_t first = 0;
    unsigned tours = 0;
    do {
        std::size_t most = 0;
        for (unsigned phase = 0; phase < kPhases; ++phase) {
            // Threads come and go; what one has made the next one drops.
            std::vector<std::thread> workers;
            for (unsigned i = 1; i < threads; ++i)
                workers.emplace_back([&lives, i, phase] { lives[i].phase(place_of(phase)); });
            lives[0].phase(place_of(phase));
            for (std::thread& worker : workers) worker.join();
            most = std::max(most, linux_test::resident() - before);
        }
        if (first == 0) first = most;
        std::fprintf(stderr, "tour %u: %zu KiB live, %zu resident at most\n", ++tours, live >> 10U, most >> 10U);
        CHECK(most < first + first / 4 + kMiB);
    } while (std::chrono::steady_clock::now() < end);
    std::puts("done");
}
