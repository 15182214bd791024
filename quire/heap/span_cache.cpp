#include "quire/heap/span_cache.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace quire {

namespace {

constexpr std::size_t units_for(PageCount count) {
    return (count.value + kUnitPages.value - 1) / kUnitPages.value;
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
    return static_cast<std::size_t>(std::countr_zero(mask));
}

/// Large spans come in steps of an eighth of their size, so that one can take another's place. What nobody touches costs
/// addresses only.
constexpr PageCount rounded(PageCount count) {
    const std::size_t step = std::bit_floor(count.value) / 8;
    return {(count.value + step - 1) / step * step};
}

}  // namespace

void* SpanCache::acquire(PageCount count, PageCount alignment) {
    return take(count, alignment).first;
}

void* SpanCache::acquire_zeroed(PageCount count, PageCount alignment) {
    const Found found = take(count, alignment);
    const std::size_t bytes = count.value * kPageSize;
    if (units_for(count) > kMostUnits) {
        if (found.dirty != 0) std::memset(found.first, 0, bytes);
        return found.first;
    }
    for (std::size_t unit = 0; unit * kUnitBytes < bytes && found.first != nullptr; ++unit) {
        if ((found.dirty >> unit & 1U) == 0) continue;
        std::memset(static_cast<std::byte*>(found.first) + unit * kUnitBytes, 0,
                    std::min(kUnitBytes, bytes - unit * kUnitBytes));
    }
    return found.first;
}

void SpanCache::release(void* first, PageCount count) {
    const std::size_t units = units_for(count);
    if (units > kMostUnits)
        release_large(first, rounded(count));
    else
        release_units(first, units);
    learn();
    keep_at_most(statistics_.budget_bytes);
}

SpanCache::Found SpanCache::take(PageCount count, PageCount alignment) {
    const std::size_t units = units_for(count);
    if (units > kMostUnits) return take_large(count, alignment);
    return take_units(units, units_for(alignment));
}

SpanCache::Found SpanCache::take_units(std::size_t units, std::size_t alignment) {
    // What has frames already comes first.
    if (statistics_.kept_bytes >= units * kUnitBytes) {
        for (Chunk* chunk = with_room_; chunk != nullptr; chunk = chunk->next) {
            const std::size_t first = find_run(chunk->free & chunk->dirty, units, alignment);
            if (first < kUnitsPerChunk) return take_from(*chunk, first, units);
        }
    }
    for (Chunk* chunk = with_room_; chunk != nullptr; chunk = chunk->next) {
        const std::size_t first = find_run(chunk->free, units, alignment);
        if (first < kUnitsPerChunk) return take_from(*chunk, first, units);
    }
    Chunk* const chunk = new_chunk();
    return chunk == nullptr ? Found{} : take_from(*chunk, 0, units);
}

SpanCache::Found SpanCache::take_from(Chunk& chunk, std::size_t first, std::size_t units) {
    const Units taken = bits(first, units);
    const Units dirty = chunk.dirty & taken;
    const auto dirty_units = static_cast<std::size_t>(ones_in(dirty));
    statistics_.kept_bytes -= dirty_units * kUnitBytes;
    wanted((units - dirty_units) * kUnitBytes);
    statistics_.used_bytes += units * kUnitBytes;
    chunk.free &= ~taken;
    chunk.fresh = (chunk.fresh & ~taken) | (taken & ~chunk.dirty);
    chunk.dirty |= taken;
    if (chunk.free == 0) unlist(chunk);
    return {chunk.base + first * kUnitBytes, dirty >> first};
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
    void* const first = pages_.map(kPages, kPages, false);
    if (first == nullptr) return nullptr;
    const PageRange range = range_of(Page{reinterpret_cast<std::uintptr_t>(first) >> kPageShift}, kPages);
    if (!chunks_.prepare(range, own_)) {
        pages_.unmap(first, kPages, false);
        return nullptr;
    }
    Chunk* const chunk = unused_;
    unused_ = chunk->next;
    *chunk = Chunk{.base = static_cast<std::byte*>(first), .large = statistics_.used_bytes >= kLargeFramesFrom};
    if (chunk->large) pages_.prefer_large_frames(first, kPages);
    chunks_.set(range, chunk);
    statistics_.mapped_bytes += kChunkBytes;
    ++chunk_count_;
    list(*chunk);
    return chunk;
}

/// All its units are free.
void SpanCache::delete_chunk(Chunk& chunk) {
    constexpr PageCount kPages{kChunkBytes / kPageSize};
    unlist(chunk);
    const std::size_t kept = ones_in(chunk.dirty) * kUnitBytes;
    statistics_.kept_bytes -= kept;
    given_back(kept);
    chunks_.set(range_of(Page{reinterpret_cast<std::uintptr_t>(chunk.base) >> kPageShift}, kPages), nullptr);
    pages_.unmap(chunk.base, kPages, false);
    statistics_.mapped_bytes -= kChunkBytes;
    --chunk_count_;
    chunk.next = unused_;
    unused_ = &chunk;
}

void SpanCache::release_units(void* first, std::size_t units) {
    Chunk& chunk = *chunks_.find(first);
    const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(first) - chunk.base);
    if (chunk.free == 0) list(chunk);
    chunk.free |= bits(offset / kUnitBytes, units);
    statistics_.kept_bytes += units * kUnitBytes;
    statistics_.used_bytes -= units * kUnitBytes;
}

