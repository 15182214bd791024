#pragma once
/// Finds records by a hash. The records carry the links (`next`) and their hash (`hash`), so that entering one cannot fail once there
/// are buckets, and growing is a matter of speed only.

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

/// Mixes a word into a hash; begin with any number.
[[nodiscard]] constexpr std::uint32_t mix_hash(std::uint32_t hash, std::uintptr_t word) {
    const std::uint64_t product = (std::uint64_t{word} ^ hash) * 0x9E3779B97F4A7C15U;
    return static_cast<std::uint32_t>(product >> 32U) ^ static_cast<std::uint32_t>(product);
}

/// Not locked. Does not own the records.
template <typename Record>
class HashTable {
public:
    constexpr explicit HashTable(SpanSource& source) : source_(source) {}
    HashTable(const HashTable&) = delete;
    HashTable& operator=(const HashTable&) = delete;
    ~HashTable() {
        if (buckets_ != nullptr) source_.release(static_cast<void*>(buckets_), pages_);
    }

    /// Before insert(). Makes the table larger if it is full; false only if it has no buckets at all and gets none. O(1) amortised.
    [[nodiscard]] bool prepare() {
        if (buckets_ != nullptr && records_ < count()) return true;
        const PageCount pages{buckets_ == nullptr ? 1 : pages_.value * 2};
        auto** const fresh = static_cast<Record**>(source_.acquire_zeroed(pages, PageCount{1}));
        if (fresh == nullptr) return buckets_ != nullptr;
        Record** const old = buckets_;
        const PageCount old_pages = pages_;
        const std::size_t old_count = count();
        buckets_ = fresh;
        pages_ = pages;
        for (std::size_t i = 0; i < old_count; ++i) {
            while (Record* const record = old[i]) {
                old[i] = record->next;
                link(*record);
            }
        }
        if (old != nullptr) source_.release(static_cast<void*>(old), old_pages);
        return true;
    }
    void insert(Record& record) {
        link(record);
        ++records_;
    }
    void remove(Record& record) {
        Record** at = &bucket(record.hash);
        while (*at != &record) at = &(*at)->next;
        *at = record.next;
        --records_;
    }
    /// The first record that `is_it` says yes to, of those with this hash; else nullptr.
    template <typename Predicate>
    [[nodiscard]] Record* find(std::uint32_t hash, Predicate is_it) const {
        if (buckets_ == nullptr) return nullptr;
        for (Record* record = bucket(hash); record != nullptr; record = record->next) {
            if (record->hash == hash && is_it(*record)) return record;
        }
        return nullptr;
    }
    /// All of them, in no order. `visit` must not change the table.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < count(); ++i) {
            for (Record* record = buckets_[i]; record != nullptr; record = record->next) visit(*record);
        }
    }

    [[nodiscard]] std::size_t size() const { return records_; }
    [[nodiscard]] PageCount own_pages() const { return pages_; }

private:
    [[nodiscard]] std::size_t count() const { return pages_.value * (kPageSize / sizeof(Record*)); }
    [[nodiscard]] Record*& bucket(std::uint32_t hash) const { return buckets_[hash & (count() - 1)]; }
    void link(Record& record) {
        Record*& head = bucket(record.hash);
        record.next = head;
        head = &record;
    }

    SpanSource& source_;
    Record** buckets_ = nullptr;
    PageCount pages_{};
    std::size_t records_ = 0;
};

}  // namespace quire
