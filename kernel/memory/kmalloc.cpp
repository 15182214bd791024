#include "kernel/memory/kmalloc.hpp"

#include <new>

#include "kernel/memory/memory.hpp"
#include "kernel/memory/reclaim.hpp"
#include "quire/base/defect.hpp"

namespace quire::kernel {

namespace {

/// Spans of kernel space for the heap.
class KernelSpans final : public SpanSource {
public:
    constexpr KernelSpans() = default;
    void* acquire(PageCount count, PageCount alignment) override {
        const auto first = memory().kernel_space.acquire({.count = count, .alignment = alignment});
        return first ? Machine::pointer(address_of(*first)) : nullptr;
    }
    void release(void* first, PageCount) override {
        memory().kernel_space.release(VirtualAddress{reinterpret_cast<std::uintptr_t>(first)}.page());
    }
};
constinit KernelSpans spans;

class KernelReclaimer final : public Reclaimer {
public:
    constexpr KernelReclaimer() = default;
    bool reclaim() override { return reclaim_memory().value != 0; }
};
constinit KernelReclaimer reclaimer;

}  // namespace

constinit KernelHeapStorage kernel_heap_storage;

void init_kernel_heap() {
    new (&kernel_heap_storage.heap) Heap(spans, Machine::kKernelPages);
    kernel_heap().set_reclaimer(reclaimer);
}

// Flattened: an allocation is a few dozen instructions, and each call in it would be some more.
[[gnu::flatten]] void* kmalloc(std::size_t bytes, Wait wait) {
    return kernel_heap().allocate(bytes, wait);
}

void* kmalloc_aligned(std::size_t bytes, std::size_t alignment, Wait wait) {
    return kernel_heap().allocate(bytes, alignment, wait);
}

void* kzalloc(std::size_t bytes, Wait wait) {
    return kernel_heap().allocate_zeroed(bytes, wait);
}

[[gnu::flatten]] void kfree(void* block) {
    kernel_heap().free(block);
}

void kfree_sized(void* block, std::size_t bytes, std::size_t alignment) {
    kernel_heap().free_sized(block, bytes, alignment, Resized::perhaps);
}

}  // namespace quire::kernel

const std::nothrow_t std::nothrow{};  // libc++ keeps it in its library, which a kernel does not have

// The kernel has no exceptions, so only the forms that return nullptr may be used; the others exist because destructors
// and the language name them.
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc(bytes);
}
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
    return quire::kernel::kmalloc_aligned(bytes, static_cast<std::size_t>(alignment));
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
void operator delete(void* block, std::size_t bytes) noexcept {
    quire::kernel::kernel_heap().free_sized(block, bytes);
}
void operator delete[](void* block, std::size_t) noexcept {
    quire::kernel::kfree(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
    quire::kernel::kfree(block);
}
void operator delete(void* block, std::size_t bytes, std::align_val_t alignment) noexcept {
    quire::kernel::kernel_heap().free_sized(block, bytes, static_cast<std::size_t>(alignment));
}
