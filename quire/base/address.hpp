#pragma once
/// The vocabulary of addresses: four kinds of number that must never be mistaken for one another.
///
///      virtual side                      physical side
///      VirtualAddress  (bytes)           PhysicalAddress (bytes)
///      Page            (page number)     Frame           (frame number)
///      PageCount       (how many)        FrameCount      (how many)
///
/// A page is 4 KiB of addresses, a frame is 4 KiB of memory; a page table says which frame a page shows.
/// None of these types converts into another silently; `.value` / `.number` is the way out, by name.

#include <compare>
#include <cstddef>
#include <cstdint>

namespace quire {

inline constexpr unsigned kPageShift = 12;
inline constexpr std::size_t kPageSize = std::size_t{1} << kPageShift;
inline constexpr std::uintptr_t kPageOffsetMask = kPageSize - 1;

/// A number of things of one kind: pages or frames. Arithmetic does not check for wrap-around: the counts in
/// the library are bounded by the number of pages of an address space, and callers' sizes are checked on the way in
/// (quire/base/checked.hpp).
template <typename Kind>
struct Count {
    std::size_t value = 0;

    constexpr auto operator<=>(const Count&) const = default;
    constexpr Count& operator+=(Count other) {
        value += other.value;
        return *this;
    }
    constexpr Count& operator-=(Count other) {
        value -= other.value;
        return *this;
    }
    friend constexpr Count operator+(Count a, Count b) { return {a.value + b.value}; }
    friend constexpr Count operator-(Count a, Count b) { return {a.value - b.value}; }
    /// The same amount in bytes. A count of all 2^20 pages of a 32-bit machine does not fit its `size_t`.
    [[nodiscard]] constexpr std::uint64_t bytes() const { return std::uint64_t{value} << kPageShift; }
};
using PageCount = Count<struct PageKind>;
using FrameCount = Count<struct FrameKind>;

/// The number of a 4 KiB page of an address space; page n covers addresses [n * 4096, (n + 1) * 4096).
struct Page {
    std::uintptr_t number = 0;

    constexpr auto operator<=>(const Page&) const = default;
    friend constexpr Page operator+(Page page, PageCount count) { return {page.number + count.value}; }
    friend constexpr Page operator-(Page page, PageCount count) { return {page.number - count.value}; }
    friend constexpr PageCount operator-(Page a, Page b) { return {a.number - b.number}; }
};

/// An address that a program or the kernel uses, before the page tables translate it. Bytes.
struct VirtualAddress {
    std::uintptr_t value = 0;

    constexpr auto operator<=>(const VirtualAddress&) const = default;
    [[nodiscard]] constexpr Page page() const { return {value >> kPageShift}; }
    [[nodiscard]] constexpr std::size_t offset() const { return value & kPageOffsetMask; }
    [[nodiscard]] constexpr bool page_aligned() const { return offset() == 0; }
};

/// First address of a page.
[[nodiscard]] constexpr VirtualAddress address_of(Page page) {
    return {page.number << kPageShift};
}

/// The number of a 4 KiB frame of physical memory. Frame 0 exists but is never handed out (gotcha 38), so that
/// a zero entry cannot be taken for a frame; "no frame" is still spelled std::optional, never 0.
struct Frame {
    std::uint32_t number = 0;

    constexpr auto operator<=>(const Frame&) const = default;
    friend constexpr Frame operator+(Frame frame, FrameCount count) {
        return {frame.number + static_cast<std::uint32_t>(count.value)};
    }
    friend constexpr FrameCount operator-(Frame a, Frame b) { return {std::size_t{a.number} - b.number}; }
};

/// An address on the memory bus. 64 bits also on 32-bit machines: firmware names memory above 4 GiB, and the
/// end of the last frame below 4 GiB is 2^32.
struct PhysicalAddress {
    std::uint64_t value = 0;

    constexpr auto operator<=>(const PhysicalAddress&) const = default;
    [[nodiscard]] constexpr Frame frame() const { return {static_cast<std::uint32_t>(value >> kPageShift)}; }
};

/// First byte of a frame.
[[nodiscard]] constexpr PhysicalAddress address_of(Frame frame) {
    return {std::uint64_t{frame.number} << kPageShift};
}

/// Half-open range of pages: `first` is in it, `end` is not. Empty when first == end; first > end is a defect.
struct PageRange {
    Page first;
    Page end;

    constexpr bool operator==(const PageRange&) const = default;
    [[nodiscard]] constexpr PageCount count() const { return end - first; }
    [[nodiscard]] constexpr bool empty() const { return first == end; }
    [[nodiscard]] constexpr bool contains(Page page) const { return first <= page && page < end; }
    [[nodiscard]] constexpr bool contains(PageRange other) const { return first <= other.first && other.end <= end; }
    [[nodiscard]] constexpr bool overlaps(PageRange other) const { return first < other.end && other.first < end; }
};

/// The range of `count` pages from `first`.
[[nodiscard]] constexpr PageRange range_of(Page first, PageCount count) {
    return {first, first + count};
}

/// Half-open range of frames.
struct FrameRange {
    Frame first;
    Frame end;

    constexpr bool operator==(const FrameRange&) const = default;
    [[nodiscard]] constexpr FrameCount count() const { return end - first; }
    [[nodiscard]] constexpr bool empty() const { return first == end; }
    [[nodiscard]] constexpr bool contains(Frame frame) const { return first <= frame && frame < end; }
};

}  // namespace quire
