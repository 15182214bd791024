#pragma once
/// What backs a region when zero-fill does not: a file, shared memory, a device. Implemented above the library.

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"

namespace quire {

/// Reference counted: each region that shows it holds one reference. The count is atomic, because spaces on several processors
/// may show the same object; page() locks what it needs itself.
class MemoryObject {
public:
    MemoryObject() = default;
    MemoryObject(const MemoryObject&) = delete;
    MemoryObject& operator=(const MemoryObject&) = delete;

    /// The frame that holds page `index` of the object, with one share taken for the caller. May take time, but not
    /// a page fault. beyond_end if the page lies wholly behind the end (SIGBUS, gotcha 30), no_frames, io.
    [[nodiscard]] virtual Result<Frame> page(std::uintptr_t index) = 0;

    /// A name for reports: a file's path. Valid while a reference is held.
    [[nodiscard]] virtual const char* name() const = 0;

    void retain() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) last_reference_gone();
    }

protected:
    ~MemoryObject() = default;
    /// Called once, when nobody shows the object any more.
    virtual void last_reference_gone() = 0;

private:
    std::atomic<std::uint32_t> references_ = 0;
};

}  // namespace quire
