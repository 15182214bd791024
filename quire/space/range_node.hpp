#pragma once
/// One node of the range list: a stretch of pages that is allocated (a region) or not (a gap).
///
/// The nodes of a space *tile* it: every page from the first to the last belongs to exactly one node, so the free list
/// of
/// the seed and the list of regions are one list. Nodes have a fixed size, lie in the list window and are linked by
/// node
/// number, not by pointer: a copy of the window's pages is a copy of the list, whatever address it is seen at.
///
///      0x00010          0x08048  0x0804B                        0x40000 0x40010             0xC0000
///      ┌────── gap ──────┬─ region ─┬───────────── gap ─────────────┬─ region ─┬───── gap ─────┐
///      └─────────────────┴──────────┴───────────────────────────────┴──────────┴───────────────┘

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/rights.hpp"

namespace quire {

class MemoryObject;

/// The index of a node in its window. 0 is the sentinel: no node, height 0, largest gap 0.
using NodeNumber = std::uint32_t;
inline constexpr NodeNumber kNoNode = 0;

/// What a range is called in reports; the mechanism does not depend on it.
enum class RangeKind : std::uint8_t {
    gap,     ///< not allocated
    code,    ///< program text and constants
    data,    ///< program data
    heap,    ///< what brk grows
    stack,   ///< a stack
    mapped,  ///< mmap
    span,    ///< memory of the kernel's heap
};

/// What a range is, apart from where it is. Two neighbours with equal traits are one range.
struct RangeTraits {
    RangeKind kind = RangeKind::gap;
    Rights rights{};   ///< what the region grants now
    Rights allowed{};  ///< what protect() may grant at most (a shared mapping of a file opened for reading: no write)
    bool shared = false;             ///< writes go to the object, not to a private copy
    MemoryObject* object = nullptr;  ///< what backs it; nullptr: zero-fill

    bool operator==(const RangeTraits&) const = default;
};

/// 32 bytes on a 32-bit machine: 128 nodes a page.
struct RangeNode {
    std::uintptr_t first = 0;        ///< first page
    std::uintptr_t count = 0;        ///< pages; 0 only in the sentinel
    MemoryObject* object = nullptr;  ///< RangeTraits::object; holds a reference
    std::uintptr_t object_page = 0;  ///< page of the object that `first` shows; in a kernel span: its guard's pages
    NodeNumber left = kNoNode;
    NodeNumber right = kNoNode;
    std::uint32_t largest_gap = 0;  ///< pages of the largest gap in this subtree
    std::uint8_t height = 0;        ///< of the subtree: a leaf has 1
    RangeKind kind = RangeKind::gap;
    std::uint8_t rights = 0;  ///< Rights::bits(): low half what is granted, high half what is allowed
    bool shared = false;

    [[nodiscard]] bool is_gap() const { return kind == RangeKind::gap; }
    [[nodiscard]] PageRange pages() const { return {Page{first}, Page{first + count}}; }
    [[nodiscard]] Rights granted() const { return Rights::from_bits(rights); }
    [[nodiscard]] RangeTraits traits() const {
        return {kind, Rights::from_bits(rights), Rights::from_bits(static_cast<std::uint8_t>(rights >> 4U)), shared,
                object};
    }
    void set_traits(const RangeTraits& traits) {
        kind = traits.kind;
        rights = static_cast<std::uint8_t>(traits.rights.bits() | traits.allowed.bits() << 4U);
        shared = traits.shared;
        object = traits.object;
    }
};
static_assert(sizeof(void*) != 4 || sizeof(RangeNode) == 32);

}  // namespace quire
