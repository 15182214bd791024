#include "quire/heap/span_cache.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "quire/base/defect.hpp"

namespace quire {

namespace {

constexpr std::size_t units_for(PageCount count) {
    return (count.value + kUnitPages.value - 1) / kUnitPages.value;
}

/// The number of the lowest set bit; 64 if there is none. std::countr_zero would need a library function where words have 32
/// bits.
constexpr std::size_t lowest_bit(std::uint64_t mask) {
    const auto low = static_cast<std::uint32_t>(mask);
    const int zeroes =
        low != 0 ? std::countr_zero(low) : 32 + std::countr_zero(static_cast<std::uint32_t>(mask >> 32U));
    return static_cast<std::size_t>(zeroes);
}

/// The bits [first, first + units).
constexpr std::uint64_t bits(std::size_t first, std::size_t units) {
    return (~std::uint64_t{0} >> (64 - units)) << first;
}

/// The first of `units` neighbouring set bits, at a multiple of `alignment`; 64 if there are none. Each step leaves a bit
/// where twice as many follow (Warren, Hacker's Delight, 6-3).
std::size_t find_run(std::uint64_t mask, std::size_t units, std::size_t alignment) {
    for (std::size_t left = units; left > 1;) {
        const std::size_t step = left / 2;
        mask &= mask >> step;
        left -= step;
    }
    for (std::size_t step = 1; step < alignment; step *= 2) {
        // Bits at odd multiples of `step` are not aligned to 2 * step.
        std::uint64_t even = 0;
        for (std::size_t at = 0; at < 64; at += 2 * step) even |= std::uint64_t{1} << at;
        mask &= even;
    }
    return lowest_bit(mask);
}

}  // namespace

void* SpanCache::acquire(PageCount count, PageCount alignment) {
    return take(count, alignment);
}

void* SpanCache::acquire_zeroed(PageCount count, PageCount alignment) {
    void* const first = take(count, alignment);
    do_chores_now();
    if (first != nullptr && !is_zero(first, count)) std::memset(first, 0, count.value * kPageSize);
    return first;
}

SpanSource::Roomy SpanCache::acquire_roomy(PageCount count, PageCount alignment) {
    if (units_for(count) <= kMostUnits) return {acquire(count, alignment), count};
    const LargeSpans::Taken taken = large_.take_between_seams(count, alignment);
    if (taken.first == nullptr) return {take_large(count, alignment, false), count};
    count_large(taken);
    return {taken.first, taken.count};
}

void* SpanCache::acquire_growing(PageCount count, PageCount alignment) {
    return units_for(count) > kMostUnits ? take_large(count, alignment, true) : acquire(count, alignment);
}

void SpanCache::release(void* first, PageCount count) {
    // They may be about this span, which is nobody's from now on.
    do_chores_now();
    const std::size_t units = units_for(count);
    if (units > kMostUnits) {
        large_.give(first, count);
        used_ -= count.value * kPageSize;
    } else {
        release_units(first, units);
    }
    learn();
    give_back_surplus();
    keep_at_most(budget());
}

std::byte* SpanCache::take(PageCount count, PageCount alignment) {
    const std::size_t units = units_for(count);
    if (units > kMostUnits) return take_large(count, alignment, false);
    return take_units(units, units_for(alignment));
}

std::byte* SpanCache::take_units(std::size_t units, std::size_t alignment) {
    // What has frames already comes first.
    if (kept_ >= units * kUnitBytes) {
        for (Chunk* chunk = with_room_; chunk != nullptr; chunk = chunk->next) {
            const std::size_t first = find_run(chunk->free & chunk->dirty, units, alignment);
            if (first < kUnitsPerChunk) return take_from(*chunk, first, units);
        }
    }
    for (Chunk* chunk = with_room_; chunk != nullptr; chunk = chunk->next) {
        const std::size_t first = find_run(chunk->free, units, alignment);
        if (first < kUnitsPerChunk) return take_from(*chunk, first, units);
    }
    keep_at_most(budget_in_growth());
    Chunk* chunk = new_chunk();
    // Somebody may need the addresses more than we what is kept.
    if (chunk == nullptr && trim()) chunk = new_chunk();
    return chunk == nullptr ? nullptr : take_from(*chunk, 0, units);
}

std::byte* SpanCache::take_from(Chunk& chunk, std::size_t first, std::size_t units) {
    const Units taken = bits(first, units);
    const Units dirty = chunk.dirty & taken;
    const auto dirty_units = static_cast<std::size_t>(ones_in(dirty));
    kept_ -= dirty_units * kUnitBytes;
    least_kept_ = std::min(least_kept_, kept());
    wanted((units - dirty_units) * kUnitBytes);
    used_again(dirty_units * kUnitBytes);
    count_used(units * kUnitBytes);
    chunk.free &= ~taken;
    chunk.fresh = (chunk.fresh & ~taken) | (taken & ~chunk.dirty);
    chunk.dirty |= taken;
    if (chunk.free == 0) unlist(chunk);
    return chunk.base + first * kUnitBytes;
}

SpanCache::Chunk* SpanCache::new_chunk() {
    if (unused_ == nullptr) {
        void* const page = own_.acquire(PageCount{1}, PageCount{1});
        if (page == nullptr) return nullptr;
        for (std::size_t i = 0; i < kPageSize / sizeof(Chunk); ++i) {
            auto* const chunk = new (static_cast<std::byte*>(page) + i * sizeof(Chunk)) Chunk;
            chunk->next = unused_;
            unused_ = chunk;
        }
    }
    constexpr PageCount kPages{kChunkBytes / kPageSize};
    // Each has an entry of the map of its own, which stands for 4 MiB, even where units are small.
    constexpr PageCount kApart{std::max(kChunkBytes, std::size_t{1} << kMapShift) / kPageSize};
    void* const first = pages_.map(kPages, kApart, false);
    if (first == nullptr) return nullptr;
    const PageRange range = range_of(Page{reinterpret_cast<std::uintptr_t>(first) >> kPageShift}, kPages);
    if (!chunks_.prepare(range, own_)) {
        pages_.unmap(first, kPages, false);
        return nullptr;
    }
    Chunk* const chunk = unused_;
    unused_ = chunk->next;
    *chunk = Chunk{.base = static_cast<std::byte*>(first)};
    chunks_.set(range, chunk);
    ++chunk_count_;
    list(*chunk);
    return chunk;
}

/// All its units are free.
void SpanCache::delete_chunk(Chunk& chunk) {
    constexpr PageCount kPages{kChunkBytes / kPageSize};
    unlist(chunk);
    const std::size_t dirty = ones_in(chunk.dirty) * kUnitBytes;
    kept_ -= dirty;
    given_back(dirty);
    chunks_.set(range_of(Page{reinterpret_cast<std::uintptr_t>(chunk.base) >> kPageShift}, kPages), nullptr);
    chores_.add(pages_, PageChores::What::unmap, {chunk.base, kPages});
    --chunk_count_;
    chunk.next = unused_;
    unused_ = &chunk;
}

void SpanCache::release_units(void* first, std::size_t units) {
    Chunk& chunk = *chunks_.find(first);
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(first) - chunk.base);
    if (chunk.free == 0) list(chunk);
    chunk.free |= bits(offset / kUnitBytes, units);
    kept_ += units * kUnitBytes;
    used_ -= units * kUnitBytes;
}

