#include <cstdint>

#include "kernel/cpu/clock_chip.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/timer.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

void wait_ticks(std::uint64_t count) {
    const std::uint64_t end = tick_count() + count;
    while (tick_count() < end) wait_for_interrupt();
}

void timer_ticks() {
    wait_ticks(1);
    const std::uint64_t tick = tick_count();
    const std::uint64_t start = monotonic_nanoseconds();
    wait_ticks(3);
    const std::uint64_t passed = monotonic_nanoseconds() - start;
    const std::uint64_t expected = (tick_count() - tick) * tick_nanoseconds();
    check(passed + tick_nanoseconds() / 2 > expected, "time keeps up with ticks");
    check(passed < expected + tick_nanoseconds(), "time does not run ahead of ticks");
}

void timer_is_monotonic() {
    std::uint64_t last = monotonic_nanoseconds();
    const std::uint64_t end = last + 3ULL * tick_nanoseconds();
    std::uint32_t readings = 0;
    while (last < end) {  // across tick boundaries, interrupts on and off in turn
        if (++readings % 2 == 0) disable_interrupts();
        const std::uint64_t now = monotonic_nanoseconds();
        enable_interrupts();
        if (!check(now >= last, "time goes forward")) return;
        check(now - last < 2ULL * tick_nanoseconds(), "time does not jump");
        last = now;
    }
    check(readings > 30, "time is finer than a tick");
}

void timer_counts_a_late_tick() {
    wait_ticks(1);
    disable_interrupts();
    const std::uint64_t start = monotonic_nanoseconds();
    while (!irq_pending(0)) {
    }
    const std::uint64_t passed = monotonic_nanoseconds() - start;
    enable_interrupts();
    check(passed + tick_nanoseconds() / 10 > tick_nanoseconds(), "a tick that waits is counted in the time");
    check(passed < tick_nanoseconds() * 2ULL, "and counted once");
}

void timer_ends_slices() {
    const std::uint64_t before = expired_slices();
    start_slice();
    check(!slice_expired(), "a slice begins unexpired");
    const std::uint64_t start = monotonic_nanoseconds();
    while (!slice_expired() && monotonic_nanoseconds() < start + 3 * kSecond) wait_for_interrupt();
    check(slice_expired() && expired_slices() == before + 1, "a slice ends");
    wait_ticks(2);
    check(expired_slices() == before + 1, "a slice ends once");
}

void clock_agrees_with_chip() {
    const std::uint64_t chip = read_clock_chip();
    const std::uint64_t ours = unix_nanoseconds() / kSecond;
    check(chip <= ours + 2 && ours <= chip + 2, "the date is the clock chip's");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"timer_ticks", timer_ticks},
    {"timer_is_monotonic", timer_is_monotonic},
    {"timer_counts_a_late_tick", timer_counts_a_late_tick},
    {"timer_ends_slices", timer_ends_slices},
    {"clock_agrees_with_chip", clock_agrees_with_chip},
};

}  // namespace
}  // namespace quire::kernel
