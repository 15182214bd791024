// pair SIZE COUNT: so many malloc+free pairs of so many bytes, each block touched. Two counts under a counter of instructions,
// and the difference is the pairs alone.
#include <cstdio>
#include <cstdlib>

int main(int count, char** arguments) {
    if (count != 3) {
        std::fputs("pair: usage: pair SIZE COUNT\n", stderr);
        return 2;
    }
    const unsigned long size = std::strtoul(arguments[1], nullptr, 10);
    const unsigned long pairs = std::strtoul(arguments[2], nullptr, 10);
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
