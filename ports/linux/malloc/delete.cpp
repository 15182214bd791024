// operator delete, every form (C++ standard, [new.delete]). Apart from operator new, because nothing here can throw: with exceptions a
// compiler would have to see to those of the functions called.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "ports/linux/malloc/process_heap.hpp"

using quire::LocalHeap;
using quire::linux_port::free_slowly;
using quire::linux_port::heap_of_this_thread;
using quire::linux_port::this_threads_heap;

namespace {

[[gnu::noinline]] void delete_slowly(void* block, std::size_t bytes, std::size_t alignment) {
    if (LocalHeap* const heap = heap_of_this_thread()) return heap->free_sized(block, bytes, alignment);
    free_slowly(block);
}

void delete_sized(void* block, std::size_t bytes) {
    if (!this_threads_heap->free_here(block, bytes)) [[unlikely]]
        delete_slowly(block, bytes, 0);
}

std::size_t value(std::align_val_t alignment) {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

#pragma GCC visibility push(default)
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete[](void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    std::free(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t bytes) noexcept {
    delete_sized(block, bytes);
}
void operator delete[](void* block, std::size_t bytes) noexcept {
    delete_sized(block, bytes);
}
void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    delete_slowly(block, bytes, value(alignment));
}
void operator delete[](void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    delete_slowly(block, bytes, value(alignment));
}
#pragma GCC visibility pop
