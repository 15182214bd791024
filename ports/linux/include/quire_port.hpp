#pragma once
/// The Linux port: what the heap asks of a machine (quire/heap/port.hpp), in an ordinary program. Paging and spaces are the
/// kernel's here, so there is no more of a machine than this.

#include <pthread.h>

#include <cstddef>

#include "quire/base/lock.hpp"
#include "quire/heap/shape.hpp"

namespace quire::port {

/// Spins a little, then sleeps. Constant-initialised, so it works before any constructor has run.
class QUIRE_CAPABILITY Lock {
public:
    constexpr Lock() = default;
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    void lock() QUIRE_ACQUIRE() { pthread_mutex_lock(&mutex_); }
    void unlock() QUIRE_RELEASE() { pthread_mutex_unlock(&mutex_); }

private:
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
    pthread_mutex_t mutex_ = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP;
#else
    pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;  // musl: every mutex is one that spins first
#endif
};

/// Pages get frames at first touch, so slabs are large: 64 KiB, or 128 KiB where that would be fewer than four blocks
/// or waste more than an eighth. Above 4 KiB there are half as many sizes: a block is longer than need be by pages that are not touched, but each thread has a slab of
/// each size, of which half is free. The map covers every address that a program can have: 47 bits, or 32. A thread finds 512 MiB of its own slabs
/// without it (128 MiB with 32 bits), if they lie together; of what it does not have, no page of that table is touched.
inline constexpr HeapShape kProgramShape{.unit_shift = 16,
                                         .smallest_block = 8,
                                         .largest_block = 65536,
                                         .largest_alignment = std::size_t{1} << 30U,
                                         .small_steps = 8,
                                         .large_steps = 4,
                                         .blocks_per_slab = 4,
                                         .units_per_slab = 2,
                                         .map_roots = sizeof(void*) == 8 ? 32768 : 64,
                                         .map_leaf = sizeof(void*) == 8 ? 65536 : 1024,
                                         .map_from_zero = true,
                                         .cache_line = 64,
                                         .idle_bytes = std::size_t{128} << 10U,
                                         .idle_learned = std::size_t{4} << 20U,
                                         .known = sizeof(void*) == 8 ? 8192 : 2048,
                                         .borrowed = 2,
                                         .spare_descriptor_pages = 64,
                                         .ready = 1023,
                                         .ready_bytes = std::size_t{256} << 10U,
                                         .few_ready = 4,
                                         .much_used = std::size_t{4} << 20U,
                                         .kept_besides = std::size_t{16} << 20U};

/// For a machine where 1 MiB is much, with 32-bit addresses: blocks above 4 KiB have pages of their own, and a size of which there are a
/// few blocks has 8 KiB; what is free goes back soon, at the price of more system calls.
inline constexpr HeapShape kSmallProgramShape = [] {
    HeapShape shape = kProgramShape;
    shape.unit_shift = 13;
    shape.largest_block = 4096;
    shape.map_roots = 512;
    shape.map_leaf = 1024;
    shape.idle_bytes = 8192;
    shape.known = 1024;
    shape.idle_learned = 32768;
    shape.ready = 63;
    shape.ready_bytes = std::size_t{64} << 10U;
    shape.spare_descriptor_pages = 4;
    shape.first_budget = 32768;
    shape.much_used = std::size_t{8} << 20U;
    shape.kept_besides = 0;
    shape.most_learned = 0;
    return shape;
}();

class Machine {
public:
    using Lock = port::Lock;

#ifdef QUIRE_SMALL_MACHINE
    static constexpr HeapShape kHeapShape = kSmallProgramShape;
#else
    static constexpr HeapShape kHeapShape = kProgramShape;
#endif
};

}  // namespace quire::port
