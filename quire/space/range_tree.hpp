#pragma once
/// The index over the nodes of a range list: a balanced search tree by first page (AVL: Adelson-Velsky and Landis 1962;
/// Knuth, TAOCP vol. 3, 6.2.3) in which each node also knows the largest gap below it, so that first fit in address
/// order
/// is one walk down. Every operation is O(log n): at most 1.44 log2(98,303) = 24 levels for a full list window.
///
/// Knows nodes and numbers, not what they mean: tiling and merging are RangeList's. Not locked.

#include <array>
#include <cstddef>

#include "quire/base/address.hpp"
#include "quire/space/node_pool.hpp"
#include "quire/space/range_node.hpp"

namespace quire {

class RangeTree {
public:
    explicit RangeTree(NodePool& pool) : pool_(&pool) {}

    /// The node with the greatest first page <= `page`; kNoNode if all begin above. When nodes tile, the one with
    /// `page`.
    [[nodiscard]] NodeNumber find(Page page) const;

    /// The gap with the lowest address that holds `count` pages at or after `from`; kNoNode if there is none. The part
    /// of the gap before `from` does not count.
    [[nodiscard]] NodeNumber first_gap(PageCount count, Page from) const;

    /// Links a node whose values are set; no other node has its first page.
    void insert(NodeNumber number);
    /// Unlinks the node that begins at `first`, which must exist. The node itself is not given back.
    void erase(Page first);
    /// Brings the gap sizes on the way to the node at `first` up to date after its count or kind changed.
    void refresh(Page first);

    [[nodiscard]] bool empty() const { return root_ == kNoNode; }
    void clear() { root_ = kNoNode; }
    /// The same tree over a pool with the same nodes: links are numbers.
    void take_over(const RangeTree& other) { root_ = other.root_; }

    /// Order, balance, heights and gap sizes of the whole tree (I10). Returns the number of nodes. O(n).
    [[nodiscard]] std::size_t check_invariants() const;

private:
    static constexpr std::size_t kMaxHeight = 32;
    /// The links from the root down to a place, so that it can be repaired upwards without parent pointers.
    class Path;

    [[nodiscard]] RangeNode& node(NodeNumber number) const { return (*pool_)[number]; }
    void update(RangeNode& node) const;
    [[nodiscard]] int balance(const RangeNode& node) const;
    [[nodiscard]] NodeNumber rotate_left(NodeNumber number) const;
    [[nodiscard]] NodeNumber rotate_right(NodeNumber number) const;
    [[nodiscard]] NodeNumber rebalanced(NodeNumber number) const;
    void repair(Path& path, std::size_t at_least);
    [[nodiscard]] std::size_t check(NodeNumber number, Page& previous_end, std::size_t depth) const;

    NodePool* pool_;
    NodeNumber root_ = kNoNode;
};

}  // namespace quire
