// Growth and shrink: again and again up to many MiB of small blocks, then down to a few that stay. Each peak has its own
// sizes, and frees in another order: oldest first, newest first, at random.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t peak_bytes = 48 << 20;
constexpr std::size_t keep_one_in = 200;

Result climb(std::uint64_t peaks, std::size_t bytes, unsigned thread) {
    const std::array sizes{Sizes(16, 128, 71), Sizes(64, 1'024, 72), Sizes(16, 8'192, 73), Sizes(24, 96, 74)};
    Random random(7000 + thread);
    std::vector<Block> blocks, kept;
    Result result;
    for (std::uint64_t peak = 0; peak < peaks; peak++) {
        for (std::size_t sum = 0; sum < bytes; sum += blocks.back().size) {
            blocks.push_back(make_block(sizes[peak % sizes.size()].draw(random), result.operations++));
        }
        order(blocks, peak, random);
        for (std::size_t i = 0; i < blocks.size(); i++) {
            if (i % keep_one_in == 0) {
                kept.push_back(blocks[i]);
            } else {
                result.checksum += end_block(blocks[i]);
            }
        }
        blocks.clear();
    }
    for (Block& block : kept) result.checksum += end_block(block);
    return result;
}

}  // namespace

Result peaks(const Settings& settings) {
    return parallel(settings.threads,
                    [&](unsigned i) { return climb(settings.share(settings.threads == 1 ? 5 : 16), peak_bytes / settings.threads, i); });
}

}  // namespace work
