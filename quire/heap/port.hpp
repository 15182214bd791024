#pragma once
/// What the heap asks of a machine: a lock and a shape. It stands beside paging and space, not on them, so a port that
/// supplies no more than this can have a heap (ports/linux), and a full one (quire/port.hpp) has it anyway.

#include <concepts>

#include "quire/base/address.hpp"
#include "quire/base/lock.hpp"
#include "quire/heap/shape.hpp"
#include "quire_port.hpp"

namespace quire {

template <typename M>
concept HeapPort = requires(typename M::Lock lock) {
    { M::kHeapShape } -> std::convertible_to<HeapShape>;
    { lock.lock() } -> std::same_as<void>;
    { lock.unlock() } -> std::same_as<void>;
};
static_assert(HeapPort<port::Machine>, "quire_port.hpp lacks what quire/heap/port.hpp asks for");

inline constexpr HeapShape kHeapShape = port::Machine::kHeapShape;
using HeapLock = port::Machine::Lock;

inline constexpr std::size_t kUnitBytes = std::size_t{1} << kHeapShape.unit_shift;
inline constexpr PageCount kUnitPages{kUnitBytes / kPageSize};

}  // namespace quire
