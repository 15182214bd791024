#pragma once
/// The four serial ports: 115200 baud, 8 bits, no parity, FIFO on. Which is for what: README "serial ports".
/// National Semiconductor PC16550D data sheet.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace quire::kernel {

/// A transmitter. Writing waits until the chip has taken every byte; a port that does not exist swallows them.
/// Not locked: writers are the non-preemptible kernel; interrupt handlers do not write (a panic does, and is last).
class SerialPort {
public:
    constexpr explicit SerialPort(std::uint16_t base) : base_(base) {}

    /// Finds out whether the chip exists and has a FIFO, and sets it up. May be called again.
    void init();
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
    /// Waits until the last bit has left the chip.
    void drain();
    [[nodiscard]] bool exists() const { return exists_; }
    [[nodiscard]] bool has_fifo() const { return fifo_bytes_ > 1; }
    /// What the chip had received before init(), which would have thrown it away.
    [[nodiscard]] std::span<const std::byte> received_early() const { return std::span(early_).first(early_count_); }

private:
    [[nodiscard]] std::uint16_t port(std::uint16_t reg) const { return static_cast<std::uint16_t>(base_ + reg); }
    std::uint16_t base_;
    bool exists_ = false;
    std::uint8_t fifo_bytes_ = 1;
    std::uint8_t early_count_ = 0;
    std::array<std::byte, 16> early_{};
};

extern SerialPort terminal_port;  ///< COM1: the terminal; a program's standard output
extern SerialPort trace_port;     ///< COM2: the trace stream
extern SerialPort error_port;     ///< COM3: a program's standard error
extern SerialPort log_port;       ///< COM4: the kernel's log

/// COM1's receiver: a ring that the interrupt handler fills. No byte is lost: while the ring is full, the chip's
/// interrupt is off and the other side is held up, until read() has made room.
/// Turns on IRQ 4. Once, after init_interrupt_controllers().
void init_serial_receiver();
/// Takes up to bytes.size() bytes out of the ring; 0 if it is empty. Never waits.
[[nodiscard]] std::size_t serial_read(std::span<std::byte> bytes);
/// How many bytes can be read without waiting.
[[nodiscard]] std::size_t serial_readable();

}  // namespace quire::kernel
