#include "quire/heap/debug/call_stack.hpp"

#include <cstring>

namespace quire {

CallStack& StackTable::intern(CallSite site) {
    if (site.size() > kCallStackDepth) site = site.first(kCallStackDepth);
    if (site.empty()) return unknown_;
    std::uint32_t hash = 0;
    for (const std::uintptr_t frame : site) hash = mix_hash(hash, frame);
    const auto same = [site](const CallStack& stack) {
        return stack.depth == site.size() && std::memcmp(stack.frames.data(), site.data(), site.size_bytes()) == 0;
    };
    if (CallStack* const known = table_.find(hash, same)) return *known;
    if (!table_.prepare()) return unknown_;
    CallStack* const stack = pool_.take();
    if (stack == nullptr) return unknown_;
    std::memcpy(stack->frames.data(), site.data(), site.size_bytes());
    stack->depth = static_cast<std::uint32_t>(site.size());
    stack->hash = hash;
    table_.insert(*stack);
    return *stack;
}

}  // namespace quire
