// A block and what was written to it: one word in each line of the cache, and the last word. Reading back the first and
// the last tells when an allocator gave the same bytes away twice.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "clocked.hpp"
#include "work.hpp"

namespace work {

[[noreturn]] inline void broken(const char* what) {
    std::fprintf(stderr, "workload: %s\n", what);
    std::_Exit(3);
}

inline void write_word(void* at, std::uint64_t word) { std::memcpy(at, &word, sizeof word); }
inline std::uint64_t read_word(const void* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

struct Block {
    char* at = nullptr;
    std::size_t size = 0;
    std::uint64_t key = 0;

    // Where the last word is: it is the first one if the block has no room for two.
    std::size_t tail() const { return size < 16 ? 0 : size - 8; }

    // Writes bytes [from, size); `from` is a multiple of 64.
    void fill(std::size_t from = 0) {
        for (std::size_t i = from; i + 8 <= size; i += 64) write_word(at + i, key);
        write_word(at + tail(), key);
    }

    std::uint64_t check() const {
        if (read_word(at) != key || read_word(at + tail()) != key) broken("a block's bytes changed");
        return key;
    }
};

// Sizes are at least 8.
inline Block make_block(std::size_t size, std::uint64_t key) {
    Block block{static_cast<char*>(take(size)), size, key};
    if (block.at == nullptr) broken("malloc returned null");
    block.fill();
    return block;
}

// Returns what the block adds to the checksum.
inline std::uint64_t end_block(Block& block) {
    if (block.at == nullptr) return 0;
    const std::uint64_t sum = block.check();
    give(block.at);
    block.at = nullptr;
    return sum;
}

// The order in which blocks are freed: oldest first, newest first, at random, and so on.
inline void order(std::vector<Block>& blocks, std::uint64_t how, Random& random) {
    if (how % 3 == 1) std::reverse(blocks.begin(), blocks.end());
    if (how % 3 != 2) return;
    for (std::size_t i = blocks.size(); i > 1; i--) std::swap(blocks[i - 1], blocks[random.below(i)]);
}

}  // namespace work
