#pragma once
/// The kernel's heap: kmalloc and friends, and what `new` uses. Committed before it is handed out, so touching it never
/// faults. Usable from init_memory() on.
///
///     Wait::may     when no memory is left, what the kernel can do without is given back (reclaim_memory()), then it tries
///                   again. For a process's own flow, in which nothing is half changed; not with a lock held, not in an
///                   interrupt handler. Nobody sleeps: the kernel is not preemptible.
///     Wait::never   fails at once, and reclaims nothing. Also with interrupts off and in interrupt handlers: the heap's
///                   lock, kernel space's and the frames' keep interrupts out while they are held (gotcha 61).
///
/// Freeing, in each of its forms, never needs memory and never waits.

#include <cstddef>

#include "quire/heap/heap.hpp"

namespace quire::kernel {

/// Room for the one kernel heap, which is built by init_kernel_heap() and destroyed never. A union, so that its address is
/// known when the kernel is linked, and nothing has to be asked first.
union KernelHeapStorage {
    constexpr KernelHeapStorage() : nothing{} {}
    constexpr ~KernelHeapStorage() {}
    char nothing;
    Heap heap;
};
extern constinit KernelHeapStorage kernel_heap_storage;

[[nodiscard]] inline Heap& kernel_heap() {
    return kernel_heap_storage.heap;
}
/// Once, when kernel space is open.
void init_kernel_heap();

/// At least `bytes` bytes (0 counts as 1), aligned to 16. nullptr when there is no memory.
[[nodiscard]] void* kmalloc(std::size_t bytes, Wait wait = Wait::may);
/// Aligned to `alignment`: a power of two up to 4 MiB.
[[nodiscard]] void* kmalloc_aligned(std::size_t bytes, std::size_t alignment, Wait wait = Wait::may);
/// Full of zeroes.
[[nodiscard]] void* kzalloc(std::size_t bytes, Wait wait = Wait::may);
/// nullptr is fine; anything else that is not a taken block is a defect.
void kfree(void* block);
/// The same, and a defect if the block has another size or alignment (0: none was asked for): that of kmalloc(), or of the latest
/// krealloc().
void kfree_sized(void* block, std::size_t bytes, std::size_t alignment = 0);
/// nullptr when there is no memory: then the old block is as it was. Making a block smaller always succeeds.
[[nodiscard]] inline void* krealloc(void* block, std::size_t bytes, Wait wait = Wait::may) {
    return kernel_heap().reallocate(block, bytes, wait);
}
/// Usable bytes of a block.
[[nodiscard]] inline std::size_t ksize(const void* block) {
    return kernel_heap().usable_size(block);
}

}  // namespace quire::kernel
