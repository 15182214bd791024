#pragma once
/// The seed author's first heap: a flat list of free blocks in address order, first fit, split on allocation, coalesced at once on
/// free. It needs nothing but the bytes it is given: no port, no pages, no table.
///
///                                         ┌──────── link ────────┐
///                                         │                      ▼
///      region    ┌────────┬───────────┬───┴────────┬───────────┬────────────┐
///                │ Region │ taken     │ free       │ taken     │ free       ├── link ──▶ 0, the list's end
///                └────────┼───────────┼────────────┴───────────┴────────────┘
///                         │           │
///      block              ├── bytes ──┤
///      ┌───────┬──────┬───────────────────────────────────────────┐
///      │ bytes │ link │ the caller's, from a multiple of 16 on    │     taken: link is a seal, made of address and bytes
///      └───────┴──────┴───────────────────────────────────────────┘     free:  link is the address of the next free block
///      ├─  header  ───┤ 16 bytes: two words, where words have 8
///
/// Right where nothing better can exist yet: on a machine without paging, in a kernel before paging is up, for a few hundred blocks
/// that live long; and as the baseline of every benchmark table. What is wrong with it: each call walks the free blocks, and
/// touches a cache line for each; long use fills the low addresses with small pieces, which every search passes; 16 bytes a block are
/// not the caller's; memory never goes back to whoever gave it; and the links lie where a caller's overflow reaches them. Misuse is
/// found as far as a header in front of the block can tell. That stops mistakes, not attackers. For the rest there is Heap.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace quire {

/// Bytes are of whole blocks with their headers. taken_bytes + free_bytes = the regions, but for the 16 bytes each that describe them
/// and what their alignment costs.
struct FirstFitStatistics {
    std::size_t taken_bytes = 0;
    std::size_t free_bytes = 0;
    std::size_t taken_blocks = 0;
    std::size_t free_blocks = 0;
    std::size_t largest_free_block = 0;  ///< bytes; 16 less is the largest allocation that can succeed now
};

/// Not locked: the owner serialises, statistics and checks too. In the complexities, n is the number of free blocks; each is O(regions)
/// besides. Whatever is said to be a defect is one as far as it can be told: a block that was freed and handed out again
/// looks like a taken one.
class FirstFitHeap {
public:
    static constexpr std::size_t kGranule =
        16;  ///< every block begins at a multiple of it, and so does the caller's part
    static constexpr std::size_t kHeaderBytes = 16;    ///< in front of each block
    static constexpr std::size_t kSmallestBlock = 32;  ///< no free block is smaller: what is left of a split is of use

    /// Without memory until add(). A global one needs no constructor at run time.
    constexpr FirstFitHeap() = default;
    explicit FirstFitHeap(std::span<std::byte> region) { (void)add(region); }
    FirstFitHeap(const FirstFitHeap&) = delete;
    FirstFitHeap& operator=(const FirstFitHeap&) = delete;

    /// Makes `region` the heap's for as long as the heap lives; its contents are lost. False, and nothing has happened, if it is too
    /// small for a block (48 aligned bytes). A defect if the heap has a part of it already. No block spans two regions. O(n).
    [[nodiscard]] bool add(std::span<std::byte> region);

    /// A block of at least `bytes` (0 counts as 1), at the lowest address where one fits, at a multiple of `alignment`, a power of two
    /// (below 16: 16). Contents undefined. nullptr, and nothing has changed, if there is no room, or no such alignment. O(n).
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment = kGranule);

    /// Gives a block back; nullptr is fine. A defect for anything else that is not a taken block. Needs no memory. O(n).
    void free(void* block);

    /// A block with the same contents and another size: in place if it shrinks, or if the bytes behind it are free, else moved, and then
    /// aligned to 16 only. nullptr, and the old block is as it was, if there is no room. reallocate(nullptr, n) allocates; 0 bytes
    /// count as 1. A defect as for free(). O(n + bytes).
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes);

    /// How many bytes of a taken block may be used: at least what was asked for. A defect as for free().
    [[nodiscard]] std::size_t usable_size(const void* block) const { return taken(block).bytes - kHeaderBytes; }

    [[nodiscard]] FirstFitStatistics statistics() const;

    /// Blocks tile each region; the list holds the free ones in address order; no two of them touch; seals and counts agree. A defect if
    /// not. O(blocks + regions * n).
    void check_invariants() const;

private:
    struct alignas(kGranule) Block {
        std::size_t bytes = 0;    ///< to the next block, header included; a multiple of 16
        std::uintptr_t link = 0;  ///< the seal, or the address of the next free block

        [[nodiscard]] std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(this); }
        [[nodiscard]] std::uintptr_t end() const { return address() + bytes; }
        /// Odd, which no block's address is. Covers the size, so that an overflow into the header shows.
        [[nodiscard]] std::uintptr_t seal() const { return address() ^ bytes ^ 0x5EA1ED5BU; }
        [[nodiscard]] bool is_taken() const { return link == seal(); }
        [[nodiscard]] Block* next_free() const { return reinterpret_cast<Block*>(link); }
        [[nodiscard]] void* payload() { return this + 1; }
    };
    static_assert(sizeof(Block) == kHeaderBytes);

    struct alignas(kGranule) Region {
        std::size_t bytes;  ///< of its blocks
        Region* next;

        [[nodiscard]] std::uintptr_t first() const { return reinterpret_cast<std::uintptr_t>(this + 1); }
    };

    /// Bytes of a block for a request; nothing if that is no number.
    [[nodiscard]] static std::optional<std::size_t> block_bytes(std::size_t requested);
    /// Where in a free block one of `bytes` could begin; nothing if it does not fit.
    [[nodiscard]] static std::optional<std::uintptr_t> place_in(const Block& free, std::size_t bytes,
                                                                std::size_t alignment);
    static void join_with_next(Block& free);

    /// The taken block with this payload. A defect if there is none.
    [[nodiscard]] Block& taken(const void* payload) const;
    [[nodiscard]] bool owns(std::uintptr_t payload) const;
    /// The last free block below an address; the list's head if there is none.
    [[nodiscard]] const Block& free_before(std::uintptr_t address) const;
    [[nodiscard]] Block& free_before(std::uintptr_t address) {
        return const_cast<Block&>(std::as_const(*this).free_before(address));
    }
    /// `before` is the last free block before `block`, or the list's head; likewise below.
    void insert(Block& before, Block& block);
    /// Seals and counts a block that is in no list; what it has beyond `bytes` becomes free again.
    void take(Block& before, Block& block, std::size_t bytes);

    Block free_list_;  ///< the head: a block of 0 bytes, which touches no other
    Region* regions_ = nullptr;
    std::size_t region_bytes_ = 0;  ///< of all blocks
    std::size_t taken_bytes_ = 0;
    std::size_t taken_blocks_ = 0;
};

}  // namespace quire
