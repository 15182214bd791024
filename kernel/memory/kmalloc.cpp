#include "kernel/memory/kmalloc.hpp"

#include <new>

#include "kernel/memory/memory.hpp"
#include "quire/base/defect.hpp"

namespace quire::kernel {

namespace {

/// Spans of kernel space for the heap.
class KernelSpans final : public SpanSource {
public:
    void* acquire(PageCount count, PageCount alignment) override {
        const auto first = memory().kernel_space.acquire({.count = count, .alignment = alignment});
        return first ? Machine::pointer(address_of(*first)) : nullptr;
    }
    void release(void* first, PageCount) override {
        memory().kernel_space.release(VirtualAddress{reinterpret_cast<std::uintptr_t>(first)}.page());
    }
};

/// Built before main, destroyed never.
union Storage {
    constexpr Storage() : nothing{} {}
    constexpr ~Storage() {}
    char nothing;
    struct {
        KernelSpans spans;
        alignas(Heap) std::byte heap[sizeof(Heap)];
    } parts;
};
constinit Storage storage;
constinit Heap* heap = nullptr;

}  // namespace

Heap& kernel_heap() {
    if (heap == nullptr) [[unlikely]] {
        new (&storage.parts.spans) KernelSpans;
        heap = new (storage.parts.heap) Heap(storage.parts.spans, Machine::kKernelPages);
    }
    return *heap;
}

}  // namespace quire::kernel

const std::nothrow_t std::nothrow{};  // libc++ keeps it in its library, which a kernel does not have

// The kernel has no exceptions, so only the forms that return nullptr may be used; the others exist because destructors
// and
// the language name them.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc(bytes, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t) {
    quire::defect("new without std::nothrow in the kernel");
}
void* operator new[](std::size_t) {
    quire::defect("new[] without std::nothrow in the kernel");
}
void operator delete(void* block) noexcept {
    quire::kernel::kfree(block);
}
void operator delete[](void* block) noexcept {
    quire::kernel::kfree(block);
}
void operator delete(void* block, std::size_t) noexcept {
    quire::kernel::kfree(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    quire::kernel::kfree(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    quire::kernel::kfree(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
    quire::kernel::kfree(block);
}
