#pragma once
/// A debug heap over doubles: blocks from the host's malloc, pages from aligned_alloc. Both count, both can fail at a given call, and
/// findings are kept instead of ending the test.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "quire/heap/debug/debug_heap.hpp"

namespace quire::test {

/// Calls of both sources, together.
struct Calls {
    std::size_t made = 0;
    std::size_t fail_at = 0;
    [[nodiscard]] bool fails() { return ++made == fail_at; }
};

class DoubleSpans final : public SpanSource {
public:
    explicit DoubleSpans(Calls& calls) : calls_(calls) {}
    ~DoubleSpans() { EXPECT_EQ(pages, 0U) << "pages were kept"; }
    void* acquire(PageCount count, PageCount alignment) override {
        if (closed || calls_.fails()) return nullptr;
        void* const place = std::aligned_alloc(alignment.value * kPageSize, count.value * kPageSize);
        std::memset(place, 0xCC, count.value * kPageSize);
        pages += count.value;
        return place;
    }
    void release(void* first, PageCount count) override {
        pages -= count.value;
        std::free(first);
    }
    std::size_t pages = 0;
    bool closed = false;  ///< no pages any more

private:
    Calls& calls_;
};

class DoubleBlocks final : public BlockSource {
public:
    explicit DoubleBlocks(Calls& calls) : calls_(calls) {}
    ~DoubleBlocks() { EXPECT_TRUE(taken.empty()) << "blocks were kept"; }
    void* allocate(std::size_t bytes, std::size_t alignment) override {
        EXPECT_GT(bytes, 0U);
        EXPECT_GE(alignment, 16U);
        if (bytes > most || calls_.fails()) return nullptr;
        const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
        void* const block = std::aligned_alloc(alignment, whole);
        std::memset(block, 0xEE, whole);
        taken[block] = whole;
        return block;
    }
    void free(void* block) override {
        EXPECT_EQ(taken.erase(block), 1U);
        std::free(block);
    }
    std::size_t usable_size(const void* block) const override { return taken.at(const_cast<void*>(block)); }

    std::map<void*, std::size_t> taken;
    std::size_t most = std::size_t{1} << 30U;

private:
    Calls& calls_;
};

class KeptFindings final : public FindingSink {
public:
    void report(const Finding& finding) override {
        Line line;
        describe(finding, line);
        lines.emplace_back(line.view());
        all.push_back(finding);
    }
    std::vector<Finding> all;
    std::vector<std::string> lines;
};

/// A made-up stack of three addresses.
struct Place {
    explicit Place(std::uintptr_t number) : frames{0x1000 + number, 0x2000, 0x3000} {}
    operator CallSite() const { return frames; }  // NOLINT(google-explicit-constructor)
    std::array<std::uintptr_t, 3> frames;
};

struct DebugWorld {
    explicit DebugWorld(const DebugHeapOptions& options = {.quarantine = 4096})
        : heap(blocks, spans, findings, options) {}
    std::byte* take(std::size_t bytes, std::size_t alignment = 16, std::uintptr_t place = 1) {
        return static_cast<std::byte*>(heap.allocate(bytes, alignment, Place(place)));
    }
    void give(void* block, std::uintptr_t place = 2) { heap.free(block, Place(place)); }

    Calls calls;
    DoubleBlocks blocks{calls};
    DoubleSpans spans{calls};
    KeptFindings findings;
    DebugHeap heap;
};

struct KeptGroups final : LeakVisitor {
    void group(const LeakGroup& group) override { all.push_back(group); }
    std::vector<LeakGroup> all;
};

}  // namespace quire::test
