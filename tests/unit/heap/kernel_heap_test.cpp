// What a kernel asks of its heap: the cases that tests/kernel/kmalloc_test.cpp runs on the machine, and what only a source that
// fails to order can show.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "quire/base/checked.hpp"
#include "tests/kernel/heap_cases.hpp"

namespace quire {
namespace {

/// Pages of the host, next to each other as far as they are free; counts, and fails when it is told to.
class Pages final : public SpanSource {
public:
    static constexpr std::size_t kPages = 32768;  // 128 MiB of addresses
    static constexpr std::size_t kNever = ~std::size_t{0};

    Pages() : used_(kPages) {
        const std::size_t bytes = (kPages + 1024) * kPageSize;
        place_ = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        first_ = (reinterpret_cast<std::uintptr_t>(place_) / kPageSize + 1023) / 1024 * 1024;
    }
    ~Pages() { EXPECT_EQ(munmap(place_, (kPages + 1024) * kPageSize), 0); }

    void* acquire(PageCount count, PageCount alignment) override {
        if (calls++ >= fail_from) return nullptr;
        if (failing_call == calls) return nullptr;
        std::size_t start = count.value == 1 ? lowest_ : 0;
        for (start = (start + alignment.value - 1) / alignment.value * alignment.value; start + count.value <= kPages;
             start += alignment.value) {
            std::size_t length = 0;
            while (length < count.value && !used_[start + length]) ++length;
            if (length < count.value) continue;
            std::fill_n(used_.begin() + static_cast<std::ptrdiff_t>(start), count.value, true);
            if (count.value == 1 && alignment.value == 1) lowest_ = start + 1;
            taken += count.value;
            std::memset(address(start), 0xCC, count.value * kPageSize);
            return address(start);
        }
        return nullptr;
    }
    void release(void* first, PageCount count) override {
        const std::size_t start = reinterpret_cast<std::uintptr_t>(first) / kPageSize - first_;
        for (std::size_t i = start; i < start + count.value; ++i) {
            EXPECT_TRUE(used_[i]);
            used_[i] = false;
        }
        lowest_ = std::min(lowest_, start);
        taken -= count.value;
    }
    [[nodiscard]] PageRange range() const { return range_of(Page{first_}, PageCount{kPages}); }

    std::size_t taken = 0;
    std::size_t calls = 0;
    std::size_t fail_from = kNever;  ///< calls from this one on fail
    std::size_t failing_call = 0;    ///< this one fails, counted from 1

private:
    [[nodiscard]] void* address(std::size_t page) const { return reinterpret_cast<void*>((first_ + page) * kPageSize); }
    std::vector<bool> used_;
    std::size_t lowest_ = 0;  ///< no page below is free
    void* place_;
    std::uintptr_t first_;
};

struct World {
    Pages pages;
    Heap heap{pages, pages.range()};

