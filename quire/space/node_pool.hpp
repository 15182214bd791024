#pragma once
/// The window in which a range list keeps its nodes: pages that are committed one by one, upwards, in the
/// reserve step of a verb and never by a fault (gotcha 19). The window has an end: when it is reached the request fails
/// with list_full and nothing else changes, so the list can never grow into what lies behind it (the seed's worry).
///
///      0xFF800000                                                            window end, then a guard page
///      ┌─ page 0 ─────────┬─ page 1 ─────────┬─ not committed ──────────────┬───────┐
///      │ 0 1 2 …      127 │ 128 …        255 │                              │ guard │
///      └──────────────────┴──────────────────┴──────────────────────────────┴───────┘
///        └ the sentinel
///
/// Not locked: belongs to one list. The pool object itself lies in kernel memory, only the nodes are in the window.

#include "quire/base/address.hpp"
#include "quire/base/error.hpp"
#include "quire/paging/paging.hpp"
#include "quire/space/range_node.hpp"

namespace quire {

class NodePool {
public:
    static constexpr std::size_t kNodesPerPage = kPageSize / sizeof(RangeNode);

    NodePool(Paging& paging, PageRange window) : paging_(&paging), window_(window) {}

    /// Makes sure that the next `count` calls of take() succeed. no_frames, list_full. O(pages committed), mostly O(1).
    [[nodiscard]] Result<void> reserve(std::size_t count);

    /// A node with default values. A defect without a successful reserve().
    [[nodiscard]] NodeNumber take();
    void give_back(NodeNumber number);

    [[nodiscard]] RangeNode& operator[](NodeNumber number) const {
        return reinterpret_cast<RangeNode*>(Machine::pointer(address_of(window_.first)))[number];
    }

    /// Becomes a pool with the same nodes under the same numbers as `other`, whose window's pages have been copied to this one's.
    void take_over(const NodePool& other);

    /// Frees every page of the window. All nodes are gone.
    void close();

    [[nodiscard]] PageRange window() const { return window_; }
    [[nodiscard]] std::size_t used() const { return used_; }  ///< nodes taken, without the sentinel
    [[nodiscard]] std::size_t free() const { return free_; }  ///< nodes that need no further page
    [[nodiscard]] PageCount committed() const { return committed_; }
    [[nodiscard]] std::size_t capacity() const { return window_.count().value * kNodesPerPage - 1; }

private:
    [[nodiscard]] Result<void> commit_page();

    Paging* paging_;
    PageRange window_;
    PageCount committed_{};
    NodeNumber first_free_ = kNoNode;  ///< chained through `left`
    std::size_t free_ = 0;
    std::size_t used_ = 0;
};

}  // namespace quire
