#include <algorithm>
#include <array>

#include "kernel/console/serial.hpp"
#include "kernel/console/serial_registers.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/port_io.hpp"
#include "kernel/cpu/trap.hpp"

namespace quire::kernel {

namespace {

/// Indices count bytes since boot and are taken modulo the size. The interrupt moves `filled`, the reader moves
/// `taken`.
struct Ring {
    static constexpr std::uint32_t kSize = 16384;  // a power of two
    std::array<std::byte, kSize> bytes{};
    std::uint32_t filled = 0;
    std::uint32_t taken = 0;
    bool held_up = false;  // the chip's interrupt is off because the ring was full

    [[nodiscard]] std::uint32_t used() const { return filled - taken; }
};
constinit Ring ring;

constexpr std::uint16_t kBase = 0x3F8;

void take_byte() {
    ring.bytes[ring.filled++ % Ring::kSize] = static_cast<std::byte>(in8(kBase + uart::kData));
}

void fill_ring() {
    while ((in8(kBase + uart::kLineStatus) & uart::kDataReady) != 0) {
        if (ring.used() == Ring::kSize) {
            ring.held_up = true;
            out8(kBase + uart::kInterruptEnable, 0);
            return;
        }
        take_byte();
    }
}

void on_interrupt() {
    // "Received data available" promises as many bytes as the trigger level: no need to ask before each of them.
    const bool full = (in8(kBase + uart::kInterruptIdent) & uart::kCause) == uart::kDataAvailable;
    if (full && terminal_port.has_fifo() && Ring::kSize - ring.used() >= uart::kTriggerLevel) {
        for (std::uint32_t i = 0; i < uart::kTriggerLevel; ++i) take_byte();
    }
    fill_ring();
    request_user_work();
}

}  // namespace

void init_serial_receiver() {
    if (!terminal_port.exists()) return;
    constexpr unsigned kIrq = 4;
    set_irq_handler(kIrq, on_interrupt);
    const InterruptsOff off;
    for (const std::byte byte : terminal_port.received_early()) ring.bytes[ring.filled++ % Ring::kSize] = byte;
    out8(kBase + uart::kInterruptEnable, uart::kReceiveInterrupt);
    fill_ring();
}

std::size_t serial_read(std::span<std::byte> bytes) {
    const InterruptsOff off;
    const std::size_t count = std::min<std::size_t>(bytes.size(), ring.used());
    const std::size_t start = ring.taken % Ring::kSize;
    const std::size_t before_wrap = std::min<std::size_t>(count, Ring::kSize - start);
    std::copy_n(ring.bytes.data() + start, before_wrap, bytes.data());
    std::copy_n(ring.bytes.data(), count - before_wrap, bytes.data() + before_wrap);
    ring.taken += static_cast<std::uint32_t>(count);
    if (ring.held_up && ring.used() <= Ring::kSize / 2) {
        ring.held_up = false;
        out8(kBase + uart::kInterruptEnable, uart::kReceiveInterrupt);
        fill_ring();
    }
    return count;
}

std::size_t serial_readable() {
    const InterruptsOff off;
    return ring.used();
}

}  // namespace quire::kernel
