#pragma once
/// The terminal: COM1, mirrored on the screen.

#include <cstddef>
#include <span>
#include <string_view>

#include "kernel/console/format.hpp"
#include "kernel/console/vga_text.hpp"

namespace quire::kernel {

class Terminal final : public Sink {
public:
    /// Clears the screen. By boot.
    void init();
    /// Sends bytes exactly as they are.
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) override { write(std::as_bytes(std::span(text))); }
    /// Whether the screen shows it too; on at first. Off for a program whose output is data.
    void set_mirror(bool on) { mirror_ = on; }

private:
    bool mirror_ = true;
    VgaText screen_;
};

extern Terminal terminal;

}  // namespace quire::kernel
