// The calls of the allocator. In the program for --worst each one is timed; in the other nothing is added.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#ifdef WORST
#include "worst.hpp"
#endif

namespace work {

template <class Call>
auto clocked(Call call) {
#ifdef WORST
    const std::uint64_t start = ticks();
    auto result = call();
    note(ticks() - start);
    return result;
#else
    return call();
#endif
}

inline void* take(std::size_t size) {
    return clocked([&] { return std::malloc(size); });
}

inline void* take_zeroed(std::size_t count, std::size_t size) {
    return clocked([&] { return std::calloc(count, size); });
}

inline void* take_aligned(std::size_t alignment, std::size_t size) {
    return clocked([&] { return std::aligned_alloc(alignment, size); });
}

inline void* resize(void* at, std::size_t size) {
    return clocked([&] { return std::realloc(at, size); });
}

inline void give(void* at) {
    clocked([&] {
        std::free(at);
        return 0;
    });
}

}  // namespace work
