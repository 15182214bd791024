#include "kernel/cpu/clock_chip.hpp"

#include "kernel/cpu/port_io.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint8_t kSeconds = 0x00;
constexpr std::uint8_t kMinutes = 0x02;
constexpr std::uint8_t kHours = 0x04;
constexpr std::uint8_t kDay = 0x07;
constexpr std::uint8_t kMonth = 0x08;
constexpr std::uint8_t kYear = 0x09;
constexpr std::uint8_t kStatusA = 0x0A;
constexpr std::uint8_t kStatusB = 0x0B;
constexpr std::uint8_t kUpdating = 0x80;  // A
constexpr std::uint8_t kBinary = 0x04;    // B
constexpr std::uint8_t kDay24 = 0x02;     // B
constexpr std::uint8_t kAfternoon = 0x80;

std::uint8_t read(std::uint8_t reg) {
    out8(0x70, reg);
    return in8(0x71);
}

struct Reading {
    std::uint8_t second, minute, hour, day, month, year;
    bool operator==(const Reading&) const = default;
};

Reading read_all() {
    for (unsigned tries = 0; tries < 10'000 && (read(kStatusA) & kUpdating) != 0; ++tries) {
    }
    return {read(kSeconds), read(kMinutes), read(kHours), read(kDay), read(kMonth), read(kYear)};
}

}  // namespace

std::uint64_t read_clock_chip() {
    Reading now = read_all();
    for (unsigned tries = 0; tries < 3; ++tries) {  // the same twice: no update came in between
        const Reading again = read_all();
        if (again == now) break;
        now = again;
    }
    const std::uint8_t mode = read(kStatusB);
    const auto number = [mode](std::uint8_t value) -> std::uint32_t {
        return (mode & kBinary) != 0 ? value : (value >> 4) * 10U + (value & 0xFU);
    };
    std::uint32_t hour = number(static_cast<std::uint8_t>(now.hour & ~kAfternoon));
    if ((mode & kDay24) == 0) hour = hour % 12 + ((now.hour & kAfternoon) != 0 ? 12 : 0);
    return unix_time(2000 + number(now.year), number(now.month), number(now.day), hour, number(now.minute),
                     number(now.second));
}

}  // namespace quire::kernel
