#include "quire/space/node_pool.hpp"

#include "quire/base/defect.hpp"

namespace quire {

Result<void> NodePool::commit_page() {
    const Page page = window_.first + committed_;
    if (!(page < window_.end)) return fail(Error::list_full);
    if (const auto mapped = paging_->map_new({page, page + PageCount{1}}); !mapped) return mapped;
    const auto first = static_cast<NodeNumber>(committed_.value * kNodesPerPage);
    committed_ += PageCount{1};
    // Chained backwards so that nodes are used in ascending order.
    for (auto number = static_cast<NodeNumber>(first + kNodesPerPage); number-- > first;) {
        RangeNode& node = (*this)[number];
        node = RangeNode{};
        if (number == kNoNode) break;
        node.left = first_free_;
        first_free_ = number;
        ++free_;
    }
    return {};
}

Result<void> NodePool::reserve(std::size_t count) {
    while (free_ < count) {
        if (const auto page = commit_page(); !page) return page;
    }
    return {};
}

NodeNumber NodePool::take() {
    require(free_ != 0, "I9: a range node was taken that was not reserved");
    const NodeNumber number = first_free_;
    RangeNode& node = (*this)[number];
    first_free_ = node.left;
    node = RangeNode{};
    --free_;
    ++used_;
    return number;
}

void NodePool::give_back(NodeNumber number) {
    RangeNode& node = (*this)[number];
    node = RangeNode{};
    node.left = first_free_;
    first_free_ = number;
    ++free_;
    --used_;
}

void NodePool::take_over(const NodePool& other) {
    require(committed_.value == 0, "I12: a node pool in use was made a copy of another");
    committed_ = other.committed_;
    first_free_ = other.first_free_;
    free_ = other.free_;
    used_ = other.used_;
}

void NodePool::close() {
    paging_->unmap({window_.first, window_.first + committed_});
    committed_ = {};
    first_free_ = kNoNode;
    free_ = used_ = 0;
}

}  // namespace quire
