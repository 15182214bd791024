// operator new and delete, every form (C++ standard, [new.delete]). The library does not need the C++ runtime, which a C program
// would have to load with it: what throws std::bad_alloc is called if the program has it.
#include <cstddef>
#include <new>

#include "ports/linux/debug/process.hpp"
#include "quire/base/defect.hpp"

namespace debug = quire::linux_debug;

namespace std {
[[gnu::weak]] void __throw_bad_alloc();  // NOLINT(readability-redundant-declaration): here it is weak
}  // namespace std
extern "C" {
/// std::get_new_handler(), by the name that the linker knows; weak.
[[gnu::weak]] std::new_handler quire_new_handler() noexcept asm("_ZSt15get_new_handlerv");
}

namespace {

/// Asks the program to free something and tries again, until it gives up; nullptr then.
void* try_new(std::size_t bytes, std::size_t alignment) {
    for (;;) {
        void* const block = bytes > ~std::size_t{0} / 2 ? nullptr : debug::allocate(bytes, alignment);
        if (block != nullptr) return block;
        const std::new_handler handler = quire_new_handler == nullptr ? nullptr : quire_new_handler();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

void* new_or_throw(std::size_t bytes, std::size_t alignment) {
    void* const block = try_new(bytes, alignment);
    if (block != nullptr) return block;
    if (std::__throw_bad_alloc != nullptr) std::__throw_bad_alloc();
    quire::defect("new found no memory, and there is nobody to throw std::bad_alloc");
}

std::size_t value(std::align_val_t alignment) {
    return static_cast<std::size_t>(alignment);
}

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): they are all here
#pragma GCC visibility push(default)
void* operator new(std::size_t bytes) {
    return new_or_throw(bytes, 0);
}
void* operator new[](std::size_t bytes) {
    return new_or_throw(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return new_or_throw(bytes, value(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
    return new_or_throw(bytes, value(alignment));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return try_new(bytes, 0);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return try_new(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return try_new(bytes, value(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return try_new(bytes, value(alignment));
}

void operator delete(void* block) noexcept {
    debug::deallocate(block);
}
void operator delete[](void* block) noexcept {
    debug::deallocate(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    debug::deallocate(block);
}
void operator delete[](void* block, std::align_val_t) noexcept {
    debug::deallocate(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
    debug::deallocate(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
    debug::deallocate(block);
}
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    debug::deallocate(block);
}
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept {
    debug::deallocate(block);
}
void operator delete(void* block, std::size_t bytes) noexcept {
    debug::deallocate(block, bytes);
}
void operator delete[](void* block, std::size_t bytes) noexcept {
    debug::deallocate(block, bytes);
}
void operator delete(void* block, std::size_t bytes, std::align_val_t) noexcept {
    debug::deallocate(block, bytes);
}
void operator delete[](void* block, std::size_t bytes, std::align_val_t) noexcept {
    debug::deallocate(block, bytes);
}
#pragma GCC visibility pop
// NOLINTEND(misc-new-delete-overloads)
