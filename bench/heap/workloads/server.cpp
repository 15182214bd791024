// A server whose threads come and go, after Larson and Krishnan: each thread replaces blocks in a table at random, ends,
// and leaves the table to a new thread. So most blocks are freed by another thread than the one that made them, and the
// allocator sees many threads over the program's life.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t live = 4'000;
constexpr std::uint64_t replacements = 50'000;

std::uint64_t replace(std::vector<Block>& table, const Sizes& sizes, std::uint64_t seed) {
    Random random(seed);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < replacements; i++) {
        Block& block = table[random.below(table.size())];
        sum += end_block(block);
        block = make_block(sizes.draw(random), i);
    }
    return sum;
}

Result lane(const Sizes& sizes, std::uint64_t generations, unsigned lane) {
    std::vector<Block> table(live);
    Result result{generations * replacements, 0, 0};
    for (std::uint64_t i = 0; i < generations; i++) {
        std::thread([&] { result.checksum += replace(table, sizes, 5000 + lane * 100'000 + i); }).join();
    }
    for (Block& block : table) result.checksum += end_block(block);
    return result;
}

}  // namespace

Result server(const Settings& settings) {
    const Sizes sizes(16, 1'024, 5);
    return parallel(settings.threads, [&](unsigned i) { return lane(sizes, settings.share(160), i); });
}

}  // namespace work
