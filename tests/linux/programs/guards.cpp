// Large blocks that come, grow, shrink and go at random: before and behind each the memory faults, all of it can be used, what calloc
// gives is zero, and what realloc moves is all there.
//
// usage: guards CALLS [locked]
// locked: from the middle on all pages are locked, and the guards are of another kind (ports/linux/malloc/guard_pages.hpp).
#include <malloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::fill;
using linux_test::filled;
using linux_test::Random;

constexpr std::size_t kGuarded = std::size_t{512} << 10U;  // larger blocks have guards
constexpr std::size_t kKept = 16384;                       // bytes at a block's beginning that are compared

/// Asks the kernel: write(2) says EFAULT instead of ending the program.
class Probe {
public:
    Probe() { CHECK(pipe(ends_) == 0); }
    [[nodiscard]] bool usable(const char* at) const {
        char byte = 0;
        return write(ends_[1], at, 1) == 1 && read(ends_[0], &byte, 1) == 1;
    }

private:
    int ends_[2] = {};
};

struct Block {
    char* at = nullptr;
    std::size_t bytes = 0;
    std::uint64_t mark = 0;
};

std::size_t draw(Random& random) {
    if (random.below(8) == 0) return 1 + random.below(kGuarded);
    return kGuarded + 1 + random.below(random.below(3) == 0 ? 16 * kGuarded : kGuarded / 2);
}

void check(const Block& block, const Probe& probe) {
    if (block.at == nullptr) return;
    const std::size_t usable = malloc_usable_size(block.at);
    CHECK(usable >= block.bytes && probe.usable(block.at + usable - 1));
    if (usable <= kGuarded) return;
    CHECK(!probe.usable(block.at + usable));
    CHECK(!probe.usable(block.at - 1));
}

void renew(Block& block, Random& random) {
    const std::size_t bytes = draw(random);
    if (block.at != nullptr) CHECK(filled(block.at, std::min(block.bytes, kKept), block.mark));
    if (block.at != nullptr && random.below(3) == 0) {
        auto* const moved = static_cast<char*>(std::realloc(block.at, bytes));
        CHECK(moved != nullptr);
        block.at = moved;
        CHECK(filled(block.at, std::min({block.bytes, bytes, kKept}), block.mark));
    } else {
        std::free(block.at);
        const bool zeroed = random.below(2) == 0;
        block.at = static_cast<char*>(zeroed ? std::calloc(1, bytes) : std::malloc(bytes));
        CHECK(block.at != nullptr);
        for (std::size_t i = 0; zeroed && i < bytes; i += 512) CHECK(block.at[i] == 0);
    }
    block.bytes = bytes;
    block.mark = random.next();
    std::memset(block.at, 1, bytes);
    fill(block.at, std::min(bytes, kKept), block.mark);
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2 || count == 3);
    const Probe probe;
    Random random(1);
    std::array<Block, 24> blocks;
    const long calls = std::atol(words[1]);
    for (long left = calls; left > 0; --left) {
        if (count == 3 && left == calls / 2) CHECK(mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0);
        Block& block = blocks[random.below(blocks.size())];
        renew(block, random);
        check(block, probe);
        if (left % 32 != 0) continue;
        for (const Block& other : blocks) check(other, probe);
    }
    for (const Block& block : blocks) std::free(block.at);
    std::puts("done");
}
