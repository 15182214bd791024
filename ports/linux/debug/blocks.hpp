#pragma once
/// Where the debug malloc gets its blocks and pages. This is the seam: whoever wants it to stand on another heap replaces Blocks.

#include "quire/heap/debug/block_source.hpp"
#include "quire/heap/heap.hpp"
#include "quire/heap/span_source.hpp"

namespace quire::linux_debug {

/// mmap(2) and munmap(2).
class Pages final : public SpanSource {
public:
    [[nodiscard]] void* acquire(PageCount count, PageCount alignment) override;
    [[nodiscard]] void* acquire_zeroed(PageCount count, PageCount alignment) override {
        return acquire(count, alignment);
    }
    void release(void* first, PageCount count) override;
};

/// The engine, behind the debug heap's lock and its own.
class Blocks final : public BlockSource {
public:
    explicit Blocks(Pages& pages) : heap_(pages, kAllPages) {}
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) override {
        return heap_.allocate(bytes, alignment);
    }
    void free(void* block) override { heap_.free(block); }
    [[nodiscard]] std::size_t usable_size(const void* block) const override { return heap_.usable_size(block); }

private:
    static constexpr PageRange kAllPages{Page{0}, Page{~std::uintptr_t{0} >> kPageShift}};
    Heap heap_;
};

}  // namespace quire::linux_debug
