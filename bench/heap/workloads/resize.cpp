// Realloc: buffers that double, buffers that grow by a little each time, and blocks that become any other size.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

void resize_block(Block& block, std::size_t size) {
    const std::size_t old = block.size;
    block.check();
    block.at = static_cast<char*>(resize(block.at, size));
    if (block.at == nullptr) broken("realloc returned null");
    if (read_word(block.at) != block.key) broken("realloc lost the bytes");
    block.size = size;
    if (size > old) block.fill(old & ~std::size_t(63));
    write_word(block.at + block.tail(), block.key);
}

// Buffers that double from 16 bytes to `most`, a few growing side by side.
Result grow_double(std::uint64_t rounds, unsigned thread) {
    Random random(9000 + thread);
    Result result;
    std::array<Block, 8> side;
    for (std::uint64_t round = 0; round < rounds; round++) {
        // One in 32 reaches 16 MiB, most stay small.
        const std::size_t most = round % 32 == 0 ? 16 << 20 : std::size_t(256) << random.below(10);
        for (Block& block : side) block = make_block(16, round);
        for (std::size_t size = 32; size <= most; size *= 2) {
            for (Block& block : side) {
                if (size <= 65'536 || &block == &side[0]) resize_block(block, size), result.operations++;
            }
        }
        for (Block& block : side) result.checksum += end_block(block);
    }
    return result;
}

// Strings that grow by 16 to 64 bytes to some KiB; logs that grow by 16 KiB to 4 MiB.
Result grow_step(std::uint64_t rounds, unsigned thread) {
    Random random(9100 + thread);
    Result result;
    for (std::uint64_t round = 0; round < rounds; round++) {
        const bool log = round % 400 == 0;
        const std::size_t most = log ? 4 << 20 : 256 << random.below(6);
        Block block = make_block(16, round), beside = make_block(16, round);
        while (block.size < most) {
            resize_block(block, block.size + (log ? 16'384 : 16 + random.below(48)));
            if (!log) resize_block(beside, beside.size + 24);
            result.operations += log ? 1 : 2;
        }
        result.checksum += end_block(block) + end_block(beside);
    }
    return result;
}

Result any_size(std::uint64_t operations, unsigned thread) {
    const Sizes sizes(8, 65'536, 92);
    Random random(9200 + thread);
    std::vector<Block> table(1'000);
    for (std::size_t i = 0; i < table.size(); i++) table[i] = make_block(sizes.draw(random), i);
    Result result{operations, 0, 0};
    for (std::uint64_t i = 0; i < operations; i++) resize_block(table[random.below(table.size())], sizes.draw(random));
    for (Block& block : table) result.checksum += end_block(block);
    return result;
}

}  // namespace

Result realloc_double(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return grow_double(settings.share(6'000), i); });
}
Result realloc_step(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return grow_step(settings.share(40'000), i); });
}
Result realloc_mixed(const Settings& settings) {
    return parallel(settings.threads, [&](unsigned i) { return any_size(settings.share(1'000'000), i); });
}

}  // namespace work
