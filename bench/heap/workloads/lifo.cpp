// Blocks that are freed in the opposite order: temporaries of nested calls, a parser's stack.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t deepest = 64;

Result nest(const Sizes& sizes, std::uint64_t operations, unsigned thread) {
    Random random(2000 + thread);
    std::array<Block, deepest> stack;
    Result result;
    while (result.operations < operations) {
        // Mostly shallow.
        const std::size_t depth = 1 + random.below(1 + random.below(deepest));
        for (std::size_t i = 0; i < depth; i++) stack[i] = make_block(sizes.draw(random), result.operations + i);
        for (std::size_t i = depth; i-- > 0;) result.checksum += end_block(stack[i]);
        result.operations += depth;
    }
    return result;
}

}  // namespace

Result lifo(const Settings& settings) {
    const Sizes sizes(8, 1'024, 2);
    return parallel(settings.threads, [&](unsigned i) { return nest(sizes, settings.share(20'000'000), i); });
}

}  // namespace work
