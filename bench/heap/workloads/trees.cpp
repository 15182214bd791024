// Binary trees of 24- or 32-byte nodes with new and delete: a long-lived one, and many that come and go.
#include "workloads.hpp"

namespace work {
namespace {

struct Node {
    Node *left, *right;
    std::uint64_t value;
};

Node* grow(unsigned depth, std::uint64_t value) {
    if (depth == 0) return new Node{nullptr, nullptr, value};
    return new Node{grow(depth - 1, value + 1), grow(depth - 1, value + 2), value};
}

std::uint64_t sum(const Node* node) {
    return node == nullptr ? 0 : node->value + sum(node->left) + sum(node->right);
}

void fell(Node* node) {
    if (node == nullptr) return;
    fell(node->left);
    fell(node->right);
    delete node;
}

Result forest(unsigned deepest, std::uint64_t nodes) {
    Node* stays = grow(deepest, 1);
    Result result{(std::uint64_t(2) << deepest) - 1, 0, 0};
    for (unsigned depth = 4; depth <= deepest; depth += 2) {
        const std::uint64_t count = nodes >> depth;
        for (std::uint64_t i = 0; i < count; i++) {
            Node* tree = grow(depth, i);
            result.checksum += sum(tree);
            fell(tree);
            result.operations += (std::uint64_t(2) << depth) - 1;
        }
    }
    result.checksum += sum(stays);
    fell(stays);
    return result;
}

}  // namespace

Result trees(const Settings& settings) {
    return parallel(settings.threads,
                    [&](unsigned) { return forest(settings.threads == 1 ? 18 : 16, settings.share(1'400'000)); });
}

}  // namespace work
