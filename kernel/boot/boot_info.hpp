#pragma once
/// What the boot loader said, copied out of its memory: nothing here points into memory that the allocator may give
/// away (gotcha 40).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "quire/base/address.hpp"

namespace quire::kernel {

struct BootInfo {
    /// One statement of the firmware's memory map, as it came: unsorted, unaligned, overlapping.
    struct Memory {
        PhysicalAddress start;
        std::uint64_t bytes;
        bool usable;
    };
    static constexpr std::size_t kMaxMemory = 128;
    static constexpr std::size_t kMaxCommandLine = 2048;

    std::array<Memory, kMaxMemory> memory_entries;
    std::size_t memory_count;
    /// The one boot module, the initial file system: physical bytes. Its frames are reserved for ever.
    PhysicalAddress module_start;
    std::uint32_t module_bytes;

    std::array<char, kMaxCommandLine> command_line_bytes;
    std::size_t command_line_length;

    [[nodiscard]] std::span<const Memory> memory() const { return {memory_entries.data(), memory_count}; }
    [[nodiscard]] std::string_view command_line() const { return {command_line_bytes.data(), command_line_length}; }

    /// The value of the word `name=value` of the command line (the last one, if there are several).
    [[nodiscard]] std::optional<std::string_view> option(std::string_view name) const;
    /// The same as a decimal number within [minimum, maximum]; `otherwise` if the word is missing. Ends with a fatal
    /// line if the value is anything else.
    [[nodiscard]] std::uint64_t number_option(std::string_view name, std::uint64_t otherwise, std::uint64_t minimum,
                                              std::uint64_t maximum) const;
};

/// What this machine was booted with.
[[nodiscard]] const BootInfo& boot_info();

}  // namespace quire::kernel
