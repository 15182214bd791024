// malloc(3) and its family, as glibc has them: errno, alignment, realloc(p, 0), malloc_usable_size(NULL).
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "ports/linux/malloc/process_heap.hpp"
#include "quire/base/checked.hpp"

using quire::LocalHeap;
using quire::linux_port::free_slowly;
using quire::linux_port::heap_of_this_thread;
using quire::linux_port::this_threads_heap;

namespace {

/// PTRDIFF_MAX: nothing may be larger, because the difference of two pointers into it would not fit.
constexpr std::size_t kMost = ~std::size_t{0} / 2;

void* or_no_memory(void* block) {
    if (block == nullptr) [[unlikely]]
        errno = ENOMEM;
    return block;
}

[[gnu::noinline]] void* allocate_slowly(std::size_t bytes) {
    if (void* const block = this_threads_heap->allocate_any_here(bytes); block != nullptr) return block;
    LocalHeap* const heap = bytes > kMost ? nullptr : heap_of_this_thread();
    return or_no_memory(heap == nullptr ? nullptr : heap->allocate_elsewhere(bytes));
}

void* allocate(std::size_t bytes) {
    void* const block = this_threads_heap->allocate_here(bytes);
    if (block != nullptr) [[likely]]
        return block;
    return allocate_slowly(bytes);
}

/// Leaves errno alone. `alignment` is a power of two.
void* aligned_or_null(std::size_t alignment, std::size_t bytes) {
    void* const block = this_threads_heap->allocate_here(bytes, alignment);
    if (block != nullptr) [[likely]]
        return block;
    LocalHeap* const heap = bytes > kMost ? nullptr : heap_of_this_thread();
    return heap == nullptr ? nullptr : heap->allocate(bytes, alignment);
}

void* allocate_aligned(std::size_t alignment, std::size_t bytes) {
    return or_no_memory(aligned_or_null(alignment, bytes));
}

}  // namespace

// What the program sees; all else of the library is hidden.
#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t bytes) {
    return allocate(bytes);
}

void free(void* block) {
    if (!this_threads_heap->free_here(block)) [[unlikely]]
        free_slowly(block);
}

void* calloc(std::size_t count, std::size_t bytes) {
    const auto all = quire::checked_multiply(count, bytes);
    // Larger ones may be zero already.
    if (all && *all <= quire::kFineLimit) [[likely]] {
        void* const block = allocate(*all);
        return block == nullptr ? nullptr : std::memset(block, 0, *all);
    }
    LocalHeap* const heap = !all || *all > kMost ? nullptr : heap_of_this_thread();
    return or_no_memory(heap == nullptr ? nullptr : heap->allocate_zeroed(*all));
}

void* realloc(void* block, std::size_t bytes) {
    if (void* const same = this_threads_heap->reallocate_here(block, bytes)) return same;
    if (block != nullptr && bytes == 0) {
        free(block);
        return nullptr;
    }
    LocalHeap* const heap = bytes > kMost ? nullptr : heap_of_this_thread();
    return or_no_memory(heap == nullptr ? nullptr : heap->reallocate(block, bytes));
}

void* reallocarray(void* block, std::size_t count, std::size_t bytes) {
    const auto all = quire::checked_multiply(count, bytes);
    if (!all) return or_no_memory(nullptr);
    return realloc(block, *all);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
    if (!quire::is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return allocate_aligned(alignment, bytes);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
    if (!quire::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* const got = aligned_or_null(alignment, bytes);
    if (got == nullptr) return ENOMEM;
    *block = got;
    return 0;
}

void* memalign(std::size_t alignment, std::size_t bytes) {
    if (alignment > kMost / 2) {
        errno = EINVAL;
        return nullptr;
    }
    return allocate_aligned(std::bit_ceil(alignment), bytes);
}

void* valloc(std::size_t bytes) {
    return allocate_aligned(quire::kPageSize, bytes);
}

void* pvalloc(std::size_t bytes) {
    const auto whole = quire::align_up(bytes, quire::kPageSize);
    if (!whole) return or_no_memory(nullptr);
    return allocate_aligned(quire::kPageSize, std::max(*whole, quire::kPageSize));
}

std::size_t malloc_usable_size(void* block) {
    return block == nullptr ? 0 : quire::linux_port::usable_size(block);
}

int malloc_trim(std::size_t) {
    return quire::linux_port::trim_process_heap() ? 1 : 0;
}

void cfree(void* block) {
    free(block);
}

/// C23.
void free_sized(void* block, std::size_t bytes);
void free_aligned_sized(void* block, std::size_t alignment, std::size_t bytes);

void free_sized(void* block, std::size_t bytes) {
    LocalHeap* const heap = heap_of_this_thread();
    if (heap == nullptr) return free_slowly(block);
    heap->free_sized(block, bytes, 0, quire::Resized::perhaps);
}

void free_aligned_sized(void* block, std::size_t alignment, std::size_t bytes) {
    if (LocalHeap* const heap = heap_of_this_thread()) return heap->free_sized(block, bytes, alignment);
    free_slowly(block);
}

}  // extern "C"
#pragma GCC visibility pop
