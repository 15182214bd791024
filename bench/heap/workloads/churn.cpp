// Random replacement in a table of live blocks: what a program in its steady state does.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

Result churn(std::size_t live, const Sizes& sizes, std::uint64_t operations, unsigned thread) {
    Random random(1000 + thread);
    std::vector<Block> table(live);
    Result result;
    for (std::uint64_t i = 0; i < operations; i++) {
        Block& block = table[random.below(live)];
        result.checksum += end_block(block);
        block = make_block(sizes.draw(random), i);
    }
    for (Block& block : table) result.checksum += end_block(block);
    result.operations = operations;
    return result;
}

Result churn_all(const Settings& settings, std::size_t live, std::size_t least, std::size_t most, std::uint64_t total) {
    const Sizes sizes(least, most, live);
    return parallel(settings.threads,
                    [&](unsigned i) { return churn(live / settings.threads, sizes, settings.share(total), i); });
}

}  // namespace

Result churn_tiny(const Settings& settings) { return churn_all(settings, 2'000, 8, 128, 20'000'000); }
Result churn_mixed(const Settings& settings) { return churn_all(settings, 16'000, 16, 4'096, 6'000'000); }
Result churn_wide(const Settings& settings) { return churn_all(settings, 10'000, 8, 32'768, 1'500'000); }
Result churn_many(const Settings& settings) { return churn_all(settings, 400'000, 16, 256, 4'000'000); }
Result churn_big(const Settings& settings) { return churn_all(settings, 2'000'000, 16, 512, 5'000'000); }

}  // namespace work
