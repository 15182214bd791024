#pragma once
/// The one memory manager behind the C functions: made by quire_start(), without constructors that run before a kernel does.

#include <new>

#include "quire/base/defect.hpp"
#include "quire/base/error.hpp"
#include "quire/frames/frame_allocator.hpp"
#include "quire/heap/heap.hpp"
#include "quire/paging/paging.hpp"
#include "quire/quire.h"
#include "quire/space/kernel_space.hpp"
#include "quire/space/space.hpp"

namespace quire::c {

/// Kernel pages for the kernel's heap.
class KernelSpans final : public SpanSource {
public:
    explicit KernelSpans(KernelSpace& kernel) : kernel_(kernel) {}
    void* acquire(PageCount count, PageCount alignment) override;
    void release(void* first, PageCount count) override;

private:
    KernelSpace& kernel_;
};

struct Instance {
    explicit Instance(Frame zero)
        : paging(frames),
          kernel(paging, Machine::kKernelNodes, Machine::kKernelPages),
          spans(kernel),
          heap(spans, Machine::kKernelPages),
          zero_frame(zero) {}

    FrameAllocator frames;
    Paging paging;
    Directory boot;
    KernelSpace kernel;
    KernelSpans spans;
    Heap heap;
    Frame zero_frame;
};

/// A defect before quire_start().
[[nodiscard]] Instance& instance();
void make_instance(Frame zero_frame);

[[nodiscard]] constexpr quire_error code(Error error) {
    return static_cast<quire_error>(static_cast<int>(error) + 1);
}
[[nodiscard]] inline quire_error code(const Result<void>& result) {
    return result ? QUIRE_OK : code(result.error());
}
static_assert(code(Error::no_frames) == QUIRE_NO_FRAMES && code(Error::list_full) == QUIRE_LIST_FULL &&
              code(Error::io) == QUIRE_IO);

/// The most pages that a heap can look after.
inline constexpr std::size_t kHeapPages = CentralHeap::Map::kMaxPages;

/// What is wrong with the kernel's layout; nullptr if nothing is.
[[nodiscard]] const char* layout_mistake();

/// The C++ object that lives in a caller's struct.
template <typename T, typename Room>
[[nodiscard]] T& inside(Room* room) {
    static_assert(sizeof(T) <= sizeof(Room) && alignof(T) <= alignof(Room), "quire.h gives this type too little room");
    return *std::launder(reinterpret_cast<T*>(room));
}
template <typename T, typename Room>
[[nodiscard]] const T& inside(const Room* room) {
    static_assert(sizeof(T) <= sizeof(Room) && alignof(T) <= alignof(Room), "quire.h gives this type too little room");
    return *std::launder(reinterpret_cast<const T*>(room));
}

}  // namespace quire::c
