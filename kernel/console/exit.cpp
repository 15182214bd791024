#include "kernel/console/exit.hpp"

#include "kernel/console/serial.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/port_io.hpp"

namespace quire::kernel {

void exit_machine(std::uint8_t status) {
    disable_interrupts();
    terminal_port.drain();
    error_port.drain();
    trace_port.drain();
    log("exit {}", status);
    log_port.drain();
    constexpr std::uint16_t kExitPort = 0xF4;  // QEMU's isa-debug-exit; nothing is there on real machines
    out32(kExitPort, status == 0 ? 0 : 1);
    for (;;) asm volatile("cli\n\thlt");
}

}  // namespace quire::kernel
