#pragma once
/// Spans for a program's heap: up to 512 KiB from chunks, larger ones from LargeSpans. What comes back keeps its frames for a
/// while, because asking the system for them again is dear; how much may be kept is learned.
///
///      chunk: 64 units of 64 KiB, aligned to its 4 MiB           ┌ free:  whom does the unit belong to? 1 = nobody
///      ┌──┬──┬──┬──┬──┬─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┬──┬──┐     │
///      │ 0│ 1│ 2│ 3│  │                                 │62│63│     └ dirty: may it have frames? 0 = it reads as zeroes
///      └──┴──┴──┴──┴──┴─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─┴──┴──┘
///
/// The budget is how many bytes may be free and dirty. While a heap shrinks, as many as are used, because the longer it waits the more goes
/// back in one call, and the shape's kept_besides in large spans, because one that is freed makes a heap much smaller for a moment only;
/// below the shape's much_used an eighth of what is used, at least its first_budget. While it grows, a quarter. When
/// what was given back is wanted again within a second, that was a mistake, and the budget grows by as much, up to the shape's
/// most_learned; what was kept and is wanted again was rightly kept, and the budget grows by half as much. A second without either halves
/// what was learned. But no more is kept for that than was used in the last second or
/// two and is not now, and half as much, because what is free may not fit. What was kept for a second and never needed is surplus,
/// and goes back whatever the budget says, but for what was learned.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/checked.hpp"
#include "quire/heap/address_map.hpp"
#include "quire/heap/large_spans.hpp"
#include "quire/heap/page_source.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

struct SpanCacheStatistics {
    std::size_t mapped_bytes = 0;  ///< addresses in chunks and large spans
    std::size_t kept_bytes = 0;    ///< free, and perhaps with frames
    std::size_t used_bytes = 0;    ///< in spans that were acquired
    std::size_t budget_bytes = 0;  ///< as many may be kept
    std::uint64_t purges = 0;      ///< times that frames of a chunk were given back
};

/// Not locked: it is used with its heap's lock held.
class SpanCache final : public SpanSource {
public:
    static constexpr std::size_t kUnitsPerChunk = 64;
    static constexpr std::size_t kChunkBytes = kUnitsPerChunk * kUnitBytes;
    static constexpr std::size_t kMostUnits = 8;  ///< a span of more comes from LargeSpans

    using Units = std::uint64_t;  ///< one bit a unit
    struct Chunk {
        std::byte* base = nullptr;
        Units free = ~Units{0};
        Units dirty = 0;
        Units fresh = 0;        ///< were taken when they had no frames
        Chunk* next = nullptr;  ///< of those with free units, or of unused descriptors
        Chunk* previous = nullptr;
    };
    /// A chunk each, where the map can have so many entries.
    static constexpr unsigned kMapShift = sizeof(void*) == 8 ? 22 : kHeapShape.unit_shift + 6;
    static constexpr std::size_t kMapLeaf = std::size_t{1} << (sizeof(void*) == 8 ? 12U : 32 - kMapShift);
    using Map = AddressMap<Chunk, kMapShift, sizeof(void*) == 8 ? 8192 : 1, kMapLeaf, true>;

    /// `own` gives the cache's own pages. `root` is the map's.
    constexpr SpanCache(PageSource& pages, SpanSource& own, Map::Root& root)
        : pages_(pages),
          own_(own),
          chunks_(PageRange{Page{0}, Page{~std::uintptr_t{0} >> kPageShift}}, root),
          large_(pages, chores_) {}

    [[nodiscard]] void* acquire(PageCount count, PageCount alignment) override;
    [[nodiscard]] void* acquire_zeroed(PageCount count, PageCount alignment) override;
    [[nodiscard]] Roomy acquire_roomy(PageCount count, PageCount alignment) override;
    [[nodiscard]] void* acquire_growing(PageCount count, PageCount alignment) override;
    [[nodiscard]] bool is_zero(const void* first, PageCount count) override;
    [[nodiscard]] bool lacks_frames(const void* first, PageCount count) override;
    void get_frames(void* first, PageCount count) override { pages_.get_frames(first, count); }
    [[nodiscard]] bool have_frames(const void* first, PageCount count) override {
        return pages_.have_frames(first, count);
    }
    void release(void* first, PageCount count) override;
    [[nodiscard]] PageCount up_to_guard(PageCount count) const override;
    [[nodiscard]] PageCount rounded(PageCount count) const override;
    [[nodiscard]] PageCount resize(void* first, PageCount count, PageCount least, PageCount most) override;
    [[nodiscard]] bool can_transfer(PageCount count, PageCount to_count) const override;
    [[nodiscard]] bool transfer(void* from, PageCount count, void* to) override { return pages_.move(from, count, to); }
    void release_empty(void* first, PageCount count) override;

