#pragma once
/// One word of a page table or page directory. Intel SDM volume 3, 4.3, tables 4-5 and 4-6 (32-bit paging).
///
///      31                          12 11  9  8  7   6   5   4   3   2   1   0
///     ┌──────────────────────────────┬─┬─┬─┬───┬───┬───┬───┬───┬───┬───┬───┬───┐
///     │ frame number                 │ · │O│ G │ - │ D │ A │PCD│PWT│ U │ W │ P │
///     └──────────────────────────────┴───┴─┴───┴───┴───┴───┴───┴───┴───┴───┴───┘
///      O, bit 9: occupied. Ours; the processor ignores bits 9 to 11. Set in every entry that holds a frame, so that an
///      entry whose rights lack `read` keeps its frame with P clear: occupied, not present.
///
/// Masks, not bit-fields: a compiler may lay those out as it likes (gotcha 12).

#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/base/rights.hpp"

namespace quire::port {

class Entry {
public:
    static constexpr std::uint32_t kPresent = 1U << 0;
    static constexpr std::uint32_t kWritable = 1U << 1;
    static constexpr std::uint32_t kUser = 1U << 2;
    static constexpr std::uint32_t kWriteThrough = 1U << 3;
    static constexpr std::uint32_t kUncached = 1U << 4;
    static constexpr std::uint32_t kAccessed = 1U << 5;
    static constexpr std::uint32_t kDirty = 1U << 6;
    static constexpr std::uint32_t kOccupied = 1U << 9;
    static constexpr std::uint32_t kFrameMask = 0xFFFF'F000U;

    constexpr Entry() = default;
    [[nodiscard]] static constexpr Entry from_word(std::uint32_t word) { return Entry(word); }
    [[nodiscard]] constexpr std::uint32_t word() const { return word_; }

    /// The processor knows neither `execute` nor writing without reading.
    [[nodiscard]] static constexpr Entry make(Frame frame, Rights rights) {
        std::uint32_t word = frame.number << kPageShift | kOccupied;
        if (rights.include(Rights::read)) word |= kPresent;
        if (rights.include(Rights::write)) word |= kWritable;
        if (rights.include(Rights::user)) word |= kUser;
        return Entry(word);
    }

    [[nodiscard]] constexpr bool occupied() const { return (word_ & kOccupied) != 0; }
    [[nodiscard]] constexpr bool present() const { return (word_ & kPresent) != 0; }
    [[nodiscard]] constexpr Frame frame() const { return {word_ >> kPageShift}; }
    [[nodiscard]] constexpr bool accessed() const { return (word_ & kAccessed) != 0; }
    [[nodiscard]] constexpr bool dirty() const { return (word_ & kDirty) != 0; }
    /// Read and write only if the entry is present: the processor sees nothing through any other.
    [[nodiscard]] constexpr Rights rights() const {
        Rights rights = (word_ & kUser) != 0 ? Rights::user : Rights::none;
        if (present()) rights = rights | Rights::read | ((word_ & kWritable) != 0 ? Rights::write : Rights::none);
        return rights;
    }

    constexpr bool operator==(const Entry&) const = default;

private:
    constexpr explicit Entry(std::uint32_t word) : word_(word) {}
    std::uint32_t word_ = 0;
};

static_assert(sizeof(Entry) == 4 && alignof(Entry) == 4);
static_assert(Entry::make({0xFFFFF}, Rights::read | Rights::write | Rights::user).word() == 0xFFFF'F207U);
static_assert(Entry::make({1}, Rights::write).occupied() && !Entry::make({1}, Rights::write).present());
static_assert(!Entry().occupied() && !Entry().present());

/// Where an Entry lies. The processor writes accessed and dirty bits there at any time (gotcha 10), so every access is
/// one instruction.
class Slot {
public:
    constexpr explicit Slot(std::uint32_t* word) : word_(word) {}

    [[nodiscard]] Entry load() const { return Entry::from_word(__atomic_load_n(word_, __ATOMIC_RELAXED)); }
    void store(Entry entry) const { __atomic_store_n(word_, entry.word(), __ATOMIC_RELAXED); }
    /// XCHG with memory is locked by itself (SDM volume 2, XCHG).
    Entry exchange(Entry entry) const {
        return Entry::from_word(__atomic_exchange_n(word_, entry.word(), __ATOMIC_ACQ_REL));
    }
    [[nodiscard]] constexpr Slot next() const { return Slot(word_ + 1); }

private:
    std::uint32_t* word_;
};

}  // namespace quire::port
