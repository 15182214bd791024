// A long life: the live bytes stay about the same, the sizes shift from epoch to epoch, and some blocks live through many
// epochs. What an allocator cannot reuse for other sizes shows in the peak of its resident memory.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t live_bytes = 16 << 20;
constexpr std::size_t epochs = 14;

struct Life {
    std::vector<Block> blocks;
    std::size_t bytes = 0;
    Result result;

    void end_one(Random& random) {
        Block& block = blocks[random.below(blocks.size())];
        bytes -= block.size;
        result.checksum += end_block(block);
        block = blocks.back();
        blocks.pop_back();
    }
};

Result live(std::size_t budget, double scale, unsigned thread) {
    Random random(8000 + thread);
    Life life;
    for (std::size_t epoch = 0; epoch < epochs; epoch++) {
        // 16..64, 64..256, 256..1024, 1024..4096, and back.
        const std::size_t step = epoch % 6 < 4 ? epoch % 6 : 6 - epoch % 6;
        const std::size_t least = std::size_t(16) << (2 * step);
        const Sizes sizes(least, least * 4, 80 + epoch);
        const auto until = std::size_t(double(budget) * scale);
        for (std::size_t made = 0; made < until;) {
            const std::size_t size = sizes.draw(random);
            while (life.bytes + size > budget) life.end_one(random);
            life.blocks.push_back(make_block(size, life.result.operations++));
            life.bytes += size;
            made += size;
        }
    }
    for (Block& block : life.blocks) life.result.checksum += end_block(block);
    return life.result;
}

}  // namespace

Result aging(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return live(live_bytes / settings.threads, settings.scale, i); });
}

}  // namespace work
