#pragma once
/// The battery-backed clock. Motorola MC146818 data sheet.

#include <cstdint>

namespace quire::kernel {

/// Seconds since 1970-01-01 UTC, read once from the clock chip (which is taken to run on UTC, years 2000 to 2099).
/// Waits for at most the two milliseconds that an update takes.
[[nodiscard]] std::uint64_t read_clock_chip();

/// Seconds since 1970-01-01 of a date of the Gregorian calendar; month 1..12, day 1..31.
[[nodiscard]] constexpr std::uint64_t unix_time(std::uint32_t year, std::uint32_t month, std::uint32_t day,
                                                std::uint32_t hour, std::uint32_t minute, std::uint32_t second) {
    // Years that begin in March have their leap day at the end: days before month m are then (153 m + 2) / 5.
    const std::uint32_t shifted_year = month > 2 ? year : year - 1;
    const std::uint32_t shifted_month = month > 2 ? month - 3 : month + 9;
    const std::uint32_t days_before_year =
        shifted_year * 365 + shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    constexpr std::uint32_t kDaysTo1970 = 719'468;  // from March 1st of year 0
    const std::uint32_t days = days_before_year + (153 * shifted_month + 2) / 5 + day - 1 - kDaysTo1970;
    return ((std::uint64_t{days} * 24 + hour) * 60 + minute) * 60 + second;
}
static_assert(unix_time(1970, 1, 1, 0, 0, 0) == 0);
static_assert(unix_time(2000, 2, 29, 12, 0, 0) == 951'825'600);
static_assert(unix_time(2038, 1, 19, 3, 14, 7) == 0x7FFF'FFFF);

}  // namespace quire::kernel
