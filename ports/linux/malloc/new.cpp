// operator new and delete, every form (C++ standard, [new.delete]). The library does not need the C++ runtime, which a C
// program would have to load with it: what throws std::bad_alloc is called if the program has it.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "ports/linux/malloc/process_heap.hpp"
#include "quire/base/defect.hpp"

using quire::LocalHeap;
using quire::linux_port::free_slowly;
using quire::linux_port::heap_of_this_thread;
using quire::linux_port::this_threads_heap;

namespace std {
[[gnu::weak]] void __throw_bad_alloc();
}  // namespace std
extern "C" {
/// std::get_new_handler(), by the name that the linker knows; weak.
[[gnu::weak]] std::new_handler quire_new_handler() noexcept asm("_ZSt15get_new_handlerv");
}

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (bytes > ~std::size_t{0} / 2) return nullptr;
    LocalHeap* const heap = heap_of_this_thread();
    if (heap == nullptr) return nullptr;
    return alignment == 0 ? heap->allocate(bytes) : heap->allocate(bytes, alignment);
}

/// Asks the program to free something and tries again, until it gives up; nullptr then.
[[gnu::noinline]] void* allocate_with_handler(std::size_t bytes, std::size_t alignment) {
    for (;;) {
        void* const block = allocate(bytes, alignment);
        if (block != nullptr) return block;
        const std::new_handler handler = quire_new_handler == nullptr ? nullptr : quire_new_handler();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

[[gnu::noinline]] void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
    void* const block = allocate_with_handler(bytes, alignment);
    if (block != nullptr) return block;
    if (std::__throw_bad_alloc != nullptr) std::__throw_bad_alloc();
    quire::defect("new found no memory, and there is nobody to throw std::bad_alloc");
}

void* new_block(std::size_t bytes) {
    void* const block = this_threads_heap->allocate_here(bytes);
    return block != nullptr ? block : allocate_or_throw(bytes, 0);
}

void delete_sized(void* block, std::size_t bytes, std::size_t alignment) {
    if (LocalHeap* const heap = heap_of_this_thread()) return heap->free_sized(block, bytes, alignment);
    free_slowly(block);
}

std::size_t value(std::align_val_t alignment) {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

#pragma GCC visibility push(default)
void* operator new(std::size_t bytes) {
    return new_block(bytes);
}
void* operator new[](std::size_t bytes) {
    return new_block(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return allocate_or_throw(bytes, value(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return allocate_or_throw(bytes, value(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate_with_handler(bytes, 0);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate_with_handler(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_with_handler(bytes, value(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_with_handler(bytes, value(alignment));
}

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
    delete_sized(block, bytes, 0);
}
void operator delete[](void* block, std::size_t bytes) noexcept {
    delete_sized(block, bytes, 0);
}
void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    delete_sized(block, bytes, value(alignment));
}
void operator delete[](void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    delete_sized(block, bytes, value(alignment));
}
#pragma GCC visibility pop
