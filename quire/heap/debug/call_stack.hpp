#pragma once
/// Where a call came from, and every such place once. Reports group by it, profiles count by it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "quire/heap/debug/hash_table.hpp"
#include "quire/heap/debug/record_pool.hpp"

namespace quire {

inline constexpr std::size_t kCallStackDepth = 16;

/// Return addresses, the innermost first. As the caller of the heap found them: how a stack is walked is the port's affair.
using CallSite = std::span<const std::uintptr_t>;

/// What a profile knows of a call stack, of the allocations that the sampler took.
struct Sampled {
    std::uint64_t blocks = 0;
    std::uint64_t bytes = 0;   ///< as they are: a reader of the profile scales them (docs/heap-debug.md)
    std::uint64_t weight = 0;  ///< bytes that they stand for
};

/// A call site that was seen, up to kCallStackDepth addresses of it. Never forgotten: a pointer to one stays valid as long as its table.
struct CallStack {
    std::array<std::uintptr_t, kCallStackDepth> frames;
    std::uint32_t depth = 0;
    std::uint32_t hash = 0;
    CallStack* next = nullptr;

    Sampled live;   ///< allocated and not freed
    Sampled total;  ///< allocated ever

    // For a report while it is made.
    std::size_t group_blocks = 0;
    std::size_t group_bytes = 0;
    CallStack* group_next = nullptr;

    [[nodiscard]] CallSite site() const { return {frames.data(), depth}; }
};

/// Not locked.
class StackTable {
public:
    constexpr explicit StackTable(SpanSource& source) : pool_(source), table_(source) {}

    /// The one record for this call site. When there is no memory for a new one, the record of the unknown place, which has no
    /// addresses: to lose a place is better than to fail an allocation. O(depth).
    [[nodiscard]] CallStack& intern(CallSite site);

    /// All of them, the unknown place too, in no order.
    template <typename Visit>
    void for_each(Visit visit) {
        visit(unknown_);
        table_.for_each(visit);
    }

    [[nodiscard]] std::size_t size() const { return table_.size(); }
    [[nodiscard]] PageCount own_pages() const { return pool_.own_pages() + table_.own_pages(); }

private:
    RecordPool<CallStack> pool_;
    HashTable<CallStack> table_;
    CallStack unknown_{};
};

}  // namespace quire
