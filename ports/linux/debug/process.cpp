#include "ports/linux/debug/process.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>
#include <optional>

#include "ports/linux/debug/blocks.hpp"
#include "ports/linux/debug/names.hpp"
#include "ports/linux/debug/report.hpp"
#include "ports/linux/debug/walk.hpp"
#include "quire/heap/debug/debug_heap.hpp"

namespace quire::linux_debug {

namespace {

class FirstFinding final : public FindingSink {
public:
    void report(const Finding& finding) override {
        if (!first) first = finding;
    }
    std::optional<Finding> first;
};

struct Process {
    Pages pages;
    Blocks blocks{pages};
    FirstFinding findings;
    DebugHeap heap{blocks, pages, findings};
};

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
alignas(Process) std::byte place[sizeof(Process)];
Process* process = nullptr;

[[noreturn]] void stop(const Finding& finding) {
    {
        Output out(STDERR_FILENO);
        write_finding(finding, out);
    }
    std::abort();
}

/// The heap, locked. The destructor ends the program if something was found.
class Session {
public:
    Session() : errno_(errno) {
        pthread_mutex_lock(&lock);
        if (process == nullptr) process = new (place) Process;
    }
    ~Session() {
        const std::optional<Finding> found = process->findings.first;
        pthread_mutex_unlock(&lock);
        if (found) [[unlikely]]
            stop(*found);
        errno = errno_;
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    DebugHeap* operator->() const { return &process->heap; }
    DebugHeap& operator*() const { return process->heap; }

private:
    int errno_;
};

const char* leak_report = nullptr;
const char* profile_file = nullptr;

/// A number with K, M or G behind it; what is no number is 0.
std::size_t number(const char* text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text, &end, 10);
    const std::string_view unit(end);
    if (unit == "K") return value << 10U;
    if (unit == "M") return value << 20U;
    if (unit == "G") return value << 30U;
    return value;
}

// Before main, and where the environment can be read for sure. What is allocated earlier is guarded, but not sampled.
[[gnu::constructor]] void begin() {
    leak_report = std::getenv("QUIRE_MALLOC_LEAKS");
    profile_file = std::getenv("QUIRE_MALLOC_PROFILE");
    const char* const sample = std::getenv("QUIRE_MALLOC_SAMPLE");
    const char* const quarantine = std::getenv("QUIRE_MALLOC_QUARANTINE");
    {
        Session heap;
        if (profile_file != nullptr) heap->set_sample(sample == nullptr ? std::size_t{512} << 10U : number(sample));
        if (quarantine != nullptr) heap->set_quarantine(number(quarantine), {});
    }
    // A thread that forks while another one allocates must not leave the child with a lock that nobody gives back.
    pthread_atfork([] { pthread_mutex_lock(&lock); }, [] { pthread_mutex_unlock(&lock); },
                   [] { pthread_mutex_unlock(&lock); });
}

[[gnu::destructor]] void end() {
    {
        // Damage that no free() came across.
        const Caller caller;
        Session heap;
        heap->check_all(caller.site());
        heap->empty_quarantine(caller.site());
    }
    if (profile_file != nullptr) {
        KeptText folded;
        const bool names = wants_folded(profile_file);
        const int file = open_profile(profile_file);
        if (file >= 0) {
            Output out(file);
            {
                Session heap;
                write_profile(*heap, names, folded, out);
            }
            if (names)
                write_with_names(folded.view(), out);
            else
                write_maps(out);
        }
    }
    if (leak_report != nullptr && *leak_report != '0') {
        KeptGroups groups;
        {
            Session heap;
            groups.reserve(heap->statistics().call_stacks + 1);
            heap->visit_leaks(0, groups);
        }
        Output out(STDERR_FILENO);
        write_leaks(groups, out);
    }
}

}  // namespace

void* allocate(std::size_t bytes, std::size_t alignment) {
    const Caller caller;
    return Session()->allocate(bytes, alignment == 0 ? DebugHeap::kLeastAlignment : alignment, caller.site());
}

void* allocate_zeroed(std::size_t bytes) {
    const Caller caller;
    return Session()->allocate_zeroed(bytes, DebugHeap::kLeastAlignment, caller.site());
}

void deallocate(void* block) {
    if (block == nullptr) return;
    const Caller caller;
    Session()->free(block, caller.site());
}

void deallocate(void* block, std::size_t bytes) {
    if (block == nullptr) return;
    const Caller caller;
    Session()->free_sized(block, bytes, caller.site());
}

void* reallocate(void* block, std::size_t bytes) {
    const Caller caller;
    return Session()->reallocate(block, bytes, caller.site());
}

std::size_t usable_size(const void* block) {
    const Caller caller;
    return Session()->usable_size(block, caller.site());
}

}  // namespace quire::linux_debug
