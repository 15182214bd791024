// One frees what all the others made (storm), and all the others free what one made (gifts).
#include <barrier>

#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

constexpr std::size_t many = 60'000;

// Two sets: while one is filled, the other is freed.
struct Round {
    std::vector<std::vector<Block>> sets[2];
    std::barrier<> turn;

    explicit Round(unsigned threads) : turn(threads) {
        for (auto& set : sets) set.assign(threads - 1, std::vector<Block>(many));
    }
};

void make_all(std::vector<Block>& blocks, const Sizes& sizes, Random& random) {
    for (Block& block : blocks) {
        const std::size_t size = sizes.draw(random);
        block = make_block(size, size);
    }
}

std::uint64_t end_all(std::vector<Block>& blocks) {
    std::uint64_t sum = 0;
    for (Block& block : blocks) sum += end_block(block);
    return sum;
}

// Thread 0 is the one; `gift` says whether it makes or frees.
Result rounds(const Settings& settings, std::uint64_t total, bool gift) {
    const Sizes sizes(16, 256, 6);
    const std::uint64_t count = settings.share(total);
    Round round(settings.threads);
    return parallel(settings.threads, [&](unsigned i) {
        Random random(6000 + i);
        Result result;
        for (std::uint64_t turn = 0; turn <= count; turn++) {
            auto& made = round.sets[turn % 2];
            auto& freed = round.sets[(turn + 1) % 2];
            const bool makes = (i == 0) == gift;
            const std::size_t first = i == 0 ? 0 : i - 1, last = i == 0 ? settings.threads - 1 : i;
            for (std::size_t set = first; set < last; set++) {
                if (makes && turn < count) make_all(made[set], sizes, random);
                if (!makes) result.checksum += end_all(freed[set]);
            }
            if (i == 0) result.operations += turn < count ? many * (settings.threads - 1) : 0;
            round.turn.arrive_and_wait();
        }
        return result;
    });
}

}  // namespace

Result storm(const Settings& settings) { return rounds(settings, 50, false); }
Result gifts(const Settings& settings) { return rounds(settings, 50, true); }

}  // namespace work
