// A process that forks while its other threads allocate: the child finds a heap that works.
#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/linux/programs/check.hpp"

extern char** environ;
/// Of fork_watcher.cpp, a library that watches forks from before main() on and allocates while it does.
extern "C" int fork_watcher_calls() noexcept;

namespace {

std::atomic<bool> stop = false;

/// A table of blocks, replaced at random.
void churn(std::uint64_t seed, std::size_t rounds) {
    linux_test::Random random(seed);
    std::vector<char*> table(200);
    for (std::size_t i = 0; i < rounds && !stop.load(std::memory_order_relaxed); ++i) {
        char*& block = table[random.below(table.size())];
        std::free(block);
        const std::size_t bytes = random.size(i % 100 == 0 ? 20 : 12);
        block = static_cast<char*>(std::malloc(bytes));
        CHECK(block != nullptr);
        block[0] = block[bytes - 1] = 1;
    }
    for (char* const block : table) std::free(block);
}

void wait_for(pid_t child) {
    CHECK(child > 0);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void others_allocate() {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) threads.emplace_back(churn, i, ~std::size_t{0});
    std::vector<void*> shared(1000);
    for (int i = 0; i < 40; ++i) {
        for (void*& block : shared) block = std::malloc(100);
        const pid_t child = fork();
        if (child == 0) {
            // A deadlock would otherwise outlive the test.
            alarm(60);
            for (void* const block : shared) std::free(block);
            churn(99, 2000);
            // Threads of a child are threads like any other.
            std::thread(churn, 77, 500).join();
            _exit(0);
        }
        wait_for(child);
        for (void* const block : shared) std::free(block);
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
}

/// All threads fork, and children have children.
void all_fork() {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 4; ++i) {
        threads.emplace_back([i] {
            for (int round = 0; round < 25; ++round) {
                churn(i, 300);
                const pid_t child = fork();
                if (child != 0) {
                    wait_for(child);
                    continue;
                }
                alarm(60);
                churn(i + 10, 300);
                const pid_t grandchild = fork();
                if (grandchild == 0) {
                    churn(i + 20, 300);
                    _exit(0);
                }
                wait_for(grandchild);
                _exit(0);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
}

char* kept[3];
int handlers = 0;

/// Handlers may allocate, whenever they were registered.
void handlers_allocate() {
    CHECK(pthread_atfork(
              [] {
                  kept[0] = static_cast<char*>(std::malloc(1000));
                  ++handlers;
              },
              [] {
                  std::free(kept[0]);
                  kept[1] = static_cast<char*>(std::malloc(200000));
                  std::free(kept[1]);
                  ++handlers;
              },
              [] {
                  kept[2] = static_cast<char*>(std::malloc(2000));
                  std::free(kept[2]);
                  std::free(kept[0]);
                  ++handlers;
              }) == 0);
    const int before = fork_watcher_calls();
    const pid_t child = fork();
    if (child == 0) _exit(handlers == 2 && fork_watcher_calls() == before + 2 ? 0 : 1);
    CHECK(handlers == 2 && fork_watcher_calls() == before + 2);
    wait_for(child);
}

void spawn() {
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 2; ++i) threads.emplace_back(churn, i, ~std::size_t{0});
    for (int i = 0; i < 50; ++i) {
        pid_t child = 0;
        char name[] = "/bin/true";
        char* words[] = {name, nullptr};
        CHECK(posix_spawn(&child, "/bin/true", nullptr, nullptr, words, environ) == 0);
        wait_for(child);
        const pid_t quick = vfork();
        if (quick == 0) {
            execv("/bin/true", words);
            _exit(1);
        }
        wait_for(quick);
    }
    CHECK(std::system("exit 0") == 0);
    stop = true;
    for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main(int count, char** words) {
    CHECK(count == 2);
    return linux_test::run(count, words,
                           {{"others-allocate", others_allocate},
                            {"all-fork", all_fork},
                            {"handlers-allocate", handlers_allocate},
                            {"spawn", spawn}});
}
