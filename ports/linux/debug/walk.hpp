#pragma once
/// Who called: return addresses of the running thread, without this library's own.

#include <array>
#include <cstdint>

#include "quire/heap/debug/call_stack.hpp"

namespace quire::linux_debug {

/// By libgcc's unwinder, which needs no frame pointers; it allocates nothing, takes no lock with glibc 2.35 and later, and works in a
/// signal handler. Empty if the unwinder itself asks for memory. Not to be called with the heap's lock held.
class Caller {
public:
    [[gnu::noinline]] Caller();
    [[nodiscard]] CallSite site() const { return {frames_.data(), depth_}; }
    void add(std::uintptr_t return_address);
    [[nodiscard]] bool full() const { return depth_ == frames_.size(); }

private:
    std::array<std::uintptr_t, kCallStackDepth> frames_;
    std::size_t depth_ = 0;
};

}  // namespace quire::linux_debug
