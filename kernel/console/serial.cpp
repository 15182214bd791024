#include "kernel/console/serial.hpp"

#include <algorithm>

#include "kernel/console/serial_registers.hpp"
#include "kernel/cpu/port_io.hpp"

namespace quire::kernel {

using namespace uart;

constinit SerialPort terminal_port(0x3F8);
constinit SerialPort trace_port(0x2F8);
constinit SerialPort error_port(0x3E8);
constinit SerialPort log_port(0x2E8);

void SerialPort::init() {
    exists_ = false;
    out8(port(kScratch), 0x5A);
    if (in8(port(kScratch)) != 0x5A) return;
    out8(port(kScratch), 0xA5);
    if (in8(port(kScratch)) != 0xA5) return;
    exists_ = true;
    out8(port(kModemControl), kLoopback);  // no new bytes come in while the FIFO is switched on, which empties it
    out8(port(kInterruptEnable), 0);
    out8(port(kLineControl), kDivisorLatch);
    out8(port(kData), 1);                  // 115200 baud
    out8(port(kModemControl), kLoopback);  // no new bytes come in while the FIFO is switched on, which empties it
    out8(port(kInterruptEnable), 0);
    out8(port(kLineControl), kEightBitsNoParity);
    while (early_count_ < early_.size() && (in8(port(kLineStatus)) & kDataReady) != 0) {
        early_[early_count_++] = static_cast<std::byte>(in8(port(kData)));
    }
    out8(port(kFifoControl), kFifoOnAndEmpty);
    fifo_bytes_ = (in8(port(kInterruptIdent)) & kFifoWorks) == kFifoWorks ? 16 : 1;
    out8(port(kModemControl), kReadyAndInterruptLine);
}

void SerialPort::write(std::span<const std::byte> bytes) {
    if (!exists_) return;
    while (!bytes.empty()) {
        while ((in8(port(kLineStatus)) & kHoldingEmpty) == 0) {
        }
        // An empty FIFO takes all of this without being asked again.
        const auto part = bytes.first(std::min<std::size_t>(fifo_bytes_, bytes.size()));
        for (const std::byte byte : part) out8(port(kData), static_cast<std::uint8_t>(byte));
        bytes = bytes.subspan(part.size());
    }
}

void SerialPort::drain() {
    if (!exists_) return;
    while ((in8(port(kLineStatus)) & kAllSent) == 0) {
    }
}

}  // namespace quire::kernel
