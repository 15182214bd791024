// Many blocks of one size, then all of them go, the first one first: what a loop over an array does, and what most programs that
// measure an allocator by hand do.
#include <algorithm>
#include <vector>

#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t most_blocks = 1600;
constexpr std::size_t most_bytes = std::size_t{1} << 20;

Result fill_and_empty(const Sizes& sizes, std::uint64_t operations, unsigned thread) {
    Random random(2300 + thread);
    std::vector<Block> blocks(most_blocks);
    Result result;
    while (result.operations < operations) {
        const std::size_t size = sizes.draw(random);
        const std::size_t count = std::min(25 + random.below(most_blocks - 24), most_bytes / size);
        for (std::size_t i = 0; i < count; i++) blocks[i] = make_block(size, result.operations + i);
        for (std::size_t i = 0; i < count; i++) result.checksum += end_block(blocks[i]);
        result.operations += count;
    }
    return result;
}

}  // namespace

Result batches(const Settings& settings) {
    const Sizes sizes(8, 32'768, 23);
    return parallel(settings.threads, [&](unsigned i) { return fill_and_empty(sizes, settings.share(10'000'000), i); });
}

}  // namespace work
