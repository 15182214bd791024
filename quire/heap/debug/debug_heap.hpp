#pragma once
/// The debug flavour of a heap: a layer above any BlockSource that sees what a program does wrong with its blocks, and can tell where
/// they came from.
///
///      allocate ──▶ source: front zone + bytes + back zone ──▶ record (address, size, call stack, number) ──▶ poison 0xA5
///      free     ──▶ record? ──▶ red zones intact? ──▶ poison 0x5A ──▶ quarantine, first in, first out
///                                                         the oldest leaves: zones and poison intact? ──▶ source
///
/// Everything it knows lies out of line, in pages of its own from a SpanSource: an overflow cannot reach it, and it never calls itself.
/// What is found goes to a FindingSink. Running out of memory is nullptr, and leaves everything as it was; the quarantine is emptied
/// before that.
///
/// Not locked: the caller holds one lock around every call. The sources and the sink are called from within, and must not call back.

#include <cstddef>
#include <cstdint>

#include "quire/heap/debug/block_source.hpp"
#include "quire/heap/debug/call_stack.hpp"
#include "quire/heap/debug/debug_block.hpp"
#include "quire/heap/debug/finding.hpp"
#include "quire/heap/debug/sampler.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

struct DebugHeapOptions {
    std::size_t red_zone = 32;  ///< bytes on either side, a multiple of 16; behind a block often more
    std::size_t quarantine = std::size_t{8}
                             << 20U;  ///< bytes; 0: none, and then a second free() finds a foreign pointer
    std::size_t largest_poisoned = std::size_t{4}
                                   << 20U;  ///< bytes: larger blocks are not poisoned, so that what a program never
                                            ///< touches takes no memory
    std::uint64_t sample = 0;               ///< Sampler::set_mean
    std::uint64_t seed = 0;                 ///< Sampler
};

struct DebugHeapStatistics {
    std::size_t live_blocks = 0;
    std::size_t live_bytes = 0;  ///< as asked for
    std::size_t quarantine_blocks = 0;
    std::size_t quarantine_bytes = 0;  ///< with their zones
    std::uint64_t allocations = 0;     ///< also the number of the latest block
    std::uint64_t frees = 0;
    std::uint64_t findings = 0;
    std::size_t call_stacks = 0;
    PageCount own_pages;  ///< records and tables
};

/// Blocks that were allocated at the same place.
struct LeakGroup {
    CallSite site;  ///< empty: unknown
    std::size_t blocks;
    std::size_t bytes;
};

class LeakVisitor {
public:
    LeakVisitor() = default;
    LeakVisitor(const LeakVisitor&) = delete;
    LeakVisitor& operator=(const LeakVisitor&) = delete;
    virtual void group(const LeakGroup& group) = 0;

protected:
    ~LeakVisitor() = default;
};

class DebugHeap {
public:
    static constexpr std::size_t kLeastAlignment = 16;
    /// No red zone is longer: what the source gave beyond that is not looked at.
    static constexpr std::size_t kLongestBackZone = 256;

    /// Blocks from `blocks`, own memory from `spans`.
    DebugHeap(BlockSource& blocks, SpanSource& spans, FindingSink& sink, const DebugHeapOptions& options = {});
    DebugHeap(const DebugHeap&) = delete;
    DebugHeap& operator=(const DebugHeap&) = delete;
    /// Empties the quarantine, gives its own pages back. Live blocks stay with the source.
    ~DebugHeap();

    /// A block of exactly `bytes` (0 too), full of kFreshPoison, at a multiple of `alignment` (a power of two; at least 16 is given).
    /// nullptr when there is no memory, or no such size or alignment. O(bytes).
    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment, CallSite site);
    /// The same, full of zeroes.
    [[nodiscard]] void* allocate_zeroed(std::size_t bytes, std::size_t alignment, CallSite site);

    /// Into the quarantine; nullptr is fine. Never needs memory. O(bytes), and as much for those who leave the quarantine.
    void free(void* block, CallSite site);
    /// The same; `bytes` must be what was asked for.
    void free_sized(void* block, std::size_t bytes, CallSite site);

    /// Another block with the same contents, as far as both reach: always another, so that stale pointers show. nullptr when there is
    /// no memory or `block` is none, and then the old block is as it was. reallocate(nullptr, n) allocates.
    [[nodiscard]] void* reallocate(void* block, std::size_t bytes, CallSite site);

    /// Exactly what was asked for; 0 for nullptr.
    [[nodiscard]] std::size_t usable_size(const void* block, CallSite site);

    /// Looks at all red zones and the poison of the quarantine. O(blocks + bytes in quarantine).
    void check_all(CallSite site);
    /// Lets all blocks of the quarantine go, with the checks that are due then.
    void empty_quarantine(CallSite site);
    /// For options that are not known at the start.
    void set_quarantine(std::size_t bytes, CallSite site);
    void set_sample(std::uint64_t mean) { sampler_.set_mean(mean); }
    [[nodiscard]] std::uint64_t sample() const { return sampler_.mean(); }

    /// Live blocks with a number above `since` (statistics().allocations of an earlier moment; 0: all), by call stack, most bytes
    /// first. O(blocks + stacks * log stacks), needs no memory.
    void visit_leaks(std::uint64_t since, LeakVisitor& visitor);

    /// All call stacks, with what the sampler took of them (quire/heap/debug/profile.hpp).
    template <typename Visit>
    void for_each_stack(Visit visit) {
        stacks_.for_each(visit);
    }

    [[nodiscard]] DebugHeapStatistics statistics() const;

    /// The table of blocks, the quarantine's list and the statistics agree. A defect if not. O(blocks).
    void check_invariants() const;

private:
    enum class Contents : std::uint8_t { poison, zeroes };

    [[nodiscard]] void* allocate(std::size_t bytes, std::size_t alignment, Contents contents, CallSite site);
    /// A record that is entered nowhere, and room for it in the table. nullptr: no memory.
    [[nodiscard]] DebugBlock* reserve_record();
    [[nodiscard]] std::byte* take_from_source(std::size_t bytes, std::size_t alignment, Contents contents,
                                              CallSite site);
    [[nodiscard]] DebugBlock* find(const void* user) const;
    /// The live block that begins at `user`; else nullptr, and what is wrong with the pointer has been reported.
    [[nodiscard]] DebugBlock* find_live(const void* user, CallSite site);
    void retire(DebugBlock& block, CallSite site);
    void release_oldest(CallSite site);
    void release(DebugBlock& block);
    void check_zones(DebugBlock& block, CallSite site);
    void check_poison(DebugBlock& block, CallSite site);
    void report(FindingKind kind, const void* address, const DebugBlock* block, CallSite site, std::size_t said = 0);

    BlockSource& source_;
    FindingSink& sink_;
    DebugHeapOptions options_;
    RecordPool<DebugBlock> records_;
    HashTable<DebugBlock> blocks_;  ///< live ones and those in quarantine, by address
    StackTable stacks_;
    Sampler sampler_;
    DebugBlock* oldest_ = nullptr;  ///< the quarantine
    DebugBlock* latest_ = nullptr;
    DebugHeapStatistics statistics_;
};

}  // namespace quire