    /// Gives back all frames of what is free, and the addresses of whole chunks and extents. True if there was anything.
    bool trim() override;

    [[nodiscard]] PageChores take_chores() override;
    void do_chores(const PageChores& chores) override;
    void await_chores() override;

    [[nodiscard]] SpanCacheStatistics statistics() const;
    void check_invariants() const;

private:
    // Bytes, if nothing else is said.
    static constexpr std::size_t kFirstBudget = kHeapShape.first_budget;
    static constexpr std::uint64_t kSoon = 1000;  ///< milliseconds
    /// Addresses behind a new mapping.
    static constexpr std::size_t kLeastRoom = std::size_t{sizeof(void*) == 8 ? 32 : 1} << 20U;
    static constexpr std::size_t kMostRoom = std::size_t{64} << 20U;

    [[nodiscard]] std::byte* take(PageCount count, PageCount alignment);
    [[nodiscard]] std::byte* take_units(std::size_t units, std::size_t alignment);
    [[nodiscard]] std::byte* take_large(PageCount count, PageCount alignment, bool growing);
    void count_large(const LargeSpans::Taken& taken);
    [[nodiscard]] PageCount resize_large(void* first, PageCount count, PageCount least, PageCount most);
    [[nodiscard]] std::byte* take_from(Chunk& chunk, std::size_t first, std::size_t units);
    [[nodiscard]] Chunk* new_chunk();
    void delete_chunk(Chunk& chunk);
    void release_units(void* first, std::size_t units);
    void list(Chunk& chunk);
    void unlist(Chunk& chunk);
    static constexpr std::size_t kMostRuns = kUnitsPerChunk / 2;  ///< of a chunk
    /// What is to be given back with one call, because the call is what takes long.
    struct Purge {
        std::array<PageRun, 2 * kMostRuns> runs;
        std::size_t count = 0;
    };
    void purge(Chunk& chunk, Purge& together);
    void perform(Purge& together);
    [[nodiscard]] std::size_t kept() const { return kept_ + large_.kept().value * kPageSize; }
    [[nodiscard]] std::size_t budget() const;
    [[nodiscard]] std::size_t budget_in_growth() const;
    void keep_at_most(std::size_t bytes);
    void give_back_surplus();
    void do_chores_now();
    void give_back_until(std::size_t target);
    void given_back(std::size_t bytes);
    void wanted(std::size_t bytes);
    void wanted_large(std::size_t bytes);
    void used_again(std::size_t bytes);
    void learn();
    [[nodiscard]] std::size_t learned() const;
    void count_used(std::size_t more);

    PageSource& pages_;
    SpanSource& own_;
    Map chunks_;
    Chunk* with_room_ = nullptr;
    Chunk* last_with_room_ = nullptr;
    Chunk* unused_ = nullptr;
    std::size_t chunk_count_ = 0;
    PageChores chores_;
    std::atomic<std::uint32_t> unfinished_{0};  ///< chores that were taken and are not done yet
    LargeSpans large_;
    std::size_t clean_ = 0;             ///< LargeSpans::taken_clean() when it was looked at last; pages
    LargeSpans::Taken latest_large_;    ///< the large span that was taken last
    std::size_t used_ = 0;              ///< bytes in spans that were acquired
    std::size_t most_used_ = 0;         ///< since last_looked_
    std::size_t most_used_before_ = 0;  ///< in the second or so before that
    std::size_t most_grown_ = 0;        ///< bytes of a large span that grew, in the same time
    std::size_t most_grown_before_ = 0;
    std::size_t kept_ = 0;               ///< bytes of chunks, free and dirty
    std::size_t learned_ = 0;            ///< bytes that may be kept besides
    std::size_t given_back_ = 0;         ///< bytes, lately, that have not been wanted again
    std::uint64_t last_given_back_ = 0;  ///< when
    std::uint64_t last_learned_ = 0;
    std::size_t least_kept_ = 0;     ///< bytes, since
    std::uint64_t last_looked_ = 0;  ///< give_back_surplus() looked
    std::uint64_t purges_ = 0;
};

}  // namespace quire
