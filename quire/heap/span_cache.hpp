#pragma once
/// Spans for a program's heap: up to 1 MiB from chunks, larger ones mapped alone between guard pages. What comes back keeps
/// its frames for a while, because asking the system for them again is dear; how much may be kept is learned.
///
///      chunk: 64 units of 64 KiB, aligned to its 4 MiB           ┌ free:  whom does the unit belong to? 1 = nobody
///      ┌──┬──┬──┬──┬──┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┬──┬──┐     │
///      │ 0│ 1│ 2│ 3│  │                                 │62│63│     └ dirty: may it have frames? 0 = it reads as zeroes
///      └──┴──┴──┴──┴──┴─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┴──┴──┘
///
/// The budget is how many bytes may be free and dirty: 512 KiB at first. When what was given back is wanted again within a
/// second, that was a mistake, and the budget grows by as much; a second without a mistake halves it.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/checked.hpp"
#include "quire/heap/address_map.hpp"
#include "quire/heap/page_source.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

struct SpanCacheStatistics {
    std::size_t mapped_bytes = 0;  ///< addresses in chunks and large spans
    std::size_t kept_bytes = 0;    ///< free, and perhaps with frames
    std::size_t used_bytes = 0;    ///< in spans that were acquired
    std::size_t budget_bytes = 0;  ///< as many may be kept
    std::uint64_t purges = 0;      ///< times that frames were given back
};

/// Not locked: it is used with its heap's lock held.
class SpanCache final : public SpanSource {
public:
    static constexpr std::size_t kUnitsPerChunk = 64;
    static constexpr std::size_t kChunkBytes = kUnitsPerChunk * kUnitBytes;
    static constexpr std::size_t kMostUnits = 16;  ///< a span of more is mapped alone

    /// `own` gives the cache's own pages.
    constexpr SpanCache(PageSource& pages, SpanSource& own) : pages_(pages), own_(own) {}

    [[nodiscard]] void* acquire(PageCount count, PageCount alignment) override;
    [[nodiscard]] void* acquire_zeroed(PageCount count, PageCount alignment) override;
    [[nodiscard]] bool lacks_frames(const void* first, PageCount count) override;
    void get_frames(void* first, PageCount count) override { pages_.get_frames(first, count); }
    void release(void* first, PageCount count) override;
    [[nodiscard]] bool resize(void* first, PageCount count, PageCount new_count) override;
    [[nodiscard]] bool can_transfer() const override { return true; }
    [[nodiscard]] bool transfer(void* from, PageCount count, void* to, PageCount to_count) override;

    /// Gives back all frames of what is free. True if there were any.
    bool trim() override;

    [[nodiscard]] const SpanCacheStatistics& statistics() const { return statistics_; }

private:
    using Units = std::uint64_t;  ///< one bit a unit
    struct Chunk {
        std::byte* base = nullptr;
        Units free = ~Units{0};
        Units dirty = 0;
        Units fresh = 0;     ///< were taken when they had no frames
        bool large = false;  ///< prefers large frames
        Chunk* next = nullptr;  ///< of those with free units, or of unused descriptors
        Chunk* previous = nullptr;
    };
    struct LargeSpan {
        void* first = nullptr;
        PageCount count{};
    };
    struct Found {
        void* first = nullptr;
        Units dirty = 0;  ///< which of its units, from bit 0 on, may not read as zeroes
    };
    static constexpr std::size_t kLargeKept = 16;
    static constexpr std::size_t kFirstBudget = 512 * 1024;
    static constexpr std::uint64_t kSoon = 1000;  ///< milliseconds
    /// From so many used bytes on, chunks get large frames: a half-used one more is no longer much.
    static constexpr std::size_t kLargeFramesFrom = std::size_t{16} << 20U;

    [[nodiscard]] Found take(PageCount count, PageCount alignment);
    [[nodiscard]] Found take_units(std::size_t units, std::size_t alignment);
    [[nodiscard]] Found take_large(PageCount count, PageCount alignment);
    [[nodiscard]] Found take_from(Chunk& chunk, std::size_t first, std::size_t units);
    [[nodiscard]] Chunk* new_chunk();
    void delete_chunk(Chunk& chunk);
    void release_units(void* first, std::size_t units);
    void release_large(void* first, PageCount count);
    void list(Chunk& chunk);
    void unlist(Chunk& chunk);
    void purge(Chunk& chunk);
    void keep_at_most(std::size_t bytes);
    void given_back(std::size_t bytes);
    void wanted(std::size_t bytes);
    void learn();

    PageSource& pages_;
    SpanSource& own_;
    AddressMap<Chunk, 22, sizeof(void*) == 8 ? 8192 : 1, sizeof(void*) == 8 ? 4096 : 1024, true> chunks_{
        PageRange{Page{0}, Page{~std::uintptr_t{0} >> kPageShift}}};
    Chunk* with_room_ = nullptr;
    Chunk* last_with_room_ = nullptr;
    Chunk* unused_ = nullptr;
    std::size_t chunk_count_ = 0;
    std::array<LargeSpan, kLargeKept> large_{};
    std::size_t large_count_ = 0;
    std::size_t given_back_ = 0;         ///< bytes, lately, that have not been wanted again
    std::uint64_t last_given_back_ = 0;  ///< when
    std::uint64_t last_learned_ = 0;
    SpanCacheStatistics statistics_{.budget_bytes = kFirstBudget};
};

}  // namespace quire
