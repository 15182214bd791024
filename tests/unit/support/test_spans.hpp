#pragma once
/// A span source for tests of heaps.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "quire/heap/span_source.hpp"

namespace quire::test {

/// Pages from a range of host addresses, first fit over a plain vector: fills what comes back with a pattern, and can
/// fail.
class TestSpans final : public SpanSource {
public:
    static constexpr std::size_t kPages = 65536;  // 256 MiB of addresses
    TestSpans() : used_(kPages) {
        void* place = mmap(nullptr, (kPages + 1024) * kPageSize, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        raw_ = static_cast<std::byte*>(place);
        base_ = reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(place) + 4 * 1024 * 1024 - 1) &
                                             ~std::uintptr_t{4 * 1024 * 1024 - 1});
    }
    ~TestSpans() { munmap(raw_, (kPages + 1024) * kPageSize); }

    void* acquire(PageCount count, PageCount alignment) override {
        ++calls;
        if (calls == fail_at) return nullptr;
        for (std::size_t start = 0; start + count.value <= kPages; start += alignment.value) {
            std::size_t length = 0;
            while (length < count.value && !used_[start + length]) ++length;
            if (length < count.value) continue;
            for (std::size_t i = 0; i < count.value; ++i) used_[start + i] = true;
            pages += count.value;
            std::memset(base_ + start * kPageSize, 0xCC, count.value * kPageSize);
            return base_ + start * kPageSize;
        }
        return nullptr;
    }
    void release(void* first, PageCount count) override {
        if (on_release) std::exchange(on_release, {})();
        const auto start = static_cast<std::size_t>(static_cast<std::byte*>(first) - base_) / kPageSize;
        for (std::size_t i = 0; i < count.value; ++i) {
            EXPECT_TRUE(used_[start + i]);
            used_[start + i] = false;
        }
        pages -= count.value;
    }
    [[nodiscard]] PageRange range() const {
        return range_of(Page{reinterpret_cast<std::uintptr_t>(base_) / kPageSize}, PageCount{kPages});
    }

    std::size_t pages = 0;
    std::size_t calls = 0;
    std::size_t fail_at = 0;
    std::function<void()> on_release;  ///< called once: what others do meanwhile

private:
    std::vector<bool> used_;
    std::byte* raw_;
    std::byte* base_;
};

}  // namespace quire::test
