#pragma once
/// Reads the header of a static Linux/i386 executable and decides whether it can be loaded, before anything is changed.
/// System V ABI, Intel386 supplement; elf(5).

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "quire/base/address.hpp"
#include "quire/base/rights.hpp"

namespace quire::kernel {

/// Where the bytes of the file come from.
class ElfBytes {
public:
    /// Fills `out` from `offset` on; false if the file has not that many bytes (or they cannot be read).
    [[nodiscard]] virtual bool read(std::uint64_t offset, std::span<std::byte> out) = 0;
    [[nodiscard]] virtual std::uint64_t size() const = 0;

protected:
    ElfBytes() = default;
    ~ElfBytes() = default;
};

/// One PT_LOAD segment. Its file part is mapped page by page from the file; what lies behind the file part, up to
/// `memory_end`, is zero. When a segment begins in the page in which the one before it ends, the later one's page, with
/// its rights, takes the earlier one's place. That is right only because both are the same page of the file, so that it
/// shows the bytes of both; other sharing is refused.
///
///      pages.first          file_end        memory_end      pages.end
///      ├── page of the file ──┤── zeroes ──────┤· · (zero) · · ┤
struct ElfSegment {
    PageRange pages;               ///< all of it
    std::uintptr_t file_page = 0;  ///< the file's page that pages.first shows
    VirtualAddress file_end;       ///< one past the last byte from the file; == start of pages when there is none
    VirtualAddress memory_end;
    Rights rights;
};

/// What to do to load the program.
struct ElfPlan {
    static constexpr std::size_t kMaxSegments = 16;
    std::array<ElfSegment, kMaxSegments> segments{};
    std::size_t segment_count = 0;
    VirtualAddress entry;
    VirtualAddress headers;          ///< where the program headers are in memory (AT_PHDR), 0 if in no segment
    std::uint32_t header_count = 0;  ///< AT_PHNUM
    VirtualAddress end;              ///< one past the highest byte: the break begins behind it

    [[nodiscard]] std::span<const ElfSegment> all() const { return {segments.data(), segment_count}; }
};

/// Reads and checks the headers. The error is one line for people.
[[nodiscard]] std::expected<ElfPlan, const char*> plan_elf(ElfBytes& file);

}  // namespace quire::kernel
