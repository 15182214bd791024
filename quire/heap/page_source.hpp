#pragma once
/// Where a span cache gets addresses and frames: an operating system, seen from a program in it.

#include <cstddef>
#include <cstdint>
#include <span>

#include "quire/base/address.hpp"

namespace quire {

struct PageRun {
    void* first = nullptr;
    PageCount count;
};

class PageSource {
public:
    PageSource() = default;
    PageSource(const PageSource&) = delete;
    PageSource& operator=(const PageSource&) = delete;

    /// Pages that read as zeroes and get their frames at first touch, the first at a multiple of `alignment` pages (a power
    /// of two); with a page before them that faults, if `fenced`. nullptr when there are none.
    [[nodiscard]] virtual void* map(PageCount count, PageCount alignment, bool fenced) = 0;
    /// Takes back what map() gave, or a part of it; with the page before, if `fenced`.
    virtual void unmap(void* first, PageCount count, bool fenced) = 0;
    /// Makes pages fault, or usable again; then they read as zeroes.
    virtual void protect(void* first, PageCount count, bool usable) = 0;
    /// The pages are about to be used: gets all their frames at once, if it can.
    virtual void get_frames(void* first, PageCount count) = 0;
    /// Whether at least three quarters of the pages have frames; of a long run it looks at the last ones only.
    [[nodiscard]] virtual bool have_frames(const void* first, PageCount count) = 0;
    /// Gives the frames back and keeps the addresses: the pages read as zeroes again. All at once, because what takes long is
    /// to tell the other processors.
    virtual void purge(std::span<const PageRun> runs) = 0;
    /// Moves the contents of mapped pages to others, by their frames; the first read as zeroes then. False: it cannot, and
    /// nothing has changed.
    [[nodiscard]] virtual bool move(void* from, PageCount count, void* to) = 0;
    /// Milliseconds since some moment; need not be exact.
    [[nodiscard]] virtual std::uint64_t now() = 0;

protected:
    ~PageSource() = default;
};

}  // namespace quire
