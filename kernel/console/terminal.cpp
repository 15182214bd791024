#include "kernel/console/terminal.hpp"

#include "kernel/console/serial.hpp"

namespace quire::kernel {

constinit Terminal terminal;

void Terminal::init() {
    screen_.init();
}

void Terminal::write(std::span<const std::byte> bytes) {
    terminal_port.write(bytes);
    if (mirror_) screen_.write(bytes);
}

}  // namespace quire::kernel
