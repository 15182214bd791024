#include "quire/heap/debug/sampler.hpp"

#include <bit>

namespace quire {

namespace {

/// 65536 * log2(x), rounded down, for x > 0. The whole part is the highest bit; each squaring of the rest yields one more bit.
std::uint32_t binary_logarithm(std::uint32_t x) {
    const auto whole = static_cast<std::uint32_t>(std::bit_width(x)) - 1;
    std::uint32_t rest = x << (31U - whole);  // in [1, 2), with 31 bits behind the point
    std::uint32_t logarithm = whole;
    for (int bit = 0; bit < 16; ++bit) {
        const std::uint64_t square = std::uint64_t{rest} * rest >> 31U;
        const std::uint32_t two_or_more = static_cast<std::uint32_t>(square >> 32U) & 1U;
        rest = static_cast<std::uint32_t>(square >> two_or_more);
        logarithm = logarithm << 1U | two_or_more;
    }
    return logarithm;
}

constexpr unsigned kUniformBits = 26;
constexpr std::uint64_t kLogarithmOfTwo = 45426;  // 65536 * ln 2
/// A block of so many means is taken but for one time in e^64: it stands for itself.
constexpr std::uint64_t kCertain = 64;

}  // namespace

std::uint64_t Sampler::draw() {
    // splitmix64: https://prng.di.unimi.it/splitmix64.c
    random_ += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ mixed >> 30U) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94D049BB133111EBU;
    mixed ^= mixed >> 31U;
    // -ln(u) * mean, for u = uniform / 2^26 in (0, 1]. At most 18.1 * 65536 * 2^40 < 2^61.
    const auto uniform = static_cast<std::uint32_t>(mixed >> (64U - kUniformBits)) + 1;
    const std::uint64_t bits = (std::uint64_t{kUniformBits} << 16U) - binary_logarithm(uniform);
    return ((bits * kLogarithmOfTwo >> 16U) * mean_ >> 16U) + 1;
}

std::uint64_t Sampler::weigh(std::size_t bytes) {
    if (mean_ == 0) return 0;
    std::uint64_t left = bytes == 0 ? 1 : bytes;
    if (mean_ == 1) return left;
    if (distance_ == 0) distance_ = draw();
    if (left < distance_) {
        distance_ -= left;
        return 0;
    }
    if (left >= mean_ * kCertain) {
        distance_ = draw();
        return left;
    }
    std::uint64_t weight = 0;
    while (left >= distance_) {
        left -= distance_;
        weight += mean_;
        distance_ = draw();
    }
    distance_ -= left;
    return weight;
}

}  // namespace quire
