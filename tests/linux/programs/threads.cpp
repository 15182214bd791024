// Threads that end and leave their blocks to others, storms between threads, and what is freed when a thread is already ending.
#include <malloc.h>
#include <pthread.h>

#include <array>
#include <atomic>
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

namespace {

using linux_test::fill;
using linux_test::filled;
using linux_test::Random;

struct Left {
    void* block;
    std::size_t bytes;
    std::uint64_t mark;
};

constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// Each thread makes blocks and ends; they are freed by later ones. However many threads there were, memory is bounded.
void short_lives() {
    std::vector<Left> left;
    std::mutex lock;
    std::array<std::thread, 4> threads;
    std::barrier all_have_heaps(threads.size());
    const auto live = [&](std::uint64_t number) {
        Random random(number);
        std::vector<Left> mine;
        for (int i = 0; i < 100; ++i) {
            const std::size_t bytes = random.size(11);
            mine.push_back({std::malloc(bytes), bytes, random.next()});
            fill(mine.back().block, bytes, mine.back().mark);
        }
        all_have_heaps.arrive_and_wait();
        std::vector<Left> others;
        {
            const std::lock_guard guard(lock);
            for (int i = 0; i < 100 && !left.empty(); ++i) {
                others.push_back(left.back());
                left.pop_back();
            }
            left.insert(left.begin(), mine.begin(), mine.end());
        }
        for (const Left& other : others) {
            CHECK(filled(other.block, other.bytes, other.mark));
            std::free(other.block);
        }
    };
    std::size_t after_some = 0;
    for (std::uint64_t i = 0; i < 4000; i += 4) {
        for (std::size_t j = 0; j < threads.size(); ++j) threads[j] = std::thread(live, i + j);
        for (std::thread& thread : threads) thread.join();
        if (i == 1200) after_some = linux_test::resident();
    }
    const std::size_t at_end = linux_test::resident();
    CHECK(at_end < after_some + kMiB);
    for (const Left& one : left) std::free(one.block);
}

/// Many at once, detached, all blocks freed by the first thread.
void many_at_once() {
    constexpr std::size_t kThreads = 300;
    for (int round = 0; round < 5; ++round) {
        std::vector<Left> left(kThreads * 20);
        std::atomic<std::size_t> ended = 0;
        for (std::size_t i = 0; i < kThreads; ++i) {
            std::thread([&, i] {
                Random random(i + 1);
                for (std::size_t j = 0; j < 20; ++j) {
                    const std::size_t bytes = random.size(13);
                    left[i * 20 + j] = {std::malloc(bytes), bytes, i};
                    fill(left[i * 20 + j].block, bytes, i);
                }
                ++ended;
            }).detach();
        }
        while (ended != kThreads) std::this_thread::yield();
        for (const Left& one : left) {
            CHECK(filled(one.block, one.bytes, one.mark));
            std::free(one.block);
        }
    }
}

/// Each makes blocks for all and frees what all make for it; every byte is checked.
void storm() {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kSlots = 512;
    constexpr int kRounds = 300'000;
    static std::array<std::atomic<Left*>, kSlots> slots;
    std::vector<std::thread> threads;
    threads.reserve(kThreads);
    std::atomic<std::size_t> made = 0;
    std::atomic<std::size_t> freed = 0;
    const auto end_of = [&](Left* one) {
        if (one == nullptr) return;
        CHECK(filled(one->block, one->bytes, one->mark));
        std::free(one->block);
        std::free(one);
        freed.fetch_add(1, std::memory_order_relaxed);
    };
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
            Random random(i + 1);
            for (int round = 0; round < kRounds; ++round) {
                auto* const one = static_cast<Left*>(std::malloc(sizeof(Left)));
                one->bytes = random.size(round % 64 == 0 ? 17 : 10);
                one->block = round % 3 == 0 ? std::calloc(1, one->bytes) : std::malloc(one->bytes);
                one->mark = random.next();
                CHECK(one->block != nullptr);
                if (round % 3 == 0) {
                    const auto* const bytes = static_cast<const unsigned char*>(one->block);
                    for (std::size_t at = 0; at < one->bytes; ++at) CHECK(bytes[at] == 0);
                }
                fill(one->block, one->bytes, one->mark);
                made.fetch_add(1, std::memory_order_relaxed);
                end_of(slots[random.below(kSlots)].exchange(one, std::memory_order_acq_rel));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    for (auto& slot : slots) end_of(slot.exchange(nullptr));
    CHECK(made == freed && made == kThreads * kRounds);
}

std::atomic<int> destructors = 0;

struct KeyValue {
    pthread_key_t key;
    int left;
};

void set_value(pthread_key_t key, int left) {
    auto* const value = static_cast<KeyValue*>(std::malloc(sizeof(KeyValue)));
    *value = {key, left};
    CHECK(pthread_setspecific(key, value) == 0);
}

/// Called again as long as a value is there: the heap of the thread ends in between.
void key_ends(void* value) {
    ++destructors;
    const KeyValue ended = *static_cast<KeyValue*>(value);
    std::free(value);
    if (ended.left != 0) set_value(ended.key, ended.left - 1);
}

struct WithDestructor {
    std::vector<char>* block = nullptr;
    ~WithDestructor() { delete block; }
};
thread_local WithDestructor of_this_thread;

/// Blocks that are freed by destructors of keys and thread_locals, and by the C library when all of them have run.
void ends_of_threads() {
    // One of the first keys, and one behind the 32 that a thread has room for.
    pthread_key_t early = 0;
    pthread_key_t late = 0;
    CHECK(pthread_key_create(&early, key_ends) == 0);
    for (int i = 0; i < 40; ++i) CHECK(pthread_key_create(&late, key_ends) == 0);
    std::size_t after_some = 0;
    for (int i = 0; i < 3000; ++i) {
        std::thread([early, late] {
            set_value(early, 2);
            set_value(late, 2);
            of_this_thread.block = new std::vector<char>(1000);
            // The text is kept in a block of the thread's, which glibc frees last of all.
            CHECK(strerror(123456) != nullptr);
        }).join();
        if (i == 500) after_some = linux_test::resident();
    }
    CHECK(destructors == 3000 * 6);
    // A heap for each of the last frees would be 10 KiB a thread.
    CHECK(linux_test::resident() < after_some + kMiB);
}

/// A thread whose first call is about another's block has no heap yet.
void first_calls() {
    static constexpr std::size_t kSizes[] = {100, 100'000, kMiB};
    for (const std::size_t bytes : kSizes) {
        void* const block = std::malloc(bytes);
        void* usable = nullptr;
        pthread_t thread{};
        CHECK(pthread_create(
                  &thread, nullptr, [](void* of) { return reinterpret_cast<void*>(malloc_usable_size(of)); }, block) ==
              0);
        CHECK(pthread_join(thread, &usable) == 0);
        CHECK(reinterpret_cast<std::size_t>(usable) == malloc_usable_size(block));
        CHECK(pthread_create(&thread, nullptr, [](void* of) { return std::realloc(of, 50); }, block) == 0);
        CHECK(pthread_join(thread, &usable) == 0);
        CHECK(pthread_create(&thread, nullptr, [](void* of) { return std::free(of), of; }, usable) == 0);
        CHECK(pthread_join(thread, nullptr) == 0);
    }
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2);
    return linux_test::run(count, words,
                           {{"short-lives", short_lives},
                            {"many-at-once", many_at_once},
                            {"storm", storm},
                            {"first-calls", first_calls},
                            {"ends-of-threads", ends_of_threads}});
}
