#pragma once
/// What the debug heap stands on: anything that hands out blocks. The engine, FirstFitHeap or a test's double; the debug heap knows
/// no more of them than this.

#include <concepts>
#include <cstddef>
#include <cstring>

namespace quire {

class BlockSource {
public:
    BlockSource() = default;
    BlockSource(const BlockSource&) = delete;
    BlockSource& operator=(const BlockSource&) = delete;

    /// A block of at least `bytes` (more than 0), contents undefined, at a multiple of `alignment`, a power of two of at least 16;
    /// nullptr when there is none.
    [[nodiscard]] virtual void* allocate(std::size_t bytes, std::size_t alignment) = 0;
    /// The same, full of zeroes. A source that knows its fresh pages to be zero saves touching them.
    [[nodiscard]] virtual void* allocate_zeroed(std::size_t bytes, std::size_t alignment) {
        void* const block = allocate(bytes, alignment);
        if (block != nullptr) std::memset(block, 0, bytes);
        return block;
    }
    /// Takes a block back. Cannot fail.
    virtual void free(void* block) = 0;
    /// How many bytes of a taken block may be used: at least what was asked for.
    [[nodiscard]] virtual std::size_t usable_size(const void* block) const = 0;

protected:
    ~BlockSource() = default;
};

template <typename H>
concept BlockHeap = requires(H heap, void* block, std::size_t n) {
    { heap.allocate(n, n) } -> std::same_as<void*>;
    { heap.free(block) } -> std::same_as<void>;
    { heap.usable_size(block) } -> std::convertible_to<std::size_t>;
};

/// A heap with these three functions as a block source.
template <BlockHeap H>
class BlocksOf final : public BlockSource {
public:
    constexpr explicit BlocksOf(H& heap) : heap_(heap) {}
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment) override {
        return heap_.allocate(bytes, alignment);
    }
    void free(void* block) override { heap_.free(block); }
    [[nodiscard]] std::size_t usable_size(const void* block) const override { return heap_.usable_size(block); }

private:
    H& heap_;
};

}  // namespace quire
