/// Standard input, with the terminal's chip in loopback: what it sends, it receives.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "kernel/console/input.hpp"
#include "kernel/console/serial.hpp"
#include "kernel/console/serial_registers.hpp"
#include "kernel/cpu/port_io.hpp"
#include "kernel/cpu/timer.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

constexpr std::uint16_t kBase = 0x3F8;
constexpr std::uint64_t kPatience = 1'000'000'000;  // ns

class Loopback {
public:
    Loopback() {
        terminal_port.drain();
        out8(kBase + uart::kModemControl, uart::kReadyAndInterruptLine | uart::kLoopback);
    }
    ~Loopback() {
        terminal_port.drain();
        out8(kBase + uart::kModemControl, uart::kReadyAndInterruptLine);
    }
    Loopback(const Loopback&) = delete;
    Loopback& operator=(const Loopback&) = delete;
};

void send(std::initializer_list<int> bytes) {
    for (const int byte : bytes) {
        const std::byte one{static_cast<std::uint8_t>(byte)};
        terminal_port.write({&one, 1});
    }
}

bool wait_for_bytes(std::size_t count) {
    const std::uint64_t end = monotonic_nanoseconds() + kPatience;
    while (serial_readable() < count) {
        if (monotonic_nanoseconds() > end) return false;
    }
    return true;
}

void frames() {
    const Loopback loopback;
    InputStream input;
    input.set_framed(true);
    std::array<std::byte, 16> bytes{};
    const auto text = [&bytes](std::size_t count) {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), count);
    };
    check(!input.readable() && input.read(bytes).bytes == 0 && !input.read(bytes).end, "nothing is there at first");

    send({3});
    check(wait_for_bytes(1) && !input.readable(), "half a length is nothing to read");
    send({0, 'a', 'b', 'c', 2, 0, 'd'});
    check(wait_for_bytes(7) && input.readable(), "a frame is");
    check(input.read(std::span(bytes).first(2)).bytes == 2 && text(2) == "ab", "part of a frame");
    check(input.read(bytes).bytes == 2 && text(2) == "cd", "the rest, and what has come of the next");
    check(!input.readable(), "then nothing");
    send({'e', 0, 0, 1, 0, 'x'});
    check(wait_for_bytes(6) && input.read(bytes).bytes == 1 && text(1) == "e", "the last byte");
    check(input.readable(), "the end can be read");
    for (int i = 0; i < 2; ++i) {
        const InputStream::Read last = input.read(bytes);
        check(last.bytes == 0 && last.end, "the end, and it stays");
    }
    check(serial_read(bytes) == 3, "what follows the end is left alone");
}

/// More than the ring holds: the chip is held up, and goes on when there is room.
void nothing_is_lost() {
    constexpr std::size_t kRing = 16384;
    constexpr std::size_t kMore = 10;  // stays in the chip
    const Loopback loopback;
    const auto pattern = [](std::size_t i) { return static_cast<std::byte>(i * 7 + i / 256); };
    for (std::size_t i = 0; i < kRing + kMore; ++i) {
        const std::byte one = pattern(i);
        terminal_port.write({&one, 1});
        if (i % 14 == 13 && i < kRing) check(wait_for_bytes(i / 14 * 14), "they arrive");
    }
    check(wait_for_bytes(kRing) && serial_readable() == kRing, "the ring is full");
    std::array<std::byte, 1000> part{};
    std::size_t total = 0;
    const std::uint64_t end = monotonic_nanoseconds() + kPatience;
    while (total < kRing + kMore && monotonic_nanoseconds() < end) {
        const std::size_t count = serial_read(part);
        for (std::size_t i = 0; i < count; ++i) {
            if (!check(part[i] == pattern(total + i), "every byte in its place")) return;
        }
        total += count;
    }
    check(total == kRing + kMore, "every byte came");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"input_frames", frames},
    {"input_nothing_is_lost", nothing_is_lost},
};

}  // namespace
}  // namespace quire::kernel
