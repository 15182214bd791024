#include "kernel/base/random.hpp"

#include <cstdint>

#include "kernel/cpu/time_stamp.hpp"

namespace quire::kernel {

namespace {

constinit std::uint64_t state = 0;

/// splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
std::uint64_t next() {
    state += 0x9E37'79B9'7F4A'7C15U;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
    return mixed ^ (mixed >> 31U);
}

}  // namespace

void fill_random(std::span<std::byte> out) {
    state ^= time_stamp();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
        if (i % sizeof bits == 0) bits = next();
        out[i] = static_cast<std::byte>(bits >> (8 * (i % sizeof bits)));
    }
}

}  // namespace quire::kernel
