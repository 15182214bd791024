// Phases of a program that uses many sizes: each fills up, replaces what it has at random, and is emptied before the next one, in the
// order of its blocks, against it, or at random.
#include <vector>

#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t most_bytes = std::size_t{3} << 20;

Result pass_through(const Sizes& sizes, std::uint64_t operations, unsigned thread) {
    Random random(2500 + thread);
    std::vector<Block> blocks;
    Result result;
    for (std::uint64_t phase = 0; result.operations < operations; phase++) {
        const std::size_t bytes = most_bytes / 4 + random.below(most_bytes * 3 / 4);
        for (std::size_t sum = 0; sum < bytes; sum += blocks.back().size)
            blocks.push_back(make_block(sizes.draw(random), result.operations++));
        for (std::size_t i = 0; i < blocks.size(); i++) {
            Block& block = blocks[random.below(blocks.size())];
            const std::size_t size = block.size;
            result.checksum += end_block(block);
            block = make_block(size, result.operations++);
        }
        order(blocks, phase, random);
        for (Block& block : blocks) result.checksum += end_block(block);
        blocks.clear();
    }
    return result;
}

}  // namespace

Result phases(const Settings& settings) {
    const Sizes sizes(16, 16'384, 25);
    return parallel(settings.threads, [&](unsigned i) { return pass_through(sizes, settings.share(4'000'000), i); });
}

}  // namespace work
