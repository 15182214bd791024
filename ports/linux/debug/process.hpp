#pragma once
/// The one debug heap of a process, behind one lock. Works from the first malloc of the dynamic linker to the last of an exit handler:
/// it is made at first use, in static memory, and never ended.
///
/// A finding ends the program with one line to standard error, the call stacks behind it, and SIGABRT. That happens after the lock
/// has been given back, because naming a place takes the dynamic linker's lock, whose owner may be waiting for ours.

#include <cstddef>

namespace quire::linux_debug {

/// As DebugHeap's, with the caller found here; errno is not touched. alignment: 0 is that of malloc.
[[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment);
[[nodiscard]] void* allocate_zeroed(std::size_t bytes);
void deallocate(void* block);
void deallocate(void* block, std::size_t bytes);
[[nodiscard]] void* reallocate(void* block, std::size_t bytes);
[[nodiscard]] std::size_t usable_size(const void* block);

}  // namespace quire::linux_debug
