#pragma once
/// Records of one type from whole pages: the debug heap's own memory, so that it never calls itself. Records do not move.

#include <cstddef>
#include <new>
#include <type_traits>

#include "quire/base/address.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

/// Not locked. Pages come as they are needed and go back when the pool ends: it keeps as many as its peak took.
template <typename Record>
class RecordPool {
    static_assert(std::is_trivially_destructible_v<Record>);

public:
    constexpr explicit RecordPool(SpanSource& source) : source_(source) {}
    RecordPool(const RecordPool&) = delete;
    RecordPool& operator=(const RecordPool&) = delete;
    ~RecordPool() {
        while (chunks_ != nullptr) {
            Chunk* const chunk = chunks_;
            chunks_ = chunk->next;
            source_.release(chunk, kChunkPages);
        }
    }

    /// A fresh record, or nullptr when there are no pages. O(1), and a chunk's records when it needs pages.
    [[nodiscard]] Record* take() {
        if (free_ == nullptr && !grow()) return nullptr;
        Free* const place = free_;
        free_ = place->next;
        return new (place) Record{};
    }
    void give(Record* record) { free_ = new (record) Free{free_}; }

    [[nodiscard]] PageCount own_pages() const { return own_pages_; }

private:
    static constexpr PageCount kChunkPages{4};

    struct Free {
        Free* next;
    };
    struct alignas(Record) Chunk {
        Chunk* next;
    };
    static_assert(sizeof(Record) >= sizeof(Free) && alignof(Record) >= alignof(Free));

    [[nodiscard]] bool grow() {
        auto* const place = static_cast<std::byte*>(source_.acquire(kChunkPages, PageCount{1}));
        if (place == nullptr) return false;
        own_pages_ += kChunkPages;
        chunks_ = new (place) Chunk{chunks_};
        for (std::size_t at = sizeof(Chunk); at + sizeof(Record) <= kChunkPages.value * kPageSize; at += sizeof(Record))
            free_ = new (place + at) Free{free_};
        return true;
    }

    SpanSource& source_;
    Free* free_ = nullptr;
    Chunk* chunks_ = nullptr;
    PageCount own_pages_{};
};

}  // namespace quire
