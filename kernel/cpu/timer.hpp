#pragma once
/// Time: the programmable interval timer ticks, slices are counted in ticks, nanoseconds come from ticks and what
/// the running count says in between; the clock chip tells the date once, at boot.
/// Intel 8254 data sheet; Motorola MC146818 data sheet.

#include <cstdint>
#include <optional>

namespace quire::kernel {

/// Starts the timer with time slices of `slice_milliseconds` (1..1000). The tick is the slice itself, or, when that
/// is longer than 10 ms, an equal part of it of at most 10 ms. `unix_seconds`: the date at boot (`time=` of the command
/// line), else the clock chip is read. Once, by boot, with interrupts off.
void init_timer(std::uint32_t slice_milliseconds, std::optional<std::uint64_t> unix_seconds);

/// Nanoseconds since init_timer(); never goes back. Four port accesses. From any context.
[[nodiscard]] std::uint64_t monotonic_nanoseconds();
/// Nanoseconds since 1970-01-01 UTC.
[[nodiscard]] std::uint64_t unix_nanoseconds();

/// Ticks since init_timer(), and the length of one.
[[nodiscard]] std::uint64_t tick_count();
[[nodiscard]] std::uint32_t tick_nanoseconds();

/// Gives the running process a whole slice from now. When it is used up, the timer calls request_user_work()
/// and slice_expired() is true until the next start_slice().
void start_slice();
[[nodiscard]] bool slice_expired();

/// How many slices have run out since boot.
[[nodiscard]] std::uint64_t expired_slices();

/// IRQ 0. Interrupts off.
void on_timer_interrupt();

}  // namespace quire::kernel
