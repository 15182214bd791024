// Random calls by several threads, against a model: what each block contains, how it is aligned, that no two overlap.
//
// usage: model SEED THREADS CALLS      THREADS: 0: all calls come from the first one, where there are no others
#include <malloc.h>

#include <map>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::fill;
using linux_test::filled;
using linux_test::Random;

struct Block {
    void* at = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;
    std::uint64_t mark = 0;
};

/// All blocks of all threads by their address.
class Taken {
public:
    void add(const Block& block) {
        const auto first = reinterpret_cast<std::uintptr_t>(block.at);
        const std::uintptr_t end = first + malloc_usable_size(block.at);
        const std::lock_guard guard(lock_);
        const auto next = blocks_.lower_bound(first);
        CHECK(next == blocks_.end() || next->first >= end);
        CHECK(next == blocks_.begin() || std::prev(next)->second <= first);
        blocks_.emplace_hint(next, first, end);
    }
    void remove(const Block& block) {
        const std::lock_guard guard(lock_);
        CHECK(blocks_.erase(reinterpret_cast<std::uintptr_t>(block.at)) == 1);
    }
    [[nodiscard]] bool empty() const { return blocks_.empty(); }

private:
    std::mutex lock_;
    std::map<std::uintptr_t, std::uintptr_t> blocks_;
};
Taken taken;

/// Blocks that are handed on to other threads.
constexpr std::size_t kShared = 100;
Block shared[kShared];
std::mutex shared_lock;

class Thread {
public:
    explicit Thread(std::uint64_t seed) : random_(seed), blocks_(400) {}

    void run(std::size_t calls) {
        for (std::size_t i = 0; i < calls; ++i) {
            Block& block = blocks_[random_.below(blocks_.size())];
            if (block.at == nullptr) {
                allocate(block);
            } else {
                check(block);
                change(block);
            }
        }
        for (Block& block : blocks_) release(block);
    }

    static void check(const Block& block) {
        CHECK(reinterpret_cast<std::uintptr_t>(block.at) % block.alignment == 0);
        CHECK(filled(block.at, block.bytes, block.mark));
        CHECK(malloc_usable_size(block.at) >= block.bytes);
    }

    void release(Block& block) {
        if (block.at == nullptr) return;
        check(block);
        taken.remove(block);
        // Either is right for a block without an alignment of its own.
        if (block.alignment <= 16 && random_.below(4) == 0)
            free_sized(block.at, block.bytes);
        else
            std::free(block.at);
        block = {};
    }

private:
    std::size_t size() {
        switch (random_.below(50)) {
            case 0: return random_.size(22);
            case 1: return random_.size(17);
            case 2: return 0;
            default: return random_.size(12);
        }
    }

    void allocate(Block& block) {
        block.bytes = size();
        block.alignment = block.bytes > 8 ? 16 : 8;
        switch (random_.below(4)) {
            case 0:
                block.at = std::calloc(1, block.bytes);
                CHECK(block.at != nullptr);
                for (std::size_t i = 0; i < block.bytes; ++i)
                    CHECK(static_cast<const unsigned char*>(block.at)[i] == 0);
                break;
            case 1:
                // More than malloc gives, because free_sized() may not be told of such blocks.
                block.alignment = std::size_t{32} << random_.below(random_.below(10) == 0 ? 17 : 4);
                block.at = std::aligned_alloc(block.alignment, block.bytes);
                break;
            default: block.at = std::malloc(block.bytes);
        }
        entered(block);
    }

    void entered(Block& block) {
        CHECK(block.at != nullptr);
        block.mark = random_.next();
        taken.add(block);
        fill(block.at, block.bytes, block.mark);
        check(block);
    }

    void change(Block& block) {
        switch (random_.below(4)) {
            case 0: reallocate(block); break;
            case 1: hand_on(block); break;
            default: release(block);
        }
    }

    void reallocate(Block& block) {
        const std::size_t bytes = size() + 1;
        taken.remove(block);
        void* const moved = std::realloc(block.at, bytes);
        CHECK(moved != nullptr && filled(moved, block.bytes < bytes ? block.bytes : bytes, block.mark));
        block.at = moved;
        block.bytes = bytes;
        block.alignment = bytes > 8 ? 16 : 8;
        entered(block);
    }

    void hand_on(Block& block) {
        const std::lock_guard guard(shared_lock);
        std::swap(block, shared[random_.below(kShared)]);
    }

    Random random_;
    std::vector<Block> blocks_;
};

}  // namespace

int main(int count, char** words) {
    CHECK(count == 4);
    const std::uint64_t seed = std::strtoull(words[1], nullptr, 10);
    const std::size_t threads = std::strtoul(words[2], nullptr, 10);
    const std::size_t calls = std::strtoul(words[3], nullptr, 10);
    std::vector<std::thread> running;
    running.reserve(threads);
    if (threads == 0) Thread(seed * 100).run(calls);
    for (std::size_t i = 0; i < threads; ++i) running.emplace_back([=] { Thread(seed * 100 + i).run(calls); });
    for (std::thread& thread : running) thread.join();
    Thread last(seed);
    for (Block& block : shared) last.release(block);
    CHECK(taken.empty());
    std::puts("done");
    return 0;
}
