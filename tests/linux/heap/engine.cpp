// The heap's engine on Linux without its malloc: a local heap a thread, one central heap, and what they may get wrong between
// threads. Built with the check for data races (preset tsan) and without (host).
#include <array>
#include <atomic>
#include <new>
#include <thread>
#include <vector>

#include "ports/linux/malloc/mapped_pages.hpp"
#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"
#include "quire/heap/local_heap.hpp"
#include "quire/heap/span_cache.hpp"
#include "tests/linux/programs/check.hpp"

namespace quire {

void stop_on_defect(const char* what, std::source_location) {
    std::fprintf(stderr, "defect: %s\n", what);
    std::abort();
}

}  // namespace quire

namespace {

using linux_test::fill;
using linux_test::filled;
using linux_test::Random;

/// Everything that a process has once.
struct World {
    quire::linux_port::MappedPages pages;
    quire::linux_port::OwnPages own{pages};
    quire::SpanCache::Map::Root chunk_root{};
    quire::SpanCache spans{pages, own, chunk_root};
    quire::CentralHeap::Map::Root slab_root{};
    quire::CentralHeap central{
        spans, own, quire::PageRange{quire::Page{0}, quire::Page{~std::uintptr_t{0} >> quire::kPageShift}}, slab_root};

    /// When all blocks are free and all local heaps closed, there is no slab left.
    void check_empty() const {
        central.check_invariants();
        const quire::HeapStatistics statistics = central.statistics();
        for (const auto& one : statistics.classes) CHECK(one.slabs == 0);
        CHECK(statistics.large_blocks == 0);
    }
};

/// Never destroyed, because others may look into its inbox.
quire::LocalHeap* make_local(World& world) {
    void* const place = world.central.acquire_own(quire::pages_for(sizeof(quire::LocalHeap)));
    CHECK(place != nullptr);
    return new (place) quire::LocalHeap(world.central);
}

/// As long as a scope, or as a thread: closed at its end.
class Local {
public:
    explicit Local(World& world) : heap_(make_local(world)) {}
    ~Local() { heap_->close(); }
    Local(const Local&) = delete;
    Local& operator=(const Local&) = delete;
    quire::LocalHeap* operator->() const { return heap_; }

private:
    quire::LocalHeap* heap_;
};

struct Block {
    std::size_t bytes;
    std::uint64_t mark;
};

/// A block begins with what it contains.
void* make(Local& local, Random& random, unsigned bits) {
    const std::size_t bytes = random.size(bits);
    auto* const block = static_cast<Block*>(local->allocate(sizeof(Block) + bytes));
    CHECK(block != nullptr);
    *block = {bytes, random.next()};
    fill(block + 1, bytes, block->mark);
    return block;
}

void end(Local& local, void* memory) {
    const auto* const block = static_cast<const Block*>(memory);
    CHECK(filled(block + 1, block->bytes, block->mark));
    local->free(memory);
}

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kRounds = 30'000;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr std::size_t kRounds = 30'000;
#else
constexpr std::size_t kRounds = 200'000;
#endif
#else
constexpr std::size_t kRounds = 200'000;
#endif
constexpr std::size_t kThreads = 4;

/// Where threads leave blocks for each other.
using Slots = std::array<std::atomic<void*>, 256>;

void end_all(World& world, Slots& slots) {
    {
        Local last(world);
        for (auto& slot : slots) {
            if (void* const block = slot.exchange(nullptr)) end(last, block);
        }
    }
    world.check_empty();
}

/// Everybody frees what anybody made.
void storm() {
    World world;
    static Slots slots;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&world, i] {
            Local local(world);
            Random random(i + 1);
            for (std::size_t round = 0; round < kRounds; ++round) {
                void* const block = make(local, random, round % 500 == 0 ? 21 : round % 20 == 0 ? 14 : 8);
                void* const other = slots[random.below(slots.size())].exchange(block, std::memory_order_acq_rel);
                if (other != nullptr) end(local, other);
                if (round % 1000 == 0) local->trim();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    end_all(world, slots);
}

/// Heaps are closed and opened again, by another thread, while others return blocks to them.
void openings() {
    World world;
    static Slots slots;
    std::array<std::atomic<quire::LocalHeap*>, 2> unused{};
    for (auto& one : unused) {
        one = make_local(world);
        one.load()->close();
    }
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&world, &unused, i] {
            Local local(world);
            Random random(i + 1);
            for (std::size_t round = 0; round < kRounds / 20; ++round) {
                quire::LocalHeap* const mine = unused[random.below(unused.size())].exchange(nullptr);
                if (mine != nullptr) mine->reopen();
                for (int step = 0; step < 20; ++step) {
                    void* block = nullptr;
                    if (mine == nullptr) {
                        block = make(local, random, 7);
                    } else {
                        const std::size_t bytes = random.size(7);
                        block = mine->allocate(sizeof(Block) + bytes);
                        *static_cast<Block*>(block) = {bytes, random.next()};
                        fill(static_cast<Block*>(block) + 1, bytes, static_cast<Block*>(block)->mark);
                    }
                    void* const other = slots[random.below(slots.size())].exchange(block, std::memory_order_acq_rel);
                    if (other == nullptr) continue;
                    CHECK(filled(static_cast<Block*>(other) + 1, static_cast<Block*>(other)->bytes,
                                 static_cast<Block*>(other)->mark));
                    mine == nullptr ? local->free(other) : mine->free(other);
                }
                if (mine == nullptr) continue;
                mine->close();
                for (auto& place : unused) {
                    quire::LocalHeap* nobody = nullptr;
                    if (place.compare_exchange_strong(nobody, mine)) break;
                }
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    end_all(world, slots);
}

/// One makes, another frees, and both stop now and then.
void pipeline() {
    World world;
    static std::array<std::atomic<void*>, 1024> ring;
    std::thread maker([&world] {
        Local local(world);
        Random random(1);
        for (std::size_t i = 0; i < 2 * kRounds; ++i) {
            std::atomic<void*>& place = ring[i % ring.size()];
            while (place.load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
            place.store(make(local, random, 8), std::memory_order_release);
        }
    });
    std::thread freer([&world] {
        Local local(world);
        for (std::size_t i = 0; i < 2 * kRounds; ++i) {
            std::atomic<void*>& place = ring[i % ring.size()];
            void* block = nullptr;
            while ((block = place.exchange(nullptr, std::memory_order_acq_rel)) == nullptr) std::this_thread::yield();
            end(local, block);
        }
    });
    maker.join();
    freer.join();
    world.check_empty();
}

/// What is resized, zeroed and aligned, by several threads with large blocks: the central heap's lock.
void large_blocks() {
    World world;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&world, i] {
            Local local(world);
            Random random(i + 1);
            void* block = nullptr;
            std::size_t bytes = 0;
            for (std::size_t round = 0; round < 200; ++round) {
                const std::size_t wanted = random.size(22);
                void* const moved = local->reallocate(block, wanted);
                CHECK(moved != nullptr && filled(moved, bytes < wanted ? bytes : wanted, i));
                block = moved;
                bytes = wanted;
                fill(block, bytes, i);
                void* const aligned = local->allocate(random.size(16), std::size_t{1} << random.below(24));
                auto* const zeroes = static_cast<const unsigned char*>(local->allocate_zeroed(wanted));
                for (std::size_t at = 0; at < wanted; at += 61) CHECK(zeroes[at] == 0);
                local->free(aligned);
                local->free(const_cast<unsigned char*>(zeroes));
            }
            local->free(block);
        });
    }
    for (std::thread& thread : threads) thread.join();
    world.check_empty();
}

}  // namespace

int main(int count, char** words) {
    return linux_test::run(
        count, words,
        {{"storm", storm}, {"openings", openings}, {"pipeline", pipeline}, {"large-blocks", large_blocks}});
}