bool SpanCache::is_zero(const void* first, PageCount count) {
    if (units_for(count) > kMostUnits) return first == latest_large_.first && !latest_large_.dirty;
    const Chunk& chunk = *chunks_.find(first);
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(first) - chunk.base);
    const Units units = bits(offset / kUnitBytes, units_for(count));
    return (chunk.fresh & units) == units;
}

bool SpanCache::lacks_frames(const void* first, PageCount count) {
    if (first == latest_large_.first) return latest_large_.lacks_frames;
    return units_for(count) <= kMostUnits && is_zero(first, count);
}

void SpanCache::list(Chunk& chunk) {
    chunk.previous = last_with_room_;
    chunk.next = nullptr;
    (last_with_room_ == nullptr ? with_room_ : last_with_room_->next) = &chunk;
    last_with_room_ = &chunk;
}

void SpanCache::unlist(Chunk& chunk) {
    (chunk.previous == nullptr ? with_room_ : chunk.previous->next) = chunk.next;
    (chunk.next == nullptr ? last_with_room_ : chunk.next->previous) = chunk.previous;
}

std::byte* SpanCache::take_large(PageCount count, PageCount alignment, bool growing) {
    const std::size_t bytes = count.value * kPageSize;
    const std::size_t grown = std::max(most_grown_, most_grown_before_);
    const bool sure = growing && grown > bytes;
    const std::size_t more = growing ? std::min(sure ? grown - bytes : bytes, kMostRoom) : 0;
    const LargeSpans::Room room{.mapped = pages_for(std::clamp(std::max(more, used_ / 4), kLeastRoom, kMostRoom)),
                                .likely = pages_for(more),
                                .sure = sure};
    LargeSpans::Taken taken = large_.take(count, alignment, room);
    if (taken.first == nullptr && trim()) taken = large_.take(count, alignment, room);
    if (taken.first == nullptr) return nullptr;
    if (growing) most_grown_ = std::max(most_grown_, bytes);
    if (!taken.dirty) keep_at_most(budget_in_growth());
    count_large(taken);
    return taken.first;
}

void SpanCache::count_large(const LargeSpans::Taken& taken) {
    latest_large_ = taken;
    least_kept_ = std::min(least_kept_, kept());
    count_used(taken.count.value * kPageSize);
    wanted_large(taken.count.value * kPageSize);
}

PageCount SpanCache::up_to_guard(PageCount count) const {
    return units_for(count) <= kMostUnits ? count : LargeSpans::rounded(count);
}

PageCount SpanCache::rounded(PageCount count) const {
    const std::size_t units = units_for(count);
    return units <= kMostUnits ? PageCount{units * kUnitPages.value} : LargeSpans::rounded(count);
}