    /// From now on there is no memory.
    void starve() { pages.fail_from = pages.calls; }
    void feed() { pages.fail_from = Pages::kNever; }
};

TEST(KernelHeap, Model) {
    World w;
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        heap_cases::Model model(w.heap, seed);
        ASSERT_STREQ(model.run(20'000), nullptr) << seed;
    }
    EXPECT_STREQ(heap_cases::sized_frees(w.heap), nullptr);
    EXPECT_EQ(heap_cases::pages_of(w.heap), w.pages.taken);
}

TEST(KernelHeap, GivesBack64Mebibytes) {
    for (const std::size_t bytes : {16U, 64U, 500U, 2000U, 10000U}) {
        World w;
        std::size_t most = 0;
        EXPECT_STREQ(heap_cases::gives_back(w.heap, bytes, most), nullptr) << bytes;
        EXPECT_EQ(heap_cases::pages_of(w.heap), w.pages.taken);
        EXPECT_LT(w.pages.taken * kPageSize, heap_cases::kMegabyte) << bytes;
    }
}

/// Descriptors of all orders come and go; those in use stay where they are.
TEST(KernelHeap, DescriptorsGoBack) {
    World w;
    std::vector<void*> others;
    for (int i = 0; i < 3000; ++i) {
        for (const std::size_t bytes : {16U, 100U, 2000U, 5000U}) others.push_back(w.heap.allocate(bytes));
    }
    const std::size_t most = w.heap.statistics().own_pages.value;
    std::vector<void*> survivors;
    for (std::size_t i = 0; i < others.size(); ++i) {
        if (i % 997 == 0)
            survivors.push_back(others[i]);
        else
            w.heap.free(others[i]);
    }
    w.heap.check_invariants();
    EXPECT_LT(w.heap.statistics().own_pages.value, most / 2);
    for (void* const block : survivors) w.heap.free(block);
    w.heap.trim();
    w.heap.check_invariants();
    // Leaves of the map, a page in which descriptors are made, one that is kept.
    EXPECT_LE(w.heap.statistics().own_pages.value, Pages::kPages / kKernelHeapShape.map_leaf + 1 + 2);
    EXPECT_EQ(heap_cases::pages_of(w.heap), w.pages.taken);
}

/// A slab that comes and goes does not bring a page of descriptors each time.
TEST(KernelHeap, OnePageOfDescriptorsIsKept) {
    World w;
    std::vector<void*> blocks;
    for (int i = 0; i < 500; ++i) blocks.push_back(w.heap.allocate(5000));
    for (void* const block : blocks) w.heap.free(block);
    const std::size_t own = w.heap.statistics().own_pages.value;
    const std::size_t calls = w.pages.calls;
    for (int i = 0; i < 100; ++i) w.heap.free(w.heap.allocate(5000));
    EXPECT_EQ(w.heap.statistics().own_pages.value, own);
    EXPECT_EQ(w.pages.calls, calls + 100);
}

TEST(KernelHeap, FreesWithoutMemory) {
    World w;
    heap_cases::Dice dice(3);
    std::vector<void*> blocks;
    for (int i = 0; i < 5000; ++i) blocks.push_back(w.heap.allocate(heap_cases::some_size(dice)));
    for (const std::size_t alignment : {64U, 4096U, 65536U}) blocks.push_back(w.heap.allocate(100, alignment));
    w.starve();
    const std::size_t calls = w.pages.calls;
    for (std::size_t i = 0; i < blocks.size(); i += 2) w.heap.free(blocks[i]);
    for (std::size_t i = 1; i < blocks.size(); i += 2) w.heap.free(blocks[i]);
    w.heap.trim();
    EXPECT_EQ(w.pages.calls, calls) << "freeing does not even ask";
    w.heap.check_invariants();
    EXPECT_EQ(w.heap.statistics().slab_pages.value + w.heap.statistics().large_pages.value, 0U);
}

TEST(KernelHeap, MakingABlockSmallerNeverFails) {
    World w;
    for (const std::size_t bytes : {2000U, 5000U, 100'000U}) {
        auto* const block = static_cast<unsigned char*>(w.heap.allocate(bytes));
        std::memset(block, 9, bytes);
        w.starve();
        auto* const same = static_cast<unsigned char*>(w.heap.reallocate(block, 20));
        ASSERT_NE(same, nullptr);
        EXPECT_EQ(same[19], 9);
        EXPECT_EQ(w.heap.reallocate(same, 200'000), nullptr);
        EXPECT_EQ(same[0], 9) << "the old block is as it was";
        w.feed();
        w.heap.free(same);
    }
    const HeapStatistics counts = w.heap.statistics();
    EXPECT_EQ(counts.allocations, counts.frees);
}

/// Gives back blocks that it holds, some at a time.
class Cache final : public Reclaimer {
public:
    explicit Cache(World& world) : world_(world) {}
    bool reclaim() override {
        ++calls;
        // Whoever reclaims may allocate; without memory that fails, and does not reclaim again.
        EXPECT_EQ(world_.heap.allocate(3 * kPageSize, Wait::may), nullptr);
        if (held.empty()) return false;
        world_.heap.free(held.back());
        held.pop_back();
        if (feeds_when_empty && held.empty()) world_.feed();
        return true;
    }
    std::vector<void*> held;
    int calls = 0;
    bool feeds_when_empty = false;

private:
    World& world_;
};

TEST(KernelHeap, WhoMayWaitReclaims) {
    World w;
    Cache cache(w);
    w.heap.set_reclaimer(cache);
    for (int i = 0; i < 5; ++i) cache.held.push_back(w.heap.allocate(2048));
    w.starve();
    while (w.heap.allocate(2048) != nullptr) {
    }
    EXPECT_EQ(cache.calls, 0) << "the default does not wait";
    EXPECT_EQ(w.heap.allocate(2048, Wait::never), nullptr);
    EXPECT_EQ(cache.calls, 0);
    EXPECT_NE(w.heap.allocate(2048, Wait::may), nullptr);
    EXPECT_EQ(cache.calls, 1);
    EXPECT_NE(w.heap.allocate(2000, 16, Wait::may), nullptr);
    EXPECT_EQ(cache.calls, 2);
    EXPECT_NE(w.heap.allocate_zeroed(2000, Wait::may), nullptr);
    EXPECT_NE(w.heap.reallocate(nullptr, 2000, Wait::may), nullptr);
    ASSERT_EQ(cache.held.size(), 1U);

    EXPECT_EQ(w.heap.allocate(~std::size_t{0}, Wait::may), nullptr);
    EXPECT_EQ(w.heap.allocate(100, 3, Wait::may), nullptr);
    EXPECT_EQ(cache.held.size(), 1U) << "what cannot be is no reason to reclaim";
    EXPECT_EQ(w.heap.allocate(10 * kPageSize, Wait::may), nullptr);
    EXPECT_TRUE(cache.held.empty());
    w.heap.check_invariants();
}

TEST(KernelHeap, AMovedBlockMayWait) {
    World w;
    Cache cache(w);
    w.heap.set_reclaimer(cache);
    cache.feeds_when_empty = true;
    for (int i = 0; i < 3; ++i) cache.held.push_back(w.heap.allocate(300));
    auto* const block = static_cast<unsigned char*>(w.heap.allocate(50));
    std::memset(block, 4, 50);
    w.starve();
    EXPECT_EQ(w.heap.reallocate(block, 9000), nullptr);
    auto* const moved = static_cast<unsigned char*>(w.heap.reallocate(block, 9000, Wait::may));
    ASSERT_NE(moved, nullptr);
    EXPECT_EQ(moved[49], 4);
    w.heap.free(moved);
    const HeapStatistics counts = w.heap.statistics();
    EXPECT_EQ(counts.allocations, counts.frees);
}

TEST(KernelHeap, TrimGivesBackWhatIsKept) {
    World w;
    Cache cache(w);
    w.heap.set_reclaimer(cache);
    w.heap.free(w.heap.allocate(2048));
    EXPECT_NE(w.heap.statistics().slab_pages.value, 0U);
    w.starve();
    EXPECT_EQ(w.heap.allocate(3000, Wait::may), nullptr);
    EXPECT_EQ(w.heap.statistics().slab_pages.value, 0U) << "it was tried";
}

TEST(ObjectCache, Model) {
    World w;
    for (std::uint32_t seed = 1; seed <= 10; ++seed)
        ASSERT_STREQ(heap_cases::all_objects_keep(w.heap, seed, 3000), nullptr) << seed;
    const HeapStatistics counts = w.heap.statistics();
    EXPECT_EQ(counts.allocations, counts.frees);
    EXPECT_GT(counts.allocations, 1000U) << "those of ended caches too";
}

using Small = heap_cases::Object<40, 64>;
using Large = heap_cases::Object<9000, 4096>;

/// Objects of two kinds, and their caches, with the n-th call of the source failing.
template <typename T>
bool all_made(World& w) {
    std::uint32_t living = 0;
    ObjectCache<T> cache(w.heap, "object");
    std::vector<T*> objects;
    for (std::uint32_t i = 0; i < 150; ++i) objects.push_back(cache.create(Wait::never, i, living));
    const auto refused = static_cast<std::uint64_t>(std::count(objects.begin(), objects.end(), nullptr));
    EXPECT_EQ(cache.counts().refused, refused);
    EXPECT_EQ(living, 150 - refused) << "a constructor runs only where there is room";
    w.heap.check_invariants();
    for (T* const object : objects) {
        if (object != nullptr) EXPECT_TRUE(object->intact());
        cache.destroy(object);
    }
    EXPECT_EQ(living, 0U);
    return refused == 0;
}

TEST(ObjectCache, SurvivesEveryFailureOfItsSource) {
    for (std::size_t position = 1;; ++position) {
        World w;
        w.pages.failing_call = position;
        const bool small = all_made<Small>(w);
        const bool large = all_made<Large>(w);
        EXPECT_EQ(small && large, w.pages.calls < position);
        EXPECT_EQ(heap_cases::pages_of(w.heap), w.pages.taken);
        if (small && large) break;
    }
}

TEST(ObjectCache, WaitsForMemory) {
    World w;
    Cache others(w);
    w.heap.set_reclaimer(others);
    std::uint32_t living = 0;
    ObjectCache<Small> cache(w.heap, "object");
    for (int i = 0; i < 2; ++i) others.held.push_back(w.heap.allocate(sizeof(Small)));
    w.starve();
    std::vector<Small*> objects;
    while (Small* const object = cache.create(Wait::never, 1U, living)) objects.push_back(object);
    const std::uint64_t refused = cache.counts().refused;
    EXPECT_EQ(refused, 1U);
    Small* const one = cache.create(Wait::may, 2U, living);
    ASSERT_NE(one, nullptr);
    EXPECT_TRUE(one->intact());
    EXPECT_EQ(cache.counts().refused, refused);
    objects.push_back(one);
    EXPECT_EQ(cache.counts().made, objects.size());
    const HeapStatistics counts = w.heap.statistics();
    EXPECT_EQ(counts.allocations - counts.frees, objects.size() + others.held.size());
    for (Small* const object : objects) cache.destroy(object);
}

TEST(ObjectCache, TheHeapKnowsItsCaches) {
    World w;
    std::uint32_t living = 0;
    const auto names = [&] {
        std::set<std::string> result;
        w.heap.for_each_cache([&](const ObjectCounts& counts) { result.insert(counts.name); });
        return result;
    };
    ObjectCache<Small> one(w.heap, "one");
    {
        ObjectCache<Large> two(w.heap, "two");
        EXPECT_EQ(names(), std::set<std::string>{}) << "before they are used";
        const Cached<Large> large = two.make(Wait::never, 1U, living);
        const Cached<Small> small = one.make(Wait::never, 1U, living);
        EXPECT_EQ(names(), (std::set<std::string>{"one", "two"}));
        EXPECT_EQ(one.counts().block_bytes, 64U);
        EXPECT_EQ(two.counts().block_bytes, 3 * kPageSize) << "and its pages";
    }
    EXPECT_EQ(names(), std::set<std::string>{"one"});
    one.destroy(nullptr);
}

TEST(ObjectCacheDeath, MisuseIsADefect) {
    World w;
    std::uint32_t living = 0;
    ObjectCache<Small> cache(w.heap, "object");
    Small* const one = cache.create(Wait::never, 1U, living);
    Small* const two = cache.create(Wait::never, 2U, living);
    EXPECT_DEATH(
        {
            ObjectCache<Small> other(w.heap, "other");
            static_cast<void>(other.create(Wait::never, 3U, living));
        },
        "an object cache ends, and there are objects of it");
    EXPECT_DEATH(
        {
            ObjectCache<Small> other(w.heap, "other");
            other.destroy(one);
        },
        "an object was given to a cache that has none");
    cache.destroy(one);
    EXPECT_DEATH(cache.free(one), "freed twice");
    cache.destroy(two);
}

}  // namespace
}  // namespace quire
