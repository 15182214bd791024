// Requests: each builds some dozens of objects, frees them in the order in which they were made, and leaves one behind in
// a cache whose oldest entry it replaces.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t most_objects = 400;
constexpr std::size_t cached = 20'000;

Result serve(const Sizes& sizes, std::uint64_t requests, std::size_t room, unsigned thread) {
    Random random(3000 + thread);
    std::vector<Block> cache(room);
    std::array<Block, most_objects> objects;
    Result result;
    for (std::uint64_t request = 0; request < requests; request++) {
        const std::size_t count = 20 + random.below(most_objects - 20);
        for (std::size_t i = 0; i < count; i++) objects[i] = make_block(sizes.draw(random), request + i);
        Block& oldest = cache[request % room];
        result.checksum += end_block(oldest);
        oldest = objects[0];
        for (std::size_t i = 1; i < count; i++) result.checksum += end_block(objects[i]);
        result.operations += count;
    }
    for (Block& block : cache) result.checksum += end_block(block);
    return result;
}

}  // namespace

Result requests(const Settings& settings) {
    const Sizes sizes(16, 2'048, 3);
    return parallel(settings.threads, [&](unsigned i) {
        return serve(sizes, settings.share(60'000), cached / settings.threads, i);
    });
}

}  // namespace work
