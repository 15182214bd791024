#pragma once
/// An operating system for tests of span caches: it knows of each page whether it is mapped, usable or a guard, forgets contents where
/// it may, and can fail at a given call.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "quire/heap/page_source.hpp"
#include "quire/heap/span_source.hpp"

namespace quire::test {

/// A GiB of addresses, handed out first fit. What is fenced, guarded or not mapped faults.
class TestPages final : public PageSource {
public:
    static constexpr std::size_t kLargestAlignment = 2048;  ///< pages

    TestPages() : states_(kPages, State::unmapped) {
        raw_ = mmap(nullptr, kReserved * kPageSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        const auto address = reinterpret_cast<std::uintptr_t>(raw_);
        constexpr std::uintptr_t kBytes = kLargestAlignment * kPageSize;
        base_ = static_cast<std::byte*>(raw_) + ((address + kBytes - 1) / kBytes * kBytes - address);
    }
    ~TestPages() { munmap(raw_, kReserved * kPageSize); }

    void* map(PageCount count, PageCount alignment, bool fenced) override {
        if (fails()) return nullptr;
        // Each mapping has slots of its own, so that whoever leaves his falls into a gap.
        const std::size_t step = std::max(alignment.value, kSlot);
        for (std::size_t first = step; first + count.value < kPages; first += step) {
            const auto begin = states_.begin() + static_cast<long>(first) - 1;
            const auto end = begin + static_cast<long>(count.value) + 2;
            if (std::any_of(begin, end, [](State state) { return state != State::unmapped; })) continue;
            if (fenced) states_[first - 1] = State::guard;
            set(first, count.value, State::usable);
            return base_ + first * kPageSize;
        }
        return nullptr;
    }
    void unmap(void* place, PageCount count, bool fenced) override {
        const std::size_t first = index(place);
        for (std::size_t i = first; i < first + count.value; ++i) EXPECT_NE(states_[i], State::unmapped);
        set(first, count.value, State::unmapped);
        if (!fenced) return;
        EXPECT_EQ(states_[first - 1], State::guard) << "there is no fence";
        states_[first - 1] = State::unmapped;
    }
    void protect(void* place, PageCount count, bool usable) override {
        const std::size_t first = index(place);
        for (std::size_t i = first; i < first + count.value; ++i) {
            EXPECT_NE(states_[i], State::unmapped);
            if (!usable && states_[i] == State::usable) std::memset(base_ + i * kPageSize, 0, kPageSize);
            states_[i] = usable ? State::usable : State::guard;
        }
        if (count.value != 0) mprotect(place, count.value * kPageSize, usable ? PROT_READ | PROT_WRITE : PROT_NONE);
    }
    void get_frames(void* place, PageCount count) override {
        expect_usable(place, count);
        populated += count.value;
    }
    bool have_frames(const void* place, PageCount count) override {
        expect_usable(place, count);
        return used;
    }
    void purge(std::span<const PageRun> runs) override {
        for (const auto& [place, count] : runs) {
            expect_usable(place, count);
            madvise(place, count.value * kPageSize, MADV_DONTNEED);
        }
    }
    bool move(void* from, PageCount count, void* to) override {
        if (fails()) return false;
        expect_usable(from, count);
        expect_usable(to, count);
        std::memcpy(to, from, count.value * kPageSize);
        std::memset(from, 0, count.value * kPageSize);
        return true;
    }
    std::uint64_t now() override { return time; }

    [[nodiscard]] PageRange range() const {
        return range_of(Page{reinterpret_cast<std::uintptr_t>(base_) / kPageSize}, PageCount{kPages});
    }
    [[nodiscard]] bool usable(const void* place, PageCount count) const {
        const std::size_t first = index(place);
        for (std::size_t i = first; i < first + count.value; ++i) {
            if (states_[i] != State::usable) return false;
        }
        return true;
    }
    [[nodiscard]] std::size_t mapped() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(states_, [](State state) { return state != State::unmapped; }));
    }
    /// Pages that are mapped and not zero: they have frames.
    [[nodiscard]] std::size_t written() const {
        std::size_t result = 0;
        for (std::size_t i = 0; i < kPages; ++i) {
            if (states_[i] != State::usable) continue;
            const auto* const page = reinterpret_cast<const std::uint64_t*>(base_ + i * kPageSize);
            result += std::any_of(page, page + kPageSize / sizeof *page, [](std::uint64_t word) { return word != 0; });
        }
        return result;
    }

    /// map(), move() and the cache's own pages are what can fail; all three count.
    [[nodiscard]] bool fails() {
        ++calls;
        return calls >= fail_at && calls - fail_at < failures && fail_at != 0;
    }
    std::size_t calls = 0;
    std::size_t fail_at = 0;
    std::size_t failures = 1;  ///< so many in a row
    std::uint64_t time = 5000;
    bool used = true;           ///< what have_frames() says
    std::size_t populated = 0;  ///< pages that get_frames() was asked for

private:
    enum class State : std::uint8_t { unmapped, usable, guard };
    static constexpr std::size_t kSlot = 1024;
    static constexpr std::size_t kPages = 256 * kSlot;
    static constexpr std::size_t kReserved = kPages + kLargestAlignment;

    [[nodiscard]] std::size_t index(const void* place) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(place) - base_) / kPageSize;
    }
    void expect_usable(const void* place, PageCount count) { EXPECT_TRUE(usable(place, count)); }
    void set(std::size_t first, std::size_t count, State state) {
        std::fill_n(states_.begin() + static_cast<long>(first), count, state);
        const int protection = state == State::usable ? PROT_READ | PROT_WRITE : PROT_NONE;
        mmap(base_ + first * kPageSize, count * kPageSize, protection,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    }

    std::vector<State> states_;
    void* raw_;
    std::byte* base_;
};

/// The heap's own pages; those that come back are full of zeroes, and another's soon.
class TestOwnPages final : public SpanSource {
public:
    explicit TestOwnPages(TestPages& pages) : pages_(pages) {}
    ~TestOwnPages() {
        for (const auto& [first, bytes] : given_) munmap(first, bytes);
    }
    void* acquire(PageCount count, PageCount alignment) override {
        EXPECT_EQ(alignment.value, 1U);
        if (pages_.fails()) return nullptr;
        const std::size_t bytes = count.value * kPageSize;
        void* first = nullptr;
        if (count.value == 1 && !returned_.empty()) {
            first = returned_.back();
            returned_.pop_back();
        } else {
            first = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            given_.emplace_back(first, bytes);
        }
        std::memset(first, 0xCC, bytes);
        return first;
    }
    void release(void* first, PageCount count) override {
        EXPECT_TRUE(takes_back && count.value == 1) << "these pages stay";
        std::memset(first, 0, kPageSize);
        returned_.push_back(first);
    }
    bool takes_descriptors_back() const override { return takes_back; }

    bool takes_back = false;  ///< for tests with one local heap
    [[nodiscard]] std::size_t pages() const {
        std::size_t result = 0;
        for (const auto& [first, bytes] : given_) result += bytes / kPageSize;
        return result - returned_.size();
    }

private:
    TestPages& pages_;
    std::vector<std::pair<void*, std::size_t>> given_;
    std::vector<void*> returned_;
};

}  // namespace quire::test