bool SpanCache::lacks_frames(const void* first, PageCount count) {
    if (units_for(count) > kMostUnits) return true;
    const Chunk& chunk = *chunks_.find(first);
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(first) - chunk.base);
    const Units units = bits(offset / kUnitBytes, units_for(count));
    return !chunk.large && (chunk.fresh & units) == units;
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

SpanCache::Found SpanCache::take_large(PageCount count, PageCount alignment) {
    const PageCount whole = rounded(count);
    if (whole < count) return {};
    for (std::size_t i = large_count_; i-- > 0;) {
        const LargeSpan span = large_[i];
        const std::uintptr_t page = reinterpret_cast<std::uintptr_t>(span.first) >> kPageShift;
        if (span.count != whole || page % alignment.value != 0) continue;
        large_[i] = large_[--large_count_];
        statistics_.kept_bytes -= whole.value * kPageSize;
        return {span.first, ~Units{0}};
    }
    void* const first = pages_.map(whole, alignment, true);
    if (first == nullptr) return {};
    statistics_.mapped_bytes += whole.value * kPageSize;
    wanted(whole.value * kPageSize);
    return {first, 0};
}

void SpanCache::release_large(void* first, PageCount count) {
    const std::size_t bytes = count.value * kPageSize;
    if (bytes > statistics_.budget_bytes || large_count_ == kLargeKept) {
        pages_.unmap(first, count, true);
        statistics_.mapped_bytes -= bytes;
        given_back(bytes);
        return;
    }
    large_[large_count_++] = {first, count};
    statistics_.kept_bytes += bytes;
}

bool SpanCache::resize(void* first, PageCount count, PageCount new_count) {
    const std::size_t units = units_for(count);
    const std::size_t new_units = units_for(new_count);
    if (units > kMostUnits || new_units > kMostUnits)
        return units > kMostUnits && new_units > kMostUnits && rounded(count) == rounded(new_count);
    Chunk& chunk = *chunks_.find(first);
    const std::size_t at = static_cast<std::size_t>(static_cast<std::byte*>(first) - chunk.base) / kUnitBytes;
    if (new_units < units) {
        release_units(chunk.base + (at + new_units) * kUnitBytes, units - new_units);
        keep_at_most(statistics_.budget_bytes);
    } else if (new_units > units) {
        const std::size_t more = new_units - units;
        if (at + new_units > kUnitsPerChunk) return false;
        const Units wanted_units = bits(at + units, more);
        if ((chunk.free & wanted_units) != wanted_units) return false;
        static_cast<void>(take_from(chunk, at + units, more));
    }
    return true;
}

bool SpanCache::transfer(void* from, PageCount count, void* to, PageCount to_count) {
    if (units_for(count) <= kMostUnits || units_for(to_count) <= kMostUnits) return false;
    const PageCount whole = rounded(count);
    if (!pages_.move(from, whole, to, rounded(to_count))) return false;
    statistics_.mapped_bytes -= whole.value * kPageSize;
    return true;
}

/// The frames of all free units of a chunk, neighbours together.
void SpanCache::purge(Chunk& chunk) {
    Units left = chunk.free & chunk.dirty;
    while (left != 0) {
        const auto first = static_cast<std::size_t>(std::countr_zero(left));
        const auto units = static_cast<std::size_t>(std::countr_one(left >> first));
        pages_.purge(chunk.base + first * kUnitBytes, PageCount{units * kUnitPages.value});
        ++statistics_.purges;
        statistics_.kept_bytes -= units * kUnitBytes;
        given_back(units * kUnitBytes);
        left &= ~bits(first, units);
    }
    chunk.dirty &= ~chunk.free;
}

/// Gives back frames until no more than `bytes` are kept, and then some, so that it does not begin again at once. The last
/// chunk of the list is the one that is used last.
void SpanCache::keep_at_most(std::size_t bytes) {
    if (statistics_.kept_bytes <= bytes) return;
    const std::size_t target = bytes / 2;
    while (large_count_ > 0 && statistics_.kept_bytes > target) {
        const LargeSpan span = large_[--large_count_];
        const std::size_t span_bytes = span.count.value * kPageSize;
        pages_.unmap(span.first, span.count, true);
        statistics_.mapped_bytes -= span_bytes;
        statistics_.kept_bytes -= span_bytes;
        given_back(span_bytes);
    }
    for (Chunk* chunk = last_with_room_; chunk != nullptr && statistics_.kept_bytes > target;) {
        Chunk* const previous = chunk->previous;
        if (chunk->free == ~Units{0} && chunk_count_ > 1)
            delete_chunk(*chunk);
        else
            purge(*chunk);
        chunk = previous;
    }
}

bool SpanCache::trim() {
    const bool any = statistics_.kept_bytes != 0;
    if (any) keep_at_most(0);
    return any;
}

void SpanCache::given_back(std::size_t bytes) {
    if (bytes == 0) return;
    given_back_ += bytes;
    last_given_back_ = pages_.now();
}

/// Bytes without frames are taken. If as many were given back just before, that was a mistake.
void SpanCache::wanted(std::size_t bytes) {
    if (bytes == 0 || given_back_ < bytes) return;
    if (pages_.now() - last_given_back_ > kSoon) {
        given_back_ = 0;
        return;
    }
    given_back_ -= bytes;
    statistics_.budget_bytes += bytes;
    last_learned_ = pages_.now();
}

void SpanCache::learn() {
    if (statistics_.budget_bytes == kFirstBudget || pages_.now() - last_learned_ < kSoon) return;
    statistics_.budget_bytes = std::max(kFirstBudget, statistics_.budget_bytes / 2);
    last_learned_ = pages_.now();
}

}  // namespace quire
