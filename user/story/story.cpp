// The seed's program: allocates and frees blocks of 1 byte to 64 KiB, thousands of times, while time slices pass. Three of
// them run at once at the same virtual addresses; each fills its blocks with bytes that only it would write, and looks at
// every byte again before it frees a block. If two spaces ever shared a frame, or a page came back unzeroed or unmapped, a
// byte would be wrong, and the program says so and exits with 1.
//
// usage: story NAME SEED ALLOCATIONS

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

namespace {

constexpr size_t kSlots = 48;           // three programs fit into 8 MiB, with room to spare
constexpr unsigned kSmallestShift = 0;  // 2^0 = 1 byte
constexpr unsigned kLargestShift = 16;  // 2^16 = 64 KiB

struct Block {
    unsigned char* bytes;
    size_t size;
    unsigned char fill;
};

Block blocks[kSlots];  // at the same address in all three

/// Marsaglia's xorshift, 32 bits: any seed but 0 gives a sequence of its own.
class Random {
public:
    explicit Random(uint32_t seed) : state_(seed | 1U) {}
    uint32_t next() {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 17U;
        state_ ^= state_ << 5U;
        return state_;
    }

private:
    uint32_t state_;
};

/// As many small sizes as large ones: the exponent is what is chosen evenly.
size_t choose_size(Random& random) {
    const unsigned shift = kSmallestShift + random.next() % (kLargestShift - kSmallestShift);
    const size_t low = size_t{1} << shift;
    return low + random.next() % low + (shift + 1 == kLargestShift && random.next() % 64 == 0 ? 1 : 0);
}

bool intact(const Block& block) {
    for (size_t i = 0; i < block.size; ++i) {
        if (block.bytes[i] != block.fill) return false;
    }
    return true;
}

bool release(Block& block) {
    const bool good = intact(block);
    free(block.bytes);
    block = {};
    return good;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: story NAME SEED ALLOCATIONS\n");
        return 2;
    }
    const char* const name = argv[1];
    Random random(static_cast<uint32_t>(strtoul(argv[2], nullptr, 10)));
    const unsigned long wanted = strtoul(argv[3], nullptr, 10);
    const auto fill_seed = static_cast<unsigned char>(random.next());

    unsigned long long bytes = 0;
    for (unsigned long i = 0; i < wanted; ++i) {
        Block& block = blocks[random.next() % kSlots];
        if (block.bytes != nullptr && !release(block)) {
            printf("%s: a block was changed by somebody else after %lu allocations\n", name, i);
            return 1;
        }
        block.size = choose_size(random);
        block.fill = static_cast<unsigned char>(fill_seed + i);
        block.bytes = static_cast<unsigned char*>(malloc(block.size));
        if (block.bytes == nullptr) {
            printf("%s: malloc(%zu) failed after %lu allocations\n", name, block.size, i);
            return 1;
        }
        memset(block.bytes, block.fill, block.size);
        bytes += block.size;
    }
    for (Block& block : blocks) {
        if (block.bytes != nullptr && !release(block)) {
            printf("%s: a block was changed by somebody else at the end\n", name);
            return 1;
        }
    }
    printf("%s: %lu blocks, %llu KiB in all, my table at %p; every byte was as I left it\n", name, wanted, bytes / 1024,
           static_cast<void*>(blocks));
    return 0;
}
