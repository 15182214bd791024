#pragma once
/// Where a heap gets its pages. The kernel's gives committed kernel pages, a program's gives mmap.

#include <cstddef>

#include "quire/base/address.hpp"

namespace quire {

class SpanSource {
public:
    SpanSource() = default;
    SpanSource(const SpanSource&) = delete;
    SpanSource& operator=(const SpanSource&) = delete;

    /// `count` pages that can be used at once, contents undefined, the first at a multiple of `alignment` pages (a
    /// power of two).
    /// nullptr when there are none. Called with the heap's lock held: it must not use the heap.
    [[nodiscard]] virtual void* acquire(PageCount count, PageCount alignment) = 0;
    /// Takes a whole span back. Cannot fail.
    virtual void release(void* first, PageCount count) = 0;

protected:
    ~SpanSource() = default;
};

}  // namespace quire
