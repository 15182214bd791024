// The C allocation interface over the debug heap. errno as glibc sets it; malloc_usable_size() says what was asked for, no more.
#include <malloc.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "ports/linux/debug/process.hpp"
#include "quire/base/checked.hpp"

namespace debug = quire::linux_debug;

namespace {

/// C forbids objects that a ptrdiff_t cannot span.
constexpr std::size_t kMost = PTRDIFF_MAX;

void* or_no_memory(void* block) {
    if (block == nullptr) errno = ENOMEM;
    return block;
}

void* allocate(std::size_t bytes, std::size_t alignment) {
    return or_no_memory(bytes > kMost ? nullptr : debug::allocate(bytes, alignment));
}

std::size_t page_size() {
    return static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void* malloc(std::size_t bytes) noexcept {
    return allocate(bytes, 0);
}

void free(void* block) noexcept {
    debug::deallocate(block);
}

void cfree(void* block) noexcept {
    debug::deallocate(block);
}

void* calloc(std::size_t count, std::size_t bytes) noexcept {
    const auto whole = quire::checked_multiply(count, bytes);
    return or_no_memory(!whole || *whole > kMost ? nullptr : debug::allocate_zeroed(*whole));
}

void* realloc(void* block, std::size_t bytes) noexcept {
    if (block != nullptr && bytes == 0) {
        debug::deallocate(block);
        return nullptr;
    }
    return or_no_memory(bytes > kMost ? nullptr : debug::reallocate(block, bytes));
}

void* reallocarray(void* block, std::size_t count, std::size_t bytes) noexcept {
    const auto whole = quire::checked_multiply(count, bytes);
    return whole ? realloc(block, *whole) : or_no_memory(nullptr);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t bytes) noexcept {
    if (!quire::is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
    void* const block = bytes > kMost ? nullptr : debug::allocate(bytes, alignment);
    if (block == nullptr) return ENOMEM;
    *result = block;
    return 0;
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
    if (!quire::is_power_of_two(alignment)) {
        errno = EINVAL;
        return nullptr;
    }
    return allocate(bytes, alignment);
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
    // glibc rounds up to a power of two.
    std::size_t power = 1;
    while (power < alignment && power <= kMost / 2) power *= 2;
    return allocate(bytes, power);
}

void* valloc(std::size_t bytes) noexcept {
    return allocate(bytes, page_size());
}

void* pvalloc(std::size_t bytes) noexcept {
    const std::size_t page = page_size();
    if (bytes > kMost - page) return or_no_memory(nullptr);
    return allocate((bytes + page - 1) / page * page, page);
}

std::size_t malloc_usable_size(void* block) noexcept {
    return debug::usable_size(block);
}
}
#pragma GCC visibility pop
