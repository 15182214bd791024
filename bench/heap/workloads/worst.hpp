// Only in the program for --worst: how long each call took, in buckets of a few percent, without allocating anything.
#pragma once
#include <x86intrin.h>

#include <cstdint>

namespace work {

inline std::uint64_t ticks() {
    unsigned processor;
    return __rdtscp(&processor);
}

void note(std::uint64_t ticks);

// Prints `worst_p9999_ns` and `worst_max_ns`; `ticks_per_ns` is what the caller measured over the whole run.
void print_worst(double ticks_per_ns);

}  // namespace work
