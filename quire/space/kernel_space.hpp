#pragma once
/// The kernel's own addresses: spans for its heap, stacks with guard pages. Where a program's memory arrives by faults,
/// the
/// kernel's is committed before it is used, so that no lock is ever held across a fault (gotchas 18 and 19).
///
/// The same range list as a program's, over other pages and with its nodes in another window; the same in every space.

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/base/lock.hpp"
#include "quire/paging/paging.hpp"
#include "quire/space/range_list.hpp"

namespace quire {

struct SpanRequest {
    PageCount count{1};      ///< committed pages, at least 1
    PageCount alignment{1};  ///< the first committed page is a multiple of this power of two
    PageCount guard{0};      ///< pages before the first committed one that are never mapped
};

class KernelSpace {
public:
    KernelSpace(Paging& paging, PageRange node_window, PageRange pages)
        : paging_(paging), list_(paging, node_window, pages) {}

    /// no_frames. Once.
    [[nodiscard]] Result<void> open() QUIRE_EXCLUDES(lock_);

    /// A span of committed kernel pages, readable and writable, contents undefined. Returns its first committed page.
    /// no_addresses, no_frames, list_full, bad_argument; then nothing has changed. O(log n + pages).
    [[nodiscard]] Result<Page> acquire(const SpanRequest& request) QUIRE_EXCLUDES(lock_);

    /// Addresses at which the kernel reads frames that the allocator does not manage: a boot module, a device's memory.
    /// Given
    /// back by release(). bad_argument for an empty range; otherwise errors as acquire().
    [[nodiscard]] Result<Page> show(FrameRange frames, Rights rights) QUIRE_EXCLUDES(lock_);

    /// Gives a span back: frames, addresses and its guard. `first` is what acquire() returned; anything else is a
    /// defect.
    /// Never needs memory.
    void release(Page first) QUIRE_EXCLUDES(lock_);

    /// Committed pages of all spans, guards not counted.
    [[nodiscard]] PageCount committed() const QUIRE_EXCLUDES(lock_);
    /// Whether a page is the guard of a span: a fault there is an overflow of what lies above (gotcha 68).
    [[nodiscard]] bool is_guard(Page page) const;
    [[nodiscard]] const RangeList& list() const { return list_; }

    /// The list is sound, every page of a span is mapped, for the kernel only, nothing else is (I17).
    void check_invariants() const QUIRE_EXCLUDES(lock_);

private:
    [[nodiscard]] Result<Page> place_locked(const SpanRequest& request) QUIRE_REQUIRES(lock_);
    void enter_locked(PageRange committed, PageCount guard, Rights rights) QUIRE_REQUIRES(lock_);

    Paging& paging_;
    mutable Machine::Lock lock_;
    RangeList list_;
    PageCount committed_ QUIRE_GUARDED_BY(lock_){};
};

}  // namespace quire
