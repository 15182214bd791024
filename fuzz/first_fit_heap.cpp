// The first-fit heap in a few small regions, against a map of blocks and what they were filled with. Blocks are used to their last
// usable byte; the regions lie in memory of exactly their size, so that the address sanitizer sees whoever leaves them.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <memory>
#include <vector>

#include "fuzz/input.hpp"
#include "quire/heap/first_fit_heap.hpp"

using namespace quire;
using fuzz::check;

namespace {

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

struct Block {
    std::size_t usable;
    std::uint8_t fill;
};
using Blocks = std::map<std::uint8_t*, Block>;

void check_intact(const std::uint8_t* at, std::size_t bytes, std::uint8_t fill) {
    for (std::size_t i = 0; i < bytes; ++i) check(at[i] == fill);
}

void check_statistics(const FirstFitHeap& heap, const Blocks& blocks, std::size_t managed) {
    heap.check_invariants();
    const FirstFitStatistics counts = heap.statistics();
    check(counts.taken_bytes + counts.free_bytes == managed && counts.taken_blocks == blocks.size());
    std::size_t taken = 0;
    for (const auto& [at, block] : blocks) taken += block.usable + FirstFitHeap::kHeaderBytes;
    check(counts.taken_bytes == taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    std::vector<std::unique_ptr<std::byte[]>> regions;
    FirstFitHeap heap;
    std::size_t managed = 0;
    const auto add = [&] {
        const std::size_t bytes = in.take<std::uint16_t>() % 8192;
        const std::size_t skipped = std::min<std::size_t>(in.byte() % 16, bytes);
        const auto& memory = regions.emplace_back(std::make_unique<std::byte[]>(bytes));
        const std::size_t before = heap.statistics().free_bytes;
        const bool added = heap.add({memory.get() + skipped, bytes - skipped});
        check(added || bytes - skipped < 48 + 15 + 15);
        managed += heap.statistics().free_bytes - before;
    };
    add();

    Blocks blocks;
    const auto enter = [&](void* block, std::size_t bytes, std::size_t alignment) {
        auto* const at = static_cast<std::uint8_t*>(block);
        const std::size_t usable = heap.usable_size(at);
        check(reinterpret_cast<std::uintptr_t>(at) % alignment == 0 && usable >= bytes && usable != 0);
        const auto next = blocks.upper_bound(at);
        check(next == blocks.end() || at + usable <= next->first);
        check(next == blocks.begin() || std::prev(next)->first + std::prev(next)->second.usable <= at);
        blocks[at] = {usable, in.byte()};
        std::memset(at, blocks[at].fill, usable);
    };
    /// Could the largest free block not have held it?
    const auto is_too_large = [&](std::size_t bytes, std::size_t alignment) {
        return bytes + FirstFitHeap::kHeaderBytes + 2 * alignment > heap.statistics().largest_free_block;
    };
    while (!in.empty()) {
        const unsigned what = in.byte();
        const std::size_t bytes = in.take<std::uint16_t>() >> what / 16;
        const auto chosen = blocks.empty() ? blocks.end() : std::next(blocks.begin(), in.byte() % blocks.size());
        if (what == 0) {  // what nobody can have
            constexpr std::array<std::size_t, 6> kSizes{kMost, kMost - 15, kMost - 16, kMost - 31, kMost / 2, 100000};
            constexpr std::array<std::size_t, 5> kAlignments{16, 0, 3, kMost, kMost / 2 + 1};
            check(heap.allocate(kSizes[bytes % kSizes.size()], kAlignments[bytes / 8 % kAlignments.size()]) == nullptr);
            check(heap.allocate(8, kAlignments[1 + bytes % 3]) == nullptr);
            if (chosen != blocks.end()) check(heap.reallocate(chosen->first, kSizes[bytes % kSizes.size()]) == nullptr);
            heap.free(nullptr);
        } else if (what == 1) {
            if (regions.size() < 4) add();
        } else if (what % 4 < 2) {
            const std::size_t alignment = what % 4 == 0 ? 16 : std::size_t{1} << in.byte() % 14;
            void* const block = what % 8 == 4 ? heap.reallocate(nullptr, bytes) : heap.allocate(bytes, alignment);
            check(block != nullptr || is_too_large(bytes, alignment));
            if (block != nullptr) enter(block, bytes, alignment);
        } else if (chosen != blocks.end()) {
            const auto [at, block] = *chosen;
            check_intact(at, block.usable, block.fill);
            if (what % 4 == 2) {
                heap.free(at);
                blocks.erase(chosen);
            } else if (void* const moved = heap.reallocate(at, bytes)) {
                blocks.erase(chosen);
                check_intact(static_cast<std::uint8_t*>(moved), std::min(bytes, block.usable), block.fill);
                enter(moved, bytes, 16);
            } else {
                check(is_too_large(bytes, 16) && bytes > block.usable);
                check_intact(at, block.usable, block.fill);
            }
        }
        check_statistics(heap, blocks, managed);
    }
    for (const auto& [at, block] : blocks) {
        check_intact(at, block.usable, block.fill);
        heap.free(at);
    }
    check_statistics(heap, {}, managed);
    check(heap.statistics().free_blocks <= regions.size());
    return 0;
}
