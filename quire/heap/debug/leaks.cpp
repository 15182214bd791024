#include "quire/heap/debug/debug_heap.hpp"

namespace quire {

namespace {

bool comes_before(const CallStack& a, const CallStack& b) {
    return a.group_bytes != b.group_bytes ? a.group_bytes > b.group_bytes : a.group_blocks > b.group_blocks;
}

CallStack* merge(CallStack* a, CallStack* b) {
    CallStack* first = nullptr;
    CallStack** end = &first;
    while (a != nullptr && b != nullptr) {
        CallStack*& smaller = comes_before(*b, *a) ? b : a;
        *end = smaller;
        end = &smaller->group_next;
        smaller = *end;
    }
    *end = a != nullptr ? a : b;
    return first;
}

/// Merge sort over the links that the records have anyway: at exit there may be no memory for anything else. Runs of 2^i wait in
/// waiting[i], so nothing recurs.
CallStack* sorted(CallStack* list) {
    std::array<CallStack*, 32> waiting{};
    while (list != nullptr) {
        CallStack* run = list;
        list = list->group_next;
        run->group_next = nullptr;
        std::size_t i = 0;
        for (; i + 1 < waiting.size() && waiting[i] != nullptr; ++i) {
            run = merge(waiting[i], run);
            waiting[i] = nullptr;
        }
        waiting[i] = merge(waiting[i], run);
    }
    CallStack* all = nullptr;
    for (CallStack* const run : waiting) all = merge(run, all);
    return all;
}

}  // namespace

void DebugHeap::visit_leaks(std::uint64_t since, LeakVisitor& visitor) {
    stacks_.for_each([](CallStack& stack) { stack.group_blocks = stack.group_bytes = 0; });
    blocks_.for_each([since](const DebugBlock& block) {
        if (block.in_quarantine || block.sequence <= since) return;
        ++block.allocated->group_blocks;
        block.allocated->group_bytes += block.bytes;
    });
    CallStack* groups = nullptr;
    stacks_.for_each([&groups](CallStack& stack) {
        if (stack.group_blocks == 0) return;
        stack.group_next = groups;
        groups = &stack;
    });
    for (const CallStack* group = sorted(groups); group != nullptr; group = group->group_next)
        visitor.group({group->site(), group->group_blocks, group->group_bytes});
}

}  // namespace quire
