#include "kernel/console/symbols.hpp"

#include <algorithm>
#include <span>

namespace {
struct Entry {
    std::uint32_t address;  // ascending
    std::uint32_t name;     // offset in quire_symbol_names
};
}  // namespace

// Supplied by the build in section .rodata.symbols; null addresses where it is not.
extern "C" {
[[gnu::weak]] extern const std::uint32_t quire_symbol_count;
[[gnu::weak]] extern const Entry quire_symbols[];
[[gnu::weak]] extern const char quire_symbol_names[];  // each ends with NUL
}

namespace quire::kernel {

std::optional<Symbol> find_symbol(std::uint32_t address) {
    const std::uint32_t* const count = &quire_symbol_count;
    if (count == nullptr) return std::nullopt;
    const std::span<const Entry> symbols(quire_symbols, *count);
    const auto after = std::ranges::upper_bound(symbols, address, {}, &Entry::address);
    if (after == symbols.begin()) return std::nullopt;
    const Entry& entry = *(after - 1);
    return Symbol{quire_symbol_names + entry.name, address - entry.address};
}

}  // namespace quire::kernel
