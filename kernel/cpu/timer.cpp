#include "kernel/cpu/timer.hpp"

#include "kernel/cpu/clock_chip.hpp"
#include "kernel/cpu/divide.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/port_io.hpp"
#include "kernel/cpu/trap.hpp"

namespace quire::kernel {

namespace {

constexpr std::uint32_t kFrequency = 1'193'182;  // Hz
constexpr std::uint16_t kChannel0 = 0x40;
constexpr std::uint16_t kMode = 0x43;
constexpr std::uint8_t kRateGenerator = 0x34;  // channel 0, low byte then high byte, mode 2
constexpr std::uint8_t kLatchChannel0 = 0x00;
constexpr std::uint32_t kLongestTick = 10;  // ms; the counter's 16 bits would do for 54
constexpr std::uint64_t kSecond = 1'000'000'000;
/// Nanoseconds of one count, with 16 binary places.
constexpr std::uint32_t kCountNanoseconds16 = static_cast<std::uint32_t>((kSecond << 16) / kFrequency);

struct State {
    std::uint32_t divisor = 0;  // counts of a tick
    std::uint32_t tick_nanoseconds = 0;
    std::uint32_t tick_fraction = 0;  // and 1/2^32 nanoseconds
    std::uint32_t slice_ticks = 1;
    std::uint64_t boot_unix_nanoseconds = 0;

    // Changed by the interrupt.
    std::uint64_t ticks = 0;
    std::uint64_t nanoseconds = 0;  // at the last tick
    std::uint32_t fraction = 0;
    std::uint32_t slice_left = 0;  // ticks; 0: nothing to count down
    bool expired = false;
    std::uint64_t expired_count = 0;

    std::uint64_t last_reading = 0;
};
constinit State state;

std::uint32_t read_count() {
    out8(kMode, kLatchChannel0);
    const std::uint32_t low = in8(kChannel0);
    return low | std::uint32_t{in8(kChannel0)} << 8;
}

}  // namespace

void init_timer(std::uint32_t slice_milliseconds, std::optional<std::uint64_t> unix_seconds) {
    state.boot_unix_nanoseconds = (unix_seconds ? *unix_seconds : read_clock_chip()) * kSecond;
    state.slice_ticks = (slice_milliseconds + kLongestTick - 1) / kLongestTick;
    state.divisor = static_cast<std::uint32_t>(
        divide(std::uint64_t{kFrequency} * slice_milliseconds, 1000 * state.slice_ticks).quotient);
    const Division tick = divide(std::uint64_t{state.divisor} * kSecond, kFrequency);
    state.tick_nanoseconds = static_cast<std::uint32_t>(tick.quotient);
    state.tick_fraction = static_cast<std::uint32_t>(divide(std::uint64_t{tick.remainder} << 32, kFrequency).quotient);
    out8(kMode, kRateGenerator);
    out8(kChannel0, static_cast<std::uint8_t>(state.divisor));
    out8(kChannel0, static_cast<std::uint8_t>(state.divisor >> 8));
    set_irq_handler(0, on_timer_interrupt);
}

void on_timer_interrupt() {
    ++state.ticks;
    const bool carry = __builtin_add_overflow(state.fraction, state.tick_fraction, &state.fraction);
    state.nanoseconds += state.tick_nanoseconds + (carry ? 1U : 0U);
    if (state.slice_left == 0 || --state.slice_left != 0) return;
    state.expired = true;
    ++state.expired_count;
    request_user_work();
}

std::uint64_t monotonic_nanoseconds() {
    const InterruptsOff off;
    std::uint32_t count = read_count();
    std::uint64_t base = state.nanoseconds;
    if (irq_pending(0)) {  // the counter has started again, but the tick is not counted yet
        count = read_count();
        base += state.tick_nanoseconds;
    }
    const std::uint32_t passed = count < state.divisor ? state.divisor - count : 0;
    const std::uint64_t now = base + (std::uint64_t{passed} * kCountNanoseconds16 >> 16);
    if (now > state.last_reading) state.last_reading = now;
    return state.last_reading;
}

std::uint64_t unix_nanoseconds() {
    return state.boot_unix_nanoseconds + monotonic_nanoseconds();
}

std::uint64_t tick_count() {
    const InterruptsOff off;
    return state.ticks;
}
std::uint32_t tick_nanoseconds() {
    return state.tick_nanoseconds;
}

void start_slice() {
    const InterruptsOff off;
    state.slice_left = state.slice_ticks;
    state.expired = false;
}
bool slice_expired() {
    return state.expired;
}

std::uint64_t expired_slices() {
    const InterruptsOff off;
    return state.expired_count;
}

}  // namespace quire::kernel
