#include "kernel/cpu/interrupts.hpp"

#include <array>

#include "kernel/console/panic.hpp"
#include "kernel/cpu/port_io.hpp"
#include "quire/base/defect.hpp"

namespace quire::kernel {

namespace {

struct Controller {
    std::uint16_t command;
    std::uint16_t data;
};
constexpr Controller kFirst{0x20, 0x21};   // IRQ 0..7
constexpr Controller kSecond{0xA0, 0xA1};  // IRQ 8..15, through IRQ 2 of the first
constexpr unsigned kCascade = 2;

constexpr std::uint8_t kInitialise = 0x11;  // ICW1: four words follow, cascaded, edge triggered
constexpr std::uint8_t kMode8086 = 0x01;    // ICW4
constexpr std::uint8_t kEndOfInterrupt = 0x20;
constexpr std::uint8_t kReadRequests = 0x0A;   // OCW3: the next read of `command` gives the request register …
constexpr std::uint8_t kReadInService = 0x0B;  // … or what is being served

constinit std::array<void (*)(), 16> handlers{};
constinit std::uint16_t masked = 0xFFFF;
constinit std::uint32_t spurious = 0;

const Controller& controller_of(unsigned irq) {
    return irq < 8 ? kFirst : kSecond;
}

void write_masks() {
    out8(kFirst.data, static_cast<std::uint8_t>(masked & 0xFFU));
    out8(kSecond.data, static_cast<std::uint8_t>(masked >> 8));
}

/// The last line of a controller is also raised when a request vanished before it was taken; then it is not in service.
bool is_spurious(unsigned irq) {
    if (irq % 8 != 7) return false;
    const Controller& controller = controller_of(irq);
    out8(controller.command, kReadInService);
    const bool in_service = (in8(controller.command) & 0x80U) != 0;
    out8(controller.command, kReadRequests);
    return !in_service;
}

}  // namespace

void init_interrupt_controllers() {
    constexpr auto kFirstVector = static_cast<std::uint8_t>(Vector::first_irq);
    out8(kFirst.command, kInitialise);
    out8(kSecond.command, kInitialise);
    out8(kFirst.data, kFirstVector);
    out8(kSecond.data, kFirstVector + 8);
    out8(kFirst.data, 1U << kCascade);
    out8(kSecond.data, kCascade);
    out8(kFirst.data, kMode8086);
    out8(kSecond.data, kMode8086);
    out8(kFirst.command, kReadRequests);  // irq_pending() needs only a read from now on
    out8(kSecond.command, kReadRequests);
    masked = static_cast<std::uint16_t>(~(1U << kCascade));
    write_masks();
}

void set_irq_handler(unsigned irq, void (*handler)()) {
    require(irq < handlers.size() && irq != kCascade, "there is no such IRQ");
    const InterruptsOff off;
    handlers[irq] = handler;
    masked = static_cast<std::uint16_t>(masked & ~(1U << irq));
    write_masks();
}

void dispatch_irq(unsigned irq) {
    if (is_spurious(irq)) {
        ++spurious;
        if (irq >= 8) out8(kFirst.command, kEndOfInterrupt);  // the first controller did see its cascade line
        return;
    }
    if (handlers[irq] != nullptr) handlers[irq]();
    if (irq >= 8) out8(kSecond.command, kEndOfInterrupt);
    out8(kFirst.command, kEndOfInterrupt);
}

std::uint32_t spurious_interrupts() {
    return spurious;
}

bool irq_pending(unsigned irq) {
    return (in8(controller_of(irq).command) >> (irq % 8) & 1U) != 0;
}

}  // namespace quire::kernel
