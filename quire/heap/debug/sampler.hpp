#pragma once
/// Which allocations a heap profile takes. Think of all bytes ever allocated as one line, and of points on it at random, a mean
/// distance apart (a Poisson process): a block is taken if a point falls into it.
///
///      ──┤24├┤   4096    ├┤16├┤24├──────     a block of s bytes is taken with probability 1 - exp(-s / mean),
///             ×      ×          ×            and the number of points in it times the mean is s, on average
///
/// So no size and no rhythm of the program escapes, and small blocks cost a subtraction.

#include <cstddef>
#include <cstdint>

namespace quire {

/// Not locked.
class Sampler {
public:
    /// The largest mean distance: 1 TiB.
    static constexpr std::uint64_t kMostMean = std::uint64_t{1} << 40U;

    /// `mean` in bytes: 0 takes nothing, 1 every block. Same seed, same choice.
    constexpr Sampler(std::uint64_t mean, std::uint64_t seed) : random_(seed) { set_mean(mean); }

    constexpr void set_mean(std::uint64_t mean) {
        mean_ = mean < kMostMean ? mean : kMostMean;
        distance_ = 0;
    }
    [[nodiscard]] constexpr std::uint64_t mean() const { return mean_; }

    /// 0: this block is not taken. Else how many bytes of allocations it stands for.
    [[nodiscard]] std::uint64_t weigh(std::size_t bytes);

    /// A distance between two points, at least 1: exponentially distributed.
    [[nodiscard]] std::uint64_t draw();

private:
    std::uint64_t mean_ = 0;
    std::uint64_t random_;
    std::uint64_t distance_ = 0;  ///< bytes to the next point; 0: not drawn yet
};

}  // namespace quire
