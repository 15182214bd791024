#pragma once
/// Names for return addresses, and text to a file descriptor without stdio, which allocates.

#include "quire/heap/debug/text.hpp"

namespace quire::linux_debug {

/// substr() would need the C++ runtime, for its exception.
[[nodiscard]] constexpr std::string_view part(std::string_view text, std::size_t first,
                                              std::size_t end = ~std::size_t{0}) {
    if (end > text.size()) end = text.size();
    if (first > end) first = end;
    return {text.data() + first, end - first};
}

class Output final : public TextSink {
public:
    constexpr explicit Output(int descriptor) : descriptor_(descriptor) {}
    ~Output() { flush(); }
    void write(std::string_view text) override;
    /// Nothing can be done about a disk that is full.
    void flush();

private:
    int descriptor_;
    std::size_t used_ = 0;
    std::array<char, 4096> buffer_;
};

/// "make_leak (/tmp/leak+0x1156)": the offset is what `addr2line -e /tmp/leak` takes, and lies within the call. Takes the dynamic
/// linker's lock, so not to be called with the heap's held.
void append_frame(std::uintptr_t return_address, Line& line);
/// "make_leak", or "leak+0x1156": for a folded stack.
void append_short_frame(std::uintptr_t return_address, Line& line);

}  // namespace quire::linux_debug
