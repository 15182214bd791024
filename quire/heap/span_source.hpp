#pragma once
/// Where a heap gets its pages. The kernel's gives committed kernel pages, a program's gives mmap.

#include <cstddef>
#include <cstring>

#include "quire/base/address.hpp"
#include "quire/heap/page_chores.hpp"

namespace quire {

class SpanSource {
public:
    SpanSource() = default;
    SpanSource(const SpanSource&) = delete;
    SpanSource& operator=(const SpanSource&) = delete;

    /// `count` pages that can be used as soon as the chores are done (take_chores), contents undefined, the first at a multiple of
    /// `alignment` pages (a power of two). nullptr when there are none. Called with the heap's lock held, as all that does not
    /// say otherwise: it must not use the heap.
    [[nodiscard]] virtual void* acquire(PageCount count, PageCount alignment) = 0;
    /// The same, full of zeroes, which can be used at once. For a source whose pages are zero anyway this costs nothing.
    [[nodiscard]] virtual void* acquire_zeroed(PageCount count, PageCount alignment) {
        void* const first = acquire(count, alignment);
        if (first != nullptr) std::memset(first, 0, count.value * kPageSize);
        return first;
    }
    struct Roomy {
        void* first = nullptr;  ///< nullptr: there are no pages
        PageCount count{};      ///< of the span, by which it is to be released
    };
    /// The same for a span that may as well be longer, by up to a half and a unit, if that saves work.
    [[nodiscard]] virtual Roomy acquire_roomy(PageCount count, PageCount alignment) {
        return {acquire(count, alignment), count};
    }
    /// The same for a span that is likely to grow: with room behind it, if possible.
    [[nodiscard]] virtual void* acquire_growing(PageCount count, PageCount alignment) {
        return acquire(count, alignment);
    }
    /// Whether a span that was just acquired reads as zeroes.
    [[nodiscard]] virtual bool is_zero(const void* first, PageCount count) {
        static_cast<void>(first), static_cast<void>(count);
        return false;
    }
    /// Whether a span that was just acquired, or what one was just made longer by, has yet to get frames, one at each first touch; then
    /// get_frames() pays.
    [[nodiscard]] virtual bool lacks_frames(const void* first, PageCount count) {
        static_cast<void>(first), static_cast<void>(count);
        return false;
    }
    /// These pages of a span are about to be used: gets all their frames at once, if it can. Needs no lock.
    virtual void get_frames(void* first, PageCount count) { static_cast<void>(first), static_cast<void>(count); }
    /// Of a span that lacked frames: whether most of it has some now. Needs no lock.
    [[nodiscard]] virtual bool have_frames(const void* first, PageCount count) {
        static_cast<void>(first), static_cast<void>(count);
        return true;
    }
    /// Takes a whole span back. Cannot fail.
    virtual void release(void* first, PageCount count) = 0;
    /// How long a span of `count` pages is when it reaches to its guard, if it has one.
    [[nodiscard]] virtual PageCount up_to_guard(PageCount count) const { return count; }
    /// How long a span of `count` pages may become for the price of it.
    [[nodiscard]] virtual PageCount rounded(PageCount count) const { return count; }
    /// Makes a span longer where it lies, contents kept: `least` to `most` pages in all, as many as there is room for. Or shorter: `least`
    /// pages. How many it has now; 0: it cannot, and nothing has changed. Most sources cannot.
    [[nodiscard]] virtual PageCount resize(void* first, PageCount count, PageCount least, PageCount most) {
        static_cast<void>(first), static_cast<void>(count), static_cast<void>(least), static_cast<void>(most);
        return {};
    }
    /// Whether transfer() may succeed between spans of these lengths; then acquire_growing() is where to move to.
    [[nodiscard]] virtual bool can_transfer(PageCount count, PageCount to_count) const {
        static_cast<void>(count), static_cast<void>(to_count);
        return false;
    }
    /// Moves the contents of one span to the beginning of another that is zero and at least as long, by their frames; what is
    /// left is for release_empty(). False: it cannot, and nothing has changed. Needs no lock.
    [[nodiscard]] virtual bool transfer(void* from, PageCount count, void* to) {
        static_cast<void>(from), static_cast<void>(count), static_cast<void>(to);
        return false;
    }
    /// Takes back a span whose contents were moved to another.
    virtual void release_empty(void* first, PageCount count) { release(first, count); }
    /// Gives back what it keeps for the next acquire(). True if there was something.
    virtual bool trim() { return false; }
    /// What the calls since have left to do. Whoever has made them gives up the lock and has it done before anything else; only
    /// release() may come before. O(1).
    [[nodiscard]] virtual PageChores take_chores() { return {}; }
    /// What take_chores() gave, once. Needs no lock. O(1) calls to the system.
    virtual void do_chores(const PageChores& chores) { static_cast<void>(chores); }
    /// Waits until all chores that were taken are done, but for no more than a moment: their owner may have been stopped.
    virtual void await_chores() {}
    /// Of a source for the heap's own pages: whether single pages may be release()d now. Only where all of the heap is behind one lock, or
    /// has had one local heap so far: who frees from afar may look at a descriptor when its slab has ended (LocalHeap::post).
    [[nodiscard]] virtual bool takes_descriptors_back() const { return false; }

protected:
    ~SpanSource() = default;
};

}  // namespace quire
