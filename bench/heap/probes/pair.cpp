// pair SIZE COUNT BLOCKS: so many malloc+free pairs of so many bytes, each block touched; as many blocks are allocated before the first
// of them is freed. Two counts under a counter of instructions, and the difference is the pairs alone.
#include <cstdio>
#include <cstdlib>
#include <vector>

// Batch after batch, the first block freed first.
static void batches(unsigned long size, unsigned long pairs, unsigned long count) {
    std::vector<volatile char*> blocks(count);
    for (unsigned long done = 0; done < pairs; done += count) {
        for (auto& block : blocks) {
            block = static_cast<volatile char*>(std::malloc(size));
            *block = 1;
        }
        for (volatile char* block : blocks) std::free(const_cast<char*>(block));
    }
}

int main(int count, char** arguments) {
    if (count != 4) {
        std::fputs("pair: usage: pair SIZE COUNT BLOCKS\n", stderr);
        return 2;
    }
    const unsigned long size = std::strtoul(arguments[1], nullptr, 10);
    const unsigned long pairs = std::strtoul(arguments[2], nullptr, 10);
    const unsigned long together = std::strtoul(arguments[3], nullptr, 10);
    if (together > 1) {
        batches(size, pairs, together);
        return 0;
    }
    // Some neighbours, so that the pair's block is not the only one of its size.
    void* others[16];
    for (void*& other : others) other = std::malloc(size);
    for (unsigned long i = 0; i < pairs; i++) {
        auto* block = static_cast<volatile char*>(std::malloc(size));
        *block = 1;
        std::free(const_cast<char*>(block));
    }
    for (void* other : others) std::free(other);
    return 0;
}
