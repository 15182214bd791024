#pragma once
/// From an address to what is known about it, for every 2^Shift bytes of an address range. Two levels; the second is made
/// when it is first needed. This is how the heap tells its own blocks from everything else (gotcha 57).
///
///      address >> Shift ─┬─ high part ──▶ root[…] ──▶ leaf (whole pages)
///        (- first)       └─ low part  ──────────────▶ leaf[…] ──▶ Value*, or nullptr
///
/// Reading takes no lock: whoever has an address got it from somebody who saw its entry, and that hand-over orders the
/// two. Writers hold the heap's lock.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/heap/span_source.hpp"

namespace quire {

template <typename Value, unsigned Shift, std::size_t Roots, std::size_t LeafEntries, bool FromZero>
class AddressMap {
public:
    using Leaf = std::array<Value*, LeafEntries>;
    using Root = std::array<std::atomic<Leaf*>, Roots>;
    static constexpr std::size_t kMaxPages = Roots * LeafEntries << (Shift - kPageShift);

    /// For pages of `range`, at most kMaxPages of them. A map from zero takes any address below kMaxPages. `root` is for the map
    /// alone; apart from it, because it may be long, and is nothing but zeroes at first.
    constexpr AddressMap(PageRange range, Root& root) : range_(range), root_(root) {}
    AddressMap(const AddressMap&) = delete;
    AddressMap& operator=(const AddressMap&) = delete;

    [[nodiscard]] Value* find(const void* address) const {
        const std::size_t index = index_of(reinterpret_cast<std::uintptr_t>(address));
        if (index / LeafEntries >= Roots) [[unlikely]]
            return nullptr;
        Leaf* const leaf = root_[index / LeafEntries].load(std::memory_order_acquire);
        if (leaf == nullptr) [[unlikely]]
            return nullptr;
        return entry(*leaf, index).load(std::memory_order_relaxed);
    }

    /// Makes the leaves for `pages`, from `source`. False if there is no memory, or the pages are not of the range.
    [[nodiscard]] bool prepare(PageRange pages, SpanSource& source) {
        if (!range_.contains(pages)) return false;
        for (std::size_t i = leaf_of(pages.first); i <= leaf_of(pages.end - PageCount{1}); ++i) {
            if (i >= Roots) return false;
            if (root_[i].load(std::memory_order_relaxed) != nullptr) continue;
            void* const place = source.acquire_zeroed(kLeafPages, PageCount{1});
            if (place == nullptr) return false;
            own_pages_ += kLeafPages;
            // Not constructed: that would touch pages which are zero already, and most of which are never used.
            root_[i].store(static_cast<Leaf*>(place), std::memory_order_release);
        }
        return true;
    }

    /// After prepare(): all of `pages` belongs to `value` (nullptr: to nobody).
    void set(PageRange pages, Value* value) {
        const std::size_t end = index_of(address_of(pages.end - PageCount{1}).value);
        for (std::size_t i = index_of(address_of(pages.first).value); i <= end; ++i) {
            entry(*root_[i / LeafEntries].load(std::memory_order_relaxed), i).store(value, std::memory_order_relaxed);
        }
    }

    [[nodiscard]] PageRange range() const { return range_; }
    /// Pages that the leaves take.
    [[nodiscard]] PageCount own_pages() const { return own_pages_; }

private:
    static constexpr PageCount kLeafPages{(sizeof(Leaf) + kPageSize - 1) / kPageSize};

    [[nodiscard]] static std::atomic_ref<Value*> entry(Leaf& leaf, std::size_t index) {
        return std::atomic_ref<Value*>(leaf[index % LeafEntries]);
    }
    [[nodiscard]] std::size_t index_of(std::uintptr_t address) const {
        return (address - (FromZero ? 0 : address_of(range_.first).value)) >> Shift;
    }
    [[nodiscard]] std::size_t leaf_of(Page page) const { return index_of(address_of(page).value) / LeafEntries; }

    PageRange range_;
    PageCount own_pages_{};
    Root& root_;
};

}  // namespace quire
