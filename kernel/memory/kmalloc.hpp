#pragma once
/// The kernel's heap: kmalloc and friends, and what `new` uses. Committed before it is handed out, so touching it never
/// faults.
/// Not for interrupt handlers (gotcha 61).

#include <cstddef>

#include "quire/heap/heap.hpp"

namespace quire::kernel {

/// The one kernel heap; usable from init_memory() on.
[[nodiscard]] Heap& kernel_heap();

/// At least `bytes` bytes (0 counts as 1), aligned to `alignment`: a power of two up to 4 MiB. nullptr when there is no
/// memory.
[[nodiscard]] inline void* kmalloc(std::size_t bytes, std::size_t alignment = kBlockGranule) {
    return kernel_heap().allocate(bytes, alignment);
}
/// nullptr is fine; anything else that is not a taken block is a defect.
inline void kfree(void* block) {
    kernel_heap().free(block);
}
/// nullptr when there is no memory: then the old block is as it was.
[[nodiscard]] inline void* krealloc(void* block, std::size_t bytes) {
    return kernel_heap().reallocate(block, bytes);
}
/// Usable bytes of a block.
[[nodiscard]] inline std::size_t ksize(const void* block) {
    return kernel_heap().usable_size(block);
}

}  // namespace quire::kernel
