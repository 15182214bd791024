// operator new, every form (C++ standard, [new.delete]). The library does not need the C++ runtime, which a C
// program would have to load with it: what throws std::bad_alloc is called if the program has it. That is what a weak name says. In a
// static program it says too little, because no member of an archive is linked for the sake of a weak name: there, who calls
// new has the runtime (QUIRE_CPP_RUNTIME).
#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <new>

#include "ports/linux/malloc/process_heap.hpp"
#include "quire/base/defect.hpp"

using quire::LocalHeap;
using quire::linux_port::heap_of_this_thread;
using quire::linux_port::this_threads_heap;

#ifdef QUIRE_CPP_RUNTIME
#define QUIRE_OF_RUNTIME
#else
#define QUIRE_OF_RUNTIME [[gnu::weak]]
#endif

namespace std {
QUIRE_OF_RUNTIME void __throw_bad_alloc();  // NOLINT(readability-redundant-declaration): here it is weak
}  // namespace std
extern "C" {
[[gnu::weak]] decltype(dlopen) dlopen;  // NOLINT(readability-redundant-declaration)
[[gnu::weak]] decltype(dlsym) dlsym;    // NOLINT(readability-redundant-declaration)
/// std::get_new_handler(), by the name that the linker knows.
QUIRE_OF_RUNTIME std::new_handler quire_new_handler() noexcept asm("_ZSt15get_new_handlerv");
}
#if defined(__cpp_exceptions) && !defined(QUIRE_CPP_RUNTIME)
// What the compiler needs for catch: there if anything can be thrown.
asm(".weak __gxx_personality_v0, __cxa_begin_catch, __cxa_end_catch, _ZSt9terminatev, __cxa_call_terminate");
#endif

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
    if (bytes > ~std::size_t{0} / 2) return nullptr;
    LocalHeap* const heap = heap_of_this_thread();
    if (heap == nullptr) return nullptr;
    return alignment == 0 ? heap->allocate(bytes) : heap->allocate(bytes, alignment);
}

/// A function of the C++ runtime: the program's, or that of a plugin which a C program has loaded for itself only. A static
/// program has no plugins, and dlopen only if it calls it.
template <typename Function>
Function* of_runtime(Function* of_program, const char* name) {
    if (of_program != nullptr || dlopen == nullptr || dlsym == nullptr) return of_program;
    void* const runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    return runtime == nullptr ? nullptr : reinterpret_cast<Function*>(dlsym(runtime, name));
}

/// Asks the program to free something and tries again, until it gives up; nullptr then.
[[gnu::noinline]] void* allocate_with_handler(std::size_t bytes, std::size_t alignment) {
    for (;;) {
        void* const block = allocate(bytes, alignment);
        if (block != nullptr) return block;
        auto* const current = of_runtime(&quire_new_handler, "_ZSt15get_new_handlerv");
        const std::new_handler handler = current == nullptr ? nullptr : current();
        if (handler == nullptr) return nullptr;
        handler();
    }
}

[[gnu::noinline]] void* allocate_or_throw(std::size_t bytes, std::size_t alignment) {
    void* const block = allocate_with_handler(bytes, alignment);
    if (block != nullptr) return block;
    if (auto* const bad_alloc = of_runtime(&std::__throw_bad_alloc, "_ZSt17__throw_bad_allocv")) bad_alloc();
    quire::defect("new found no memory, and there is nobody to throw std::bad_alloc");
}

/// A handler may throw std::bad_alloc to say that it cannot help.
void* allocate_or_null(std::size_t bytes, std::size_t alignment) noexcept {
#ifdef __cpp_exceptions
    try {
        return allocate_with_handler(bytes, alignment);
    } catch (...) {
        return nullptr;
    }
#else
    return allocate_with_handler(bytes, alignment);
#endif
}

void* new_block(std::size_t bytes) {
    void* const block = this_threads_heap->allocate_here(bytes);
    return block != nullptr ? block : allocate_or_throw(bytes, 0);
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
    return allocate_or_null(bytes, 0);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return allocate_or_null(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_or_null(bytes, value(alignment));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return allocate_or_null(bytes, value(alignment));
}
#pragma GCC visibility pop
