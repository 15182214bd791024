#pragma once
/// Pages from Linux, for the heap (PageSource) and for what the heap knows (SpanSource).

#include <array>
#include <atomic>
#include <cstddef>

#include "quire/heap/page_source.hpp"
#include "quire/heap/span_source.hpp"

namespace quire::linux_port {

/// mmap(2), munmap(2), madvise(2), process_madvise(2), mremap(2); guard_pages.hpp.
class MappedPages final : public PageSource {
public:
    [[nodiscard]] void* map(PageCount count, PageCount alignment, bool fenced) override;
    void unmap(void* first, PageCount count, bool fenced) override;
    void protect(void* first, PageCount count, bool usable) override;
    void get_frames(void* first, PageCount count) override;
    [[nodiscard]] bool have_frames(const void* first, PageCount count) override;
    void purge(std::span<const PageRun> runs) override;
    [[nodiscard]] bool move(void* from, PageCount count, void* to) override;
    [[nodiscard]] std::uint64_t now() override;
};

/// The heap's own pages: apart from all blocks, between guard pages. Of single pages that come back the frames are given back, and the
/// addresses kept for the next.
class OwnPages final : public SpanSource {
public:
    constexpr explicit OwnPages(MappedPages& pages) : pages_(pages) {}
    [[nodiscard]] void* acquire(PageCount count, PageCount alignment) override;
    [[nodiscard]] void* acquire_zeroed(PageCount count, PageCount alignment) override {
        return acquire(count, alignment);
    }
    void release(void* first, PageCount count) override;
    [[nodiscard]] bool takes_descriptors_back() const override {
        return !shared_.load(std::memory_order_relaxed) && returned_count_ < returned_.size();
    }
    /// A second local heap is about to be made.
    void share() { shared_.store(true, std::memory_order_relaxed); }

private:
    static constexpr PageCount kGrowth{256};
    MappedPages& pages_;
    std::byte* next_ = nullptr;
    PageCount left_{};
    std::array<void*, 1024> returned_{};
    std::size_t returned_count_ = 0;
    std::atomic<bool> shared_ = false;
};

}  // namespace quire::linux_port
