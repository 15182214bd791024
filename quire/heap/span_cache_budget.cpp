// How much a span cache keeps, what it learns about that, and what goes first.
#include <algorithm>
#include <utility>

#include "quire/heap/span_cache.hpp"

namespace quire {

/// Gives back frames if more than `bytes` are kept, and then some, so that it does not begin again at once.
void SpanCache::keep_at_most(std::size_t bytes) {
    if (kept() > bytes) give_back_until(bytes - bytes / 4);
}

/// What was kept all the time since it looked here last has not been needed.
void SpanCache::give_back_surplus() {
    const std::uint64_t now = pages_.now();
    if (now - last_looked_ < kSoon) return;
    last_looked_ = now;
    most_used_before_ = std::exchange(most_used_, used_);
    most_grown_before_ = std::exchange(most_grown_, 0);
    // Less may be kept by now without any of it having been taken: it was given back.
    const std::size_t surplus = std::min(std::exchange(least_kept_, kept()), kept());
    const std::size_t least = kFirstBudget + learned();
    if (surplus > least) give_back_until(kept() - (surplus - least));
    least_kept_ = std::min(least_kept_, kept());
}

/// What takes one call for much comes first: large extents, then whole chunks, then what is free between used units. The last chunk of
/// the list is the one that is used last.
void SpanCache::give_back_until(std::size_t target) {
    const std::size_t large = kept() - kept_;
    const std::size_t excess = kept() - target;
    given_back(large_.keep_at_most(pages_for(large > excess ? large - excess : 0)).value * kPageSize);
    Purge together;
    for (const bool whole : {true, false}) {
        for (Chunk* chunk = last_with_room_; chunk != nullptr && kept() > target;) {
            Chunk* const previous = chunk->previous;
            if (whole && chunk->free == ~Units{0} && chunk_count_ > 1) delete_chunk(*chunk);
            if (!whole) purge(*chunk, together);
            chunk = previous;
        }
    }
    perform(together);
}

void SpanCache::given_back(std::size_t bytes) {
    if (bytes == 0) return;
    given_back_ += bytes;
    last_given_back_ = pages_.now();
}

/// Bytes without frames are taken. If as many were given back just before, that was a mistake; if more are wanted than went
/// back, the heap grows.
void SpanCache::wanted(std::size_t bytes) {
    if (bytes == 0 || bytes > given_back_) return;
    if (pages_.now() - last_given_back_ > kSoon) {
        given_back_ = 0;
        return;
    }
    given_back_ -= bytes;
    learned_ = std::min(learned_ + bytes, kHeapShape.most_learned);
    last_learned_ = pages_.now();
}

/// So many bytes of large spans are taken.
void SpanCache::wanted_large(std::size_t bytes) {
    const std::size_t clean = (large_.taken_clean() - std::exchange(clean_, large_.taken_clean())) * kPageSize;
    wanted(clean);
    used_again(bytes - std::min(clean, bytes));
}

/// Bytes that were kept are taken: more of it would be, if more was kept, before anything has been given back by mistake. Not more is
/// learned in this way than was used lately, so that it is forgotten soon.
void SpanCache::used_again(std::size_t bytes) {
    if (bytes == 0) return;
    learned_ = std::min({learned_ + bytes / 2, std::max(learned_, most_used_), kHeapShape.most_learned});
    last_learned_ = pages_.now();
}

void SpanCache::learn() {
    if (learned_ == 0 || pages_.now() - last_learned_ < kSoon) return;
    learned_ = learned_ < kUnitBytes ? 0 : learned_ / 2;
    last_learned_ = pages_.now();
}

void SpanCache::count_used(std::size_t more) {
    used_ += more;
    most_used_ = std::max(most_used_, used_);
}

std::size_t SpanCache::budget() const {
    if (used_ < kHeapShape.much_used) return std::max(kFirstBudget, used_ / 8) + learned();
    const std::size_t large = kept() - kept_;
    const std::size_t besides = 2 * std::min(used_, kHeapShape.kept_besides / 2);
    return used_ + std::min(besides, large) + learned();
}

/// What is kept then has not been found good enough.
std::size_t SpanCache::budget_in_growth() const {
    return std::max(kFirstBudget, used_ / 4) + learned();
}

/// What may be kept because it was missed: no more than was used lately and is not now, and half of that for what does not fit.
std::size_t SpanCache::learned() const {
    const std::size_t most = std::max(most_used_, most_used_before_);
    return std::min(learned_, most + most / 2 - used_);
}

}  // namespace quire
