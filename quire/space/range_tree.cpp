#include "quire/space/range_tree.hpp"

#include <algorithm>

#include "quire/base/defect.hpp"

namespace quire {

class RangeTree::Path {
public:
    void push(NodeNumber* link) {
        require(depth_ < kMaxHeight, "I10: the range tree is deeper than balance allows");
        links_[depth_++] = link;
    }
    [[nodiscard]] NodeNumber* pop() { return depth_ == 0 ? nullptr : links_[--depth_]; }
    [[nodiscard]] std::size_t depth() const { return depth_; }
    /// The link stored at `depth` now lives in another node.
    void replace(std::size_t depth, NodeNumber* link) { links_[depth] = link; }

private:
    std::array<NodeNumber*, kMaxHeight> links_;
    std::size_t depth_ = 0;
};

NodeNumber RangeTree::find(Page page) const {
    NodeNumber best = kNoNode;
    for (NodeNumber at = root_; at != kNoNode;) {
        const RangeNode& here = node(at);
        if (here.first <= page.number) {
            best = at;
            at = here.right;
        } else {
            at = here.left;
        }
    }
    return best;
}

NodeNumber RangeTree::first_gap(PageCount count, Page from) const {
    // Walk down towards `from`, remembering the subtrees to the right of the path: they lie wholly behind `from`,
    // nearest
    // last. Then the first of them (from the nearest) that promises a gap is searched leftmost-first.
    std::array<NodeNumber, kMaxHeight> later;
    std::size_t depth = 0;
    for (NodeNumber at = root_; at != kNoNode;) {
        const RangeNode& here = node(at);
        if (here.largest_gap < count.value) break;
        if (here.first + here.count > from.number) {
            later[depth++] = at;
            at = here.left;
        } else {
            at = here.right;
        }
    }
    while (depth-- > 0) {
        NodeNumber at = later[depth];
        const RangeNode& here = node(at);
        const std::uintptr_t usable_first = std::max(here.first, from.number);
        if (here.is_gap() && here.first + here.count - usable_first >= count.value) return at;
        at = here.right;
        while (at != kNoNode && node(at).largest_gap >= count.value) {
            const RangeNode& candidate = node(at);
            if (node(candidate.left).largest_gap >= count.value) {
                at = candidate.left;
            } else if (candidate.is_gap() && candidate.count >= count.value) {
                return at;
            } else {
                at = candidate.right;
            }
        }
    }
    return kNoNode;
}

void RangeTree::update(RangeNode& here) const {
    const RangeNode& left = node(here.left);
    const RangeNode& right = node(here.right);
    const auto own = here.is_gap() ? static_cast<std::uint32_t>(here.count) : 0U;
    here.height = static_cast<std::uint8_t>(std::max(left.height, right.height) + 1);
    here.largest_gap = std::max(own, std::max(left.largest_gap, right.largest_gap));
}

int RangeTree::balance(const RangeNode& here) const {
    return node(here.left).height - node(here.right).height;
}

NodeNumber RangeTree::rotate_left(NodeNumber number) const {
    const NodeNumber up = node(number).right;
    node(number).right = node(up).left;
    node(up).left = number;
    update(node(number));
    update(node(up));
    return up;
}

NodeNumber RangeTree::rotate_right(NodeNumber number) const {
    const NodeNumber up = node(number).left;
    node(number).left = node(up).right;
    node(up).right = number;
    update(node(number));
    update(node(up));
    return up;
}

/// The root of the subtree after at most two rotations.
NodeNumber RangeTree::rebalanced(NodeNumber number) const {
    RangeNode& here = node(number);
    update(here);
    const int lean = balance(here);
    if (lean > 1) {
        if (balance(node(here.left)) < 0) here.left = rotate_left(here.left);
        return rotate_right(number);
    }
    if (lean < -1) {
        if (balance(node(here.right)) > 0) here.right = rotate_right(here.right);
        return rotate_left(number);
    }
    return number;
}

/// Upwards until a subtree looks to its parent as it did before; at least as far as the link at depth `at_least`.
void RangeTree::repair(Path& path, std::size_t at_least) {
    while (NodeNumber* link = path.pop()) {
        if (*link == kNoNode) continue;
        const auto height = node(*link).height;
        const auto largest_gap = node(*link).largest_gap;
        *link = rebalanced(*link);
        const bool unchanged = node(*link).height == height && node(*link).largest_gap == largest_gap;
        if (unchanged && path.depth() <= at_least) return;
    }
}

void RangeTree::insert(NodeNumber number) {
    Path path;
    NodeNumber* link = &root_;
    const std::uintptr_t first = node(number).first;
    while (*link != kNoNode) {
        path.push(link);
        RangeNode& here = node(*link);
        require(here.first != first, "I10: two range nodes begin at one page");
        link = first < here.first ? &here.left : &here.right;
    }
    *link = number;
    update(node(number));
    repair(path, kMaxHeight);
}

void RangeTree::erase(Page first) {
    Path path;
    NodeNumber* link = &root_;
    for (;;) {
        require(*link != kNoNode, "I10: a range node to be erased is not in the tree");
        RangeNode& here = node(*link);
        if (here.first == first.number) break;
        path.push(link);
        link = first.number < here.first ? &here.left : &here.right;
    }
    RangeNode& gone = node(*link);
    if (gone.left == kNoNode || gone.right == kNoNode) {
        *link = gone.left != kNoNode ? gone.left : gone.right;
        repair(path, kMaxHeight);
        return;
    }
    // Two children: the successor takes the node's place, and the path runs through it.
    path.push(link);
    const std::size_t right_link_depth = path.depth();
    NodeNumber* successor_link = &gone.right;
    while (node(*successor_link).left != kNoNode) {
        path.push(successor_link);
        successor_link = &node(*successor_link).left;
    }
    const NodeNumber successor = *successor_link;
    *successor_link = node(successor).right;
    node(successor).left = gone.left;
    node(successor).right = gone.right;
    // What the parent knows about this place: repair() compares with it.
    node(successor).height = gone.height;
    node(successor).largest_gap = gone.largest_gap;
    *link = successor;
    if (path.depth() > right_link_depth) path.replace(right_link_depth, &node(successor).right);
    repair(path, right_link_depth - 1);  // the successor's own place has to be reached
}

void RangeTree::refresh(Page first) {
    Path path;
    NodeNumber* link = &root_;
    for (;;) {
        require(*link != kNoNode, "I10: a range node to be refreshed is not in the tree");
        path.push(link);
        RangeNode& here = node(*link);
        if (here.first == first.number) break;
        link = first.number < here.first ? &here.left : &here.right;
    }
    while (const NodeNumber* up = path.pop()) {
        const auto before = node(*up).largest_gap;
        update(node(*up));
        if (node(*up).largest_gap == before) return;
    }
}

std::size_t RangeTree::check(NodeNumber number, Page& previous_end, std::size_t depth) const {
    if (number == kNoNode) return 0;
    require(depth < kMaxHeight, "I10: the range tree is deeper than balance allows");
    const RangeNode& here = node(number);
    const std::size_t left = check(here.left, previous_end, depth + 1);
    require(here.count != 0 && Page{here.first} >= previous_end, "I10: range nodes overlap or are out of order");
    previous_end = Page{here.first + here.count};
    const std::size_t right = check(here.right, previous_end, depth + 1);
    RangeNode copy = here;
    update(copy);
    require(copy.height == here.height && copy.largest_gap == here.largest_gap, "I10: a range node's summary is stale");
    const int lean = balance(here);
    require(-1 <= lean && lean <= 1, "I10: the range tree is out of balance");
    return left + right + 1;
}

std::size_t RangeTree::check_invariants() const {
    const RangeNode& sentinel = node(kNoNode);
    require(sentinel.height == 0 && sentinel.largest_gap == 0, "I10: the sentinel node was written");
    Page end{0};
    return check(root_, end, 0);
}

}  // namespace quire