PageCount SpanCache::resize(void* first, PageCount count, PageCount least, PageCount most) {
    const std::size_t units = units_for(count);
    const std::size_t least_units = units_for(least);
    if (units > kMostUnits && least_units > kMostUnits) return resize_large(first, count, least, most);
    if (units > kMostUnits || least_units > kMostUnits) return {};
    Chunk& chunk = *chunks_.find(first);
    const std::size_t at = static_cast<std::size_t>(static_cast<std::byte*>(first) - chunk.base) / kUnitBytes;
    if (least_units < units) {
        release_units(chunk.base + (at + least_units) * kUnitBytes, units - least_units);
        keep_at_most(budget());
        return least;
    }
    const std::size_t end = std::min(at + std::min(units_for(most), kMostUnits), kUnitsPerChunk);
    std::size_t free_end = at + units;
    while (free_end < end && (chunk.free >> free_end & 1U) != 0) ++free_end;
    if (free_end < at + least_units) return {};
    if (free_end > at + units) static_cast<void>(take_from(chunk, at + units, free_end - at - units));
    return std::min(most, PageCount{(free_end - at) * kUnitPages.value});
}

PageCount SpanCache::resize_large(void* first, PageCount count, PageCount least, PageCount most) {
    const LargeSpans::Taken added = large_.resize(first, count, least, most);
    if (added.first == nullptr) return {};
    latest_large_ = added;
    if (least > count) most_grown_ = std::max(most_grown_, least.value * kPageSize);
    wanted_large(added.count > count ? (added.count - count).value * kPageSize : 0);
    used_ -= count.value * kPageSize;
    count_used(added.count.value * kPageSize);
    keep_at_most(budget());
    return added.count;
}

bool SpanCache::can_transfer(PageCount count, PageCount to_count) const {
    return units_for(count) > kMostUnits && units_for(to_count) > kMostUnits;
}

void SpanCache::release_empty(void* first, PageCount count) {
    large_.give_empty(first, count);
    used_ -= count.value * kPageSize;
}

/// The frames of all free units of a chunk.
void SpanCache::purge(Chunk& chunk, Purge& together) {
    const Units purged = chunk.free & chunk.dirty;
    if (purged == 0) return;
    if (together.runs.size() - together.count < kMostRuns) perform(together);
    for (Units left = purged; left != 0;) {
        const std::size_t first = lowest_bit(left);
        const std::size_t units = lowest_bit(~(left >> first));
        together.runs[together.count++] = {chunk.base + first * kUnitBytes, PageCount{units * kUnitPages.value}};
        left &= ~bits(first, units);
    }
    ++purges_;
    const std::size_t bytes = ones_in(purged) * kUnitBytes;
    kept_ -= bytes;
    given_back(bytes);
    chunk.dirty &= ~purged;
}

void SpanCache::perform(Purge& together) {
    if (together.count != 0) pages_.purge(std::span(together.runs).first(together.count));
    together.count = 0;
}

bool SpanCache::trim() {
    const std::size_t before = kept() + large_.mapped().value * kPageSize;
    keep_at_most(0);
    large_.keep_nothing();
    // Whoever asked for it is waiting for the addresses.
    do_chores_now();
    const bool others = unfinished_.load(std::memory_order_relaxed) != 0;
    await_chores();
    return others || kept() + large_.mapped().value * kPageSize != before;
}

PageChores SpanCache::take_chores() {
    const PageChores taken = chores_;
    chores_.forget();
    if (!taken.empty()) unfinished_.fetch_add(1, std::memory_order_relaxed);
    return taken;
}

void SpanCache::do_chores_now() {
    chores_.perform(pages_);
    chores_.forget();
}

void SpanCache::do_chores(const PageChores& chores) {
    if (chores.empty()) return;
    chores.perform(pages_);
    unfinished_.fetch_sub(1, std::memory_order_release);
}

/// Whoever has chores to do may have been stopped, so nobody waits for ever.
void SpanCache::await_chores() {
    constexpr unsigned kPatience = 100'000;
    for (unsigned i = 0; i < kPatience && unfinished_.load(std::memory_order_acquire) != 0; ++i) {
    }
}

SpanCacheStatistics SpanCache::statistics() const {
    return {.mapped_bytes = chunk_count_ * kChunkBytes + large_.mapped().value * kPageSize,
            .kept_bytes = kept(),
            .used_bytes = used_,
            .budget_bytes = budget(),
            .purges = purges_};
}

void SpanCache::check_invariants() const {
    std::size_t kept = 0;
    for (const Chunk* chunk = with_room_; chunk != nullptr; chunk = chunk->next) {
        require(chunk->free != 0 && (chunk->next == nullptr ? last_with_room_ : chunk->next->previous) == chunk,
                "I18: the list of chunks is torn");
        kept += ones_in(chunk->free & chunk->dirty) * kUnitBytes;
    }
    require(kept == kept_, "I18: kept bytes have drifted");
    large_.check_invariants();
}

}  // namespace quire
