// The heap on a source that fails at times, against a map of blocks and what they were filled with. Blocks are used to their last
// usable byte; pages that went back to the source are poisoned, so that the address sanitizer sees whoever still uses them.
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <vector>

#include "fuzz/input.hpp"
#include "quire/heap/heap.hpp"

using namespace quire;
using fuzz::check;

namespace {

constexpr std::size_t kMost = std::numeric_limits<std::size_t>::max();

/// 16 MiB of addresses, first fit; filled with a pattern when they are handed out.
class Spans final : public SpanSource {
public:
    static constexpr std::size_t kPages = 4096;
    Spans() {
        base_ = static_cast<std::byte*>(
            mmap(nullptr, kPages * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        check(base_ != MAP_FAILED);
    }
    void* acquire(PageCount count, PageCount alignment) override {
        check(count.value != 0);
        if (calls_left-- == 0) {
            failed = true;
            return nullptr;
        }
        for (std::size_t first = 0; first < kPages && count.value <= kPages - first; ++first) {
            if ((reinterpret_cast<std::uintptr_t>(base_) / kPageSize + first) % alignment.value != 0) continue;
            const auto begin = used_.begin() + static_cast<long>(first);
            if (std::find(begin, begin + static_cast<long>(count.value), true) !=
                begin + static_cast<long>(count.value))
                continue;
            std::fill_n(begin, count.value, true);
            pages += count.value;
            __asan_unpoison_memory_region(base_ + first * kPageSize, count.value * kPageSize);
            std::memset(base_ + first * kPageSize, 0xA5, count.value * kPageSize);
            return base_ + first * kPageSize;
        }
        failed = true;
        return nullptr;
    }
    void release(void* first, PageCount count) override {
        const auto index = static_cast<std::size_t>(static_cast<std::byte*>(first) - base_) / kPageSize;
        for (std::size_t i = 0; i < count.value; ++i) {
            check(used_[index + i]);
            used_[index + i] = false;
        }
        pages -= count.value;
        __asan_poison_memory_region(first, count.value * kPageSize);
    }
    void reset() {
        std::fill(used_.begin(), used_.end(), false);
        pages = 0;
        __asan_poison_memory_region(base_, kPages * kPageSize);
    }
    [[nodiscard]] PageRange range() const {
        return range_of(VirtualAddress{reinterpret_cast<std::uintptr_t>(base_)}.page(), PageCount{kPages});
    }
    std::size_t calls_left = kMost;  ///< until one fails
    bool failed = false;
    std::size_t pages = 0;

private:
    std::byte* base_;
    std::vector<bool> used_ = std::vector<bool>(kPages);
};

/// Whether slabs were asked for after others had gone.
struct Slabs {
    void see(PageCount now) {
        missed = missed || (went && now > pages);
        went = went || now < pages;
        pages = now;
    }
    PageCount pages;
    bool went = false;
    bool missed = false;
};

struct Block {
    std::size_t usable;
    std::uint8_t fill;
};

void check_intact(const std::uint8_t* at, std::size_t bytes, std::uint8_t fill) {
    for (std::size_t i = 0; i < bytes; ++i) check(at[i] == fill);
}

void check_statistics(const Heap& heap, const Spans& spans, std::size_t blocks) {
    const HeapStatistics counts = heap.statistics();
    check(counts.slab_pages.value + counts.large_pages.value + counts.own_pages.value == spans.pages);
    std::size_t taken = counts.large_blocks;
    for (const HeapClassStatistics& size : counts.classes) taken += size.taken;
    check(taken == blocks && counts.allocations - counts.frees == blocks);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Spans spans;
    spans.reset();
    Slabs slabs;
    Heap heap(spans, spans.range());
    std::map<std::uint8_t*, Block> blocks;
    fuzz::Input in(data, size);
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
    while (!in.empty()) {
        const unsigned what = in.byte();
        std::size_t bytes = in.take<std::uint16_t>() >> what / 16;
        const auto chosen = blocks.empty() ? blocks.end() : std::next(blocks.begin(), in.byte() % blocks.size());
        // Which of the calls of the source that follow fails, if one does.
        spans.calls_left = what % 16 > 11 ? in.byte() % 4 : kMost;
        spans.failed = false;
        if (what == 0) {  // what nobody can have
            constexpr std::array<std::size_t, 6> kSizes{kMost,     kMost - 1,       kMost - kPageSize + 1,
                                                        kMost / 2, kMost - 5000000, std::size_t{1} << 40U};
            constexpr std::array<std::size_t, 5> kAlignments{16, 0, 3, std::size_t{8} << 20U, kPageSize};
            check(heap.allocate(kSizes[bytes % kSizes.size()], kAlignments[bytes / 8 % kAlignments.size()]) == nullptr);
            check(heap.allocate(8, kAlignments[1 + bytes % 3]) == nullptr);
            if (chosen != blocks.end()) check(heap.reallocate(chosen->first, kSizes[bytes % kSizes.size()]) == nullptr);
            heap.free(nullptr);
        } else if (what % 4 < 2) {
            const std::size_t alignment = what % 4 == 0 ? 16 : std::size_t{1} << in.byte() % 14;
            void* const block = what % 8 == 4 ? heap.reallocate(nullptr, bytes) : heap.allocate(bytes, alignment);
            check(block != nullptr || spans.failed);
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
                check(spans.failed);
                check_intact(at, block.usable, block.fill);
            }
        }
        check_statistics(heap, spans, blocks.size());
        slabs.see(heap.statistics().slab_pages);
    }
    heap.check_invariants();
    for (const auto& [at, block] : blocks) {
        check_intact(at, block.usable, block.fill);
        heap.free(at);
    }
    heap.check_invariants();
    check_statistics(heap, spans, 0);
    // One empty slab a class may stay, until somebody asks; others only if slabs that went were missed (how many: local_heap_idle_test).
    for (const HeapClassStatistics& left : heap.statistics().classes) check(left.slabs <= 1 || slabs.missed);
    heap.trim();
    for (const HeapClassStatistics& left : heap.statistics().classes) check(left.slabs == 0);
    heap.check_invariants();
    return 0;
}
