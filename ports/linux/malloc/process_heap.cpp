#include "ports/linux/malloc/process_heap.hpp"

#include <pthread.h>
#include <sys/auxv.h>

#include <atomic>
#include <cstring>
#include <new>

#include "ports/linux/malloc/mapped_pages.hpp"
#include "quire/base/checked.hpp"
#include "quire/heap/span_cache.hpp"

namespace quire::linux_port {

namespace {

constinit MappedPages pages;
constinit OwnPages own(pages);
constinit SpanCache::Map::Root chunk_root{};
constinit SpanCache spans(pages, own, chunk_root);
constinit CentralHeap::Map::Root slab_root{};
constinit CentralHeap central(spans, own, PageRange{Page{0}, Page{~std::uintptr_t{0} >> kPageShift}}, slab_root);
constinit LocalHeap no_heap;

/// Set when a thread's heap has ended with it. The C library frees what it kept for the thread only then (strerror(3), dlerror(3)):
/// a new heap would never end.
constinit thread_local bool thread_has_ended [[gnu::tls_model("initial-exec")]] = false;
/// Whether a thread has had a heap.
constinit std::atomic<bool> made = false;
/// Whether forks are watched.
constinit std::atomic<bool> watched = false;

/// A local heap outlives its thread: another thread may be about to look into its inbox. The next thread gets it.
struct ThreadHeap {
    explicit ThreadHeap(CentralHeap& shared) : heap(shared, LocalHeap::InZeroes{}) {}
    ThreadHeap* next_unused = nullptr;  // first: the last page of the heap is rarely touched
    LocalHeap heap;
};
constinit pthread_mutex_t heaps_lock = PTHREAD_MUTEX_INITIALIZER;
constinit ThreadHeap* unused_heaps = nullptr;

/// For who must free and cannot have a heap; guarded by its lock.
constinit pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
alignas(LocalHeap) constinit std::byte place_of_spare_heap[sizeof(LocalHeap)] = {};
constinit LocalHeap* spare_heap = nullptr;

pthread_key_t end_of_thread;
constinit pthread_once_t once = PTHREAD_ONCE_INIT;

void thread_ends(void* thread_heap) {
    auto* const ended = static_cast<ThreadHeap*>(thread_heap);
    this_threads_heap = &no_heap;
    thread_has_ended = true;
    ended->heap.close();
    pthread_mutex_lock(&heaps_lock);
    ended->next_unused = unused_heaps;
    unused_heaps = ended;
    pthread_mutex_unlock(&heaps_lock);
}

// One takes what the other gives back, in another process.
QUIRE_ATTRIBUTE(no_thread_safety_analysis) void before_fork() {
    pthread_mutex_lock(&heaps_lock);
    pthread_mutex_lock(&spare_lock);
    central.before_fork();
}

QUIRE_ATTRIBUTE(no_thread_safety_analysis) void after_fork() {
    central.after_fork();
    pthread_mutex_unlock(&spare_lock);
    pthread_mutex_unlock(&heaps_lock);
}

void start() {
    pthread_key_create(&end_of_thread, thread_ends);
    std::uint32_t seed = 0;
    if (const auto* const random = reinterpret_cast<const void*>(getauxval(AT_RANDOM)); random != nullptr)
        std::memcpy(&seed, random, sizeof seed);
    central.seed(seed);
}

/// As early as possible: who watches forks later is called before us, and after us when the fork is done, and may allocate then.
/// pthread_atfork may allocate itself, so not in start().
void watch_forks() {
    if (watched.load(std::memory_order_relaxed) || watched.exchange(true)) return;
    pthread_atfork(before_fork, after_fork, after_fork);
}

ThreadHeap* take_unused() {
    pthread_mutex_lock(&heaps_lock);
    ThreadHeap* const heap = unused_heaps;
    if (heap != nullptr) unused_heaps = heap->next_unused;
    pthread_mutex_unlock(&heaps_lock);
    if (heap != nullptr) heap->heap.reopen();
    return heap;
}

}  // namespace

constinit thread_local LocalHeap* this_threads_heap = &no_heap;

CentralHeap& central_heap() {
    return central;
}

LocalHeap* heap_of_this_thread() {
    if (this_threads_heap != &no_heap) return this_threads_heap;
    pthread_once(&once, start);
    ThreadHeap* heap = take_unused();
    if (heap == nullptr) {
        constexpr PageCount kPages = pages_for(sizeof(ThreadHeap));
        if (made.exchange(true)) own.share();
        void* const place = central.acquire_own(kPages);
        if (place == nullptr) return nullptr;
        // A fault for each page would take longer than a small program.
        pages.get_frames(place, pages_for(LocalHeap::often_used()));
        heap = new (place) ThreadHeap(central);
    }
    this_threads_heap = &heap->heap;
    // These two may allocate, from this heap.
    pthread_setspecific(end_of_thread, heap);
    watch_forks();
    return &heap->heap;
}

/// Of a thread that has no heap yet, or none any more.
[[gnu::noinline]] static void free_without_heap(void* block) {
    if (block == nullptr) return;
    if (LocalHeap* const heap = thread_has_ended ? nullptr : heap_of_this_thread()) {
        heap->free_elsewhere(block);
        return;
    }
    pthread_mutex_lock(&spare_lock);
    own.share();
    if (spare_heap == nullptr)
        spare_heap = new (place_of_spare_heap) LocalHeap(central);
    else
        spare_heap->reopen();
    spare_heap->free(block);
    // Closed, it keeps no slab from the others until it is needed again.
    spare_heap->close();
    pthread_mutex_unlock(&spare_lock);
}

void free_slowly(void* block) {
    if (this_threads_heap != &no_heap) [[likely]]
        this_threads_heap->free_elsewhere(block);
    else
        free_without_heap(block);
}

std::size_t usable_size(const void* block) {
    return this_threads_heap == &no_heap ? central.usable_size(block) : this_threads_heap->usable_size(block);
}

bool trim_process_heap() {
    if (LocalHeap* const heap = heap_of_this_thread()) heap->trim();
    return central.trim();
}

}  // namespace quire::linux_port
