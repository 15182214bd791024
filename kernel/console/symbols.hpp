#pragma once
/// Names for backtraces. The build links the kernel twice: the second time with a table of its own functions, made from
/// the first. Without that table (the first link), nothing has a name.

#include <cstdint>
#include <optional>
#include <string_view>

namespace quire::kernel {

struct Symbol {
    std::string_view name;
    std::uint32_t offset;  ///< bytes from its start
};

/// The function that an address of the kernel's text lies in. O(log n).
[[nodiscard]] std::optional<Symbol> find_symbol(std::uint32_t address);

}  // namespace quire::kernel
