#pragma once
/// What free() has to know of a block's slab if it is the heap's own, by the block's address: one entry for each unit, in the place that
/// the unit's number has, and nothing else to look at. Others' slabs, and units that another has taken the place of, are in the map.
///
///      address  ┌────────────────────┬──────────────┐      entry  ┌──────┬─────────┬──────┬───────────┬───────┬───────┐
///               │ unit               │ in the unit  │ ──────────▶ │ base │ inverse │ slab │ ready_end │ class │ shift │
///               └──────────┬─────────┴──────────────┘             └──────┴─────────┴──────┴───────────┴───────┴───────┘
///                          └─▶ the lower bits: which entry
///
/// The unit itself need not be compared: see KnownSlab::number_of().

#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/checked.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/slab.hpp"

namespace quire {

/// Copies of what the slab says; one that is full of zeroes knows no block.
struct KnownSlab {
    const std::byte* base;
    std::uintptr_t inverse;
    Slab* slab;
    std::uint16_t ready_end;
    std::uint8_t class_number;
    std::uint8_t shift;

    /// The number of the block that begins at `address`; what is not below ready_end is none that this entry knows. As in
    /// Slab::number_of(), but with all bits of an address: then no other address on earth has the number of a block.
    [[nodiscard]] std::uintptr_t number_of(const void* address) const {
        const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(base);
        return rotate_right(offset, shift) * inverse;
    }
};

/// Of one local heap; not locked. O(1), or O(units of a slab).
class KnownSlabs {
public:
    [[nodiscard]] const KnownSlab& at(const void* address) const { return entries_[place_of(address)]; }

    /// The slab of this heap that the address lies in; nullptr: there is none, or it is not known.
    [[nodiscard]] Slab* find(const void* address) const {
        Slab* const slab = at(address).slab;
        return slab != nullptr && slab->spans(static_cast<const std::byte*>(address)) ? slab : nullptr;
    }

    /// All units of the slab: it has become this heap's, or its ready_end is another one.
    void know(Slab& slab) {
        const KnownSlab entry{.base = slab.base,
                              .inverse = size_class(slab.class_number).inverse,
                              .slab = &slab,
                              .ready_end = static_cast<std::uint16_t>(slab.ready_end),
                              .class_number = static_cast<std::uint8_t>(slab.class_number),
                              .shift = slab.shift};
        for_each_unit(slab, [&](std::size_t place) { entries_[place] = entry; });
    }
    /// Before a slab goes to somebody else.
    void forget(const Slab& slab) {
        for_each_unit(slab, [&](std::size_t place) {
            if (entries_[place].slab == &slab) entries_[place] = {};
        });
    }
    void forget_all() { entries_.fill({}); }

    /// Calls visit(entry) for each that knows a slab.
    template <typename Visitor>
    void for_each(Visitor&& visit) const {
        for (const KnownSlab& entry : entries_) {
            if (entry.slab != nullptr) visit(entry);
        }
    }
    /// Whether the entry is in the place of one of the slab's units.
    [[nodiscard]] bool is_in_place(const KnownSlab& entry) const {
        bool found = false;
        for_each_unit(*entry.slab, [&](std::size_t place) { found = found || &entries_[place] == &entry; });
        return found;
    }

private:
    [[nodiscard]] static std::size_t place_of(const void* address) {
        return (reinterpret_cast<std::uintptr_t>(address) >> kHeapShape.unit_shift) % kHeapShape.known;
    }
    template <typename Visitor>
    static void for_each_unit(const Slab& slab, Visitor&& visit) {
        const std::size_t first = place_of(slab.first_page());
        for (std::size_t unit = 0; unit < slab.pages / kUnitPages.value; ++unit)
            visit((first + unit) % kHeapShape.known);
    }

    static_assert(size_class(0).capacity < 65536, "ready_end has 16 bits");
    std::array<KnownSlab, kHeapShape.known> entries_;
};

}  // namespace quire
