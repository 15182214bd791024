#pragma once
/// The heap of this process: one central heap, a local heap for each thread.

#include "quire/heap/local_heap.hpp"

namespace quire::linux_port {

/// This thread's heap. Before its first allocation, and after its end, one that has nothing.
/// initial-exec: one instruction instead of a call; the library takes 8 bytes of the room that the loader keeps for this.
extern constinit thread_local LocalHeap* this_threads_heap [[gnu::tls_model("initial-exec")]];

/// The same, made if the thread has none yet; nullptr if there is no memory for one.
[[nodiscard]] LocalHeap* heap_of_this_thread();

/// Frees what the fast path cannot; never fails.
void free_slowly(void* block);

/// For a thread without a heap, too.
[[nodiscard]] std::size_t usable_size(const void* block);

/// Gives back all that is free. True if there was something.
bool trim_process_heap();

[[nodiscard]] CentralHeap& central_heap();

}  // namespace quire::linux_port
