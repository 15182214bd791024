// The less common calls: large blocks, calloc, aligned allocation.
#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

// Replaces blocks of a table at random; `make(random, key)` makes one.
template <class Make>
Result replace(std::size_t live, std::uint64_t operations, std::uint64_t seed, Make make) {
    Random random(seed);
    std::vector<Block> table(live);
    Result result{operations, 0, 0};
    for (std::uint64_t i = 0; i < operations; i++) {
        Block& block = table[random.below(live)];
        result.checksum += end_block(block);
        block = make(random, i);
    }
    for (Block& block : table) result.checksum += end_block(block);
    return result;
}

Block make_zeroed(std::size_t size, std::uint64_t key) {
    size = (size + 7) & ~std::size_t(7);
    Block block{static_cast<char*>(take_zeroed(size / 8, 8)), size, key};
    if (block.at == nullptr) broken("calloc returned null");
    // A table that is used here and there.
    for (std::size_t i = 0; i + 8 <= size; i += 256) {
        if (read_word(block.at + i) != 0) broken("calloc's bytes are not zero");
    }
    if (read_word(block.at + size - 8) != 0) broken("calloc's last word is not zero");
    write_word(block.at, key);
    write_word(block.at + block.tail(), key);
    return block;
}

Block make_aligned(std::size_t size, std::size_t alignment, std::uint64_t key) {
    size = (size + alignment - 1) & ~(alignment - 1);
    Block block{static_cast<char*>(take_aligned(alignment, size)), size, key};
    if (reinterpret_cast<std::uintptr_t>(block.at) % alignment != 0) broken("not aligned");
    if (block.at == nullptr) broken("aligned_alloc returned null");
    block.fill();
    return block;
}

}  // namespace

Result large(const Settings& settings) {
    const Sizes sizes(32 << 10, 8 << 20, 120);
    return parallel(settings.threads, [&](unsigned i) {
        return replace(24 / settings.threads, settings.share(700), 12'000 + i,
                       [&](Random& random, std::uint64_t key) { return make_block(sizes.draw(random), key); });
    });
}

Result zeroed(const Settings& settings) {
    const Sizes sizes(16, 65'536, 121);
    return parallel(settings.threads, [&](unsigned i) {
        return replace(2'000 / settings.threads, settings.share(300'000), 12'100 + i,
                       [&](Random& random, std::uint64_t key) { return make_zeroed(sizes.draw(random), key); });
    });
}

Result aligned(const Settings& settings) {
    const Sizes sizes(16, 2'048, 122);
    return parallel(settings.threads, [&](unsigned i) {
        return replace(4'000 / settings.threads, settings.share(4'000'000), 12'200 + i,
                       [&](Random& random, std::uint64_t key) {
                           // 16 to 128. (Debian's mimalloc breaks the promise at 256 and above.)
                           return make_aligned(sizes.draw(random), std::size_t(16) << random.below(4), key);
                       });
    });
}

}  // namespace work
