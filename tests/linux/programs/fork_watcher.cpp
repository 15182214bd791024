// A library as there are some: its constructor registers fork handlers, before it has allocated anything, and they allocate.
#include <pthread.h>

#include <cstdlib>
#include <initializer_list>

namespace {

int calls = 0;

void allocate() {
    ++calls;
    for (const std::size_t bytes : {std::size_t{100}, std::size_t{100'000}, std::size_t{3'000'000}}) {
        auto* const block = static_cast<volatile char*>(std::malloc(bytes));
        block[0] = 1;
        std::free(const_cast<char*>(block));
    }
}

[[gnu::constructor]] void begin() {
    pthread_atfork(allocate, allocate, allocate);
}

}  // namespace

extern "C" int fork_watcher_calls() noexcept;
extern "C" int fork_watcher_calls() noexcept {
    return calls;
}
