#pragma once
/// Where the debug malloc gets its blocks and pages. This is the seam: whoever wants it to stand on another heap replaces Blocks.

#include "quire/heap/debug/block_source.hpp"
#include "quire/heap/first_fit_heap.hpp"
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

/// Small blocks from a FirstFitHeap that grows by arenas, large ones from mappings of their own. Locked by the owner.
class Blocks final : public BlockSource {
public:
    constexpr explicit Blocks(Pages& pages) : pages_(pages) {}
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) override;
    [[nodiscard]] void* allocate_zeroed(std::size_t bytes, std::size_t alignment) override;
    void free(void* block) override;
    [[nodiscard]] std::size_t usable_size(const void* block) const override;

private:
    static constexpr std::size_t kLarge = std::size_t{128} << 10U;
    static constexpr PageCount kArena{512};

    /// In front of each block.
    struct alignas(16) Header {
        std::byte* start;  ///< of what the heap or the kernel gave
        PageCount mapped;  ///< 0: the heap
    };
    [[nodiscard]] static Header& header_of(const void* block);
    [[nodiscard]] static bool is_large(std::size_t bytes, std::size_t alignment);

    Pages& pages_;
    FirstFitHeap heap_;
};

}  // namespace quire::linux_debug
