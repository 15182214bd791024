#pragma once
/// How long a test that draws at random goes on: a fixed number of seeds in ./test, until the time is over in ./test --soak, or
/// one seed that failed before: QUIRE_SEED=n.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace quire::test {

class Soak {
public:
    /// `tests` is about how many such tests share the minutes of a soak.
    Soak(const char* name, std::uint64_t seeds, unsigned tests = 14) : name_(name), seeds_(seeds) {
        if (const char* const given = std::getenv("QUIRE_SEED")) {
            seed_ = std::strtoull(given, nullptr, 10) - 1;
            seeds_ = 1;
        } else if (const char* const minutes = std::getenv("QUIRE_SOAK_MINUTES")) {
            seconds_ = std::strtod(minutes, nullptr) * 60 / tests;
            seed_ =
                static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) & 0xFFFF'FFFFU;
        }
    }

    /// Goes to the next seed; false at the end or after a failure, whose seed it names.
    bool next() {
        if (::testing::Test::HasFailure()) {
            std::fprintf(stderr, "%s: to see it again: QUIRE_SEED=%llu\n", name_,
                         static_cast<unsigned long long>(seed_));
            return false;
        }
        const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
        if (done_ >= seeds_ && passed.count() >= seconds_) return false;
        ++done_;
        ++seed_;
        // A defect ends the process at once: the seed must be known by then.
        ::testing::Test::RecordProperty("seed", std::to_string(seed_));
        std::fprintf(stderr, "[ seed     ] %llu\n", static_cast<unsigned long long>(seed_));
        return true;
    }
    [[nodiscard]] std::uint64_t seed() const { return seed_; }

private:
    const char* name_;
    std::uint64_t seeds_;
    std::uint64_t seed_ = 0;
    std::uint64_t done_ = 0;
    double seconds_ = 0;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace quire::test
