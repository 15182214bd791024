// The heap on a source that fails at times, against a map of blocks and what they were filled with.
#include <sys/mman.h>

#include <algorithm>
#include <map>
#include <vector>

#include "fuzz/input.hpp"
#include "quire/heap/heap.hpp"

using namespace quire;
using fuzz::check;

namespace {

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
        if (fail) return nullptr;
        for (std::size_t first = 0; first + count.value <= kPages; ++first) {
            if ((reinterpret_cast<std::uintptr_t>(base_) / kPageSize + first) % alignment.value != 0) continue;
            if (std::any_of(used_.begin() + static_cast<long>(first),
                            used_.begin() + static_cast<long>(first + count.value), [](bool used) { return used; }))
                continue;
            std::fill_n(used_.begin() + static_cast<long>(first), count.value, true);
            std::memset(base_ + first * kPageSize, 0xA5, count.value * kPageSize);
            return base_ + first * kPageSize;
        }
        return nullptr;
    }
    void release(void* first, PageCount count) override {
        const auto index = static_cast<std::size_t>(static_cast<std::byte*>(first) - base_) / kPageSize;
        for (std::size_t i = 0; i < count.value; ++i) {
            check(used_[index + i]);
            used_[index + i] = false;
        }
    }
    void reset() {
        std::fill(used_.begin(), used_.end(), false);
        fail = false;
    }
    [[nodiscard]] PageRange range() const {
        return range_of(VirtualAddress{reinterpret_cast<std::uintptr_t>(base_)}.page(), PageCount{kPages});
    }
    bool fail = false;

private:
    std::byte* base_;
    std::vector<bool> used_ = std::vector<bool>(kPages);
};

struct Block {
    std::size_t bytes;
    std::uint8_t fill;
};

void check_intact(const std::uint8_t* at, std::size_t bytes, std::uint8_t fill) {
    for (std::size_t i = 0; i < bytes; ++i) check(at[i] == fill);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Spans spans;
    spans.reset();
    Heap heap(spans, spans.range());
    std::map<std::uint8_t*, Block> blocks;
    fuzz::Input in(data, size);
    const auto enter = [&](void* block, std::size_t bytes, std::size_t alignment) {
        auto* const at = static_cast<std::uint8_t*>(block);
        check(reinterpret_cast<std::uintptr_t>(at) % alignment == 0 && heap.usable_size(at) >= bytes);
        const auto next = blocks.upper_bound(at);
        check(next == blocks.end() || at + bytes <= next->first);
        check(next == blocks.begin() ||
              std::prev(next)->first + std::max<std::size_t>(std::prev(next)->second.bytes, 1) <= at);
        blocks[at] = {bytes, in.byte()};
        std::memset(at, blocks[at].fill, bytes);
    };
    while (!in.empty()) {
        const unsigned what = in.byte();
        const std::size_t bytes = in.take<std::uint16_t>() >> what / 16;
        const auto chosen = blocks.empty() ? blocks.end() : std::next(blocks.begin(), in.byte() % blocks.size());
        spans.fail = what % 16 == 15;
        if (what % 4 < 2) {
            const std::size_t alignment = what % 4 == 0 ? 16 : std::size_t{1} << in.byte() % 14;
            if (void* const block = heap.allocate(bytes, alignment)) enter(block, bytes, alignment);
        } else if (chosen != blocks.end()) {
            const auto [at, block] = *chosen;
            check_intact(at, block.bytes, block.fill);
            if (what % 4 == 2) {
                heap.free(at);
                blocks.erase(chosen);
            } else if (void* const moved = heap.reallocate(at, bytes)) {
                blocks.erase(chosen);
                check_intact(static_cast<std::uint8_t*>(moved), std::min(bytes, block.bytes), block.fill);
                enter(moved, bytes, 16);
            } else {
                check_intact(at, block.bytes, block.fill);
            }
        }
    }
    heap.check_invariants();
    for (const auto& [at, block] : blocks) {
        check_intact(at, block.bytes, block.fill);
        heap.free(at);
    }
    heap.check_invariants();
    return 0;
}
