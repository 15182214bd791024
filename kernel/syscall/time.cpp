#include <time.h>

#include "kernel/cpu/timer.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;

template <typename Number>
struct TimeSpec {
    Number seconds;
    Number nanoseconds;
};
using TimeSpec32 = TimeSpec<std::int32_t>;
using TimeSpec64 = TimeSpec<std::int64_t>;

template <typename Number>
TimeSpec<Number> time_spec(std::uint64_t nanoseconds) {
    return {static_cast<Number>(nanoseconds / kNanosecondsPerSecond),
            static_cast<Number>(nanoseconds % kNanosecondsPerSecond)};
}

SysResult<std::uint64_t> clock_now(std::uint32_t clock) {
    switch (static_cast<int>(clock)) {
        case CLOCK_REALTIME:
        case 5:  // CLOCK_REALTIME_COARSE
            return unix_nanoseconds();
        case CLOCK_MONOTONIC:
        case 4:  // CLOCK_MONOTONIC_RAW
        case 6:  // CLOCK_MONOTONIC_COARSE
        case 7:  // CLOCK_BOOTTIME
            return monotonic_nanoseconds();
        case CLOCK_PROCESS_CPUTIME_ID:
        case CLOCK_THREAD_CPUTIME_ID: {
            const Process& process = current_process();
            return process.statistics.run_nanoseconds + (monotonic_nanoseconds() - process.slice_started);
        }
        default: return fail(Errno::einval);
    }
}

template <typename Number>
CallResult give_clock(const Arguments& arguments) {
    const auto now = clock_now(arguments.a);
    if (!now) return fail(now.error());
    return give(arguments.b, time_spec<Number>(*now));
}

template <typename Number>
CallResult give_resolution(const Arguments& arguments) {
    if (const auto now = clock_now(arguments.a); !now) return fail(now.error());
    if (arguments.b == 0) return 0U;
    return give(arguments.b, time_spec<Number>(1));
}

/// Sleeps; what was left is stored when a signal came first.
template <typename Number>
CallResult sleep(std::uint64_t clock_offset, bool absolute, std::uint32_t request, std::uint32_t remaining) {
    const auto wanted = load_user<TimeSpec<Number>>({request});
    if (!wanted) return fail(Errno::efault);
    if (wanted->seconds < 0 || wanted->nanoseconds < 0 ||
        wanted->nanoseconds >= static_cast<Number>(kNanosecondsPerSecond)) {
        return fail(Errno::einval);
    }
    constexpr std::uint64_t kLongest = std::uint64_t{1} << 33U;  // seconds: longer than any machine runs
    std::uint64_t seconds = static_cast<std::uint64_t>(wanted->seconds);
    if (seconds > kLongest) seconds = kLongest;
    std::uint64_t until = seconds * kNanosecondsPerSecond + static_cast<std::uint64_t>(wanted->nanoseconds);
    if (absolute) {
        until = until > clock_offset ? until - clock_offset : 0;
    } else {
        until += monotonic_nanoseconds();
    }
    for (std::uint64_t now = monotonic_nanoseconds(); now < until; now = monotonic_nanoseconds()) {
        if (sleep_until(until)) continue;
        now = monotonic_nanoseconds();
        const std::uint64_t left = until > now ? until - now : 0;
        if (!absolute && remaining != 0 && !store_user({remaining}, time_spec<Number>(left)))
            return fail(Errno::efault);
        return fail(Errno::eintr);
    }
    return 0U;
}

template <typename Number>
CallResult clock_sleep(const Arguments& arguments) {
    if (const auto now = clock_now(arguments.a); !now) return fail(now.error());
    const bool real = static_cast<int>(arguments.a) == CLOCK_REALTIME;
    const std::uint64_t offset = real ? unix_nanoseconds() - monotonic_nanoseconds() : 0;
    return sleep<Number>(offset, (arguments.b & TIMER_ABSTIME) != 0, arguments.c, arguments.d);
}

struct TimeValue {
    std::int32_t seconds;
    std::int32_t microseconds;
};
struct IntervalTimer {
    TimeValue interval;
    TimeValue value;
};

std::uint64_t nanoseconds_of(const TimeValue& value) {
    return static_cast<std::uint64_t>(value.seconds) * kNanosecondsPerSecond +
           static_cast<std::uint64_t>(value.microseconds) * kNanosecondsPerMicrosecond;
}
TimeValue time_value(std::uint64_t nanoseconds) {
    return {static_cast<std::int32_t>(nanoseconds / kNanosecondsPerSecond),
            static_cast<std::int32_t>(nanoseconds % kNanosecondsPerSecond / kNanosecondsPerMicrosecond)};
}
bool valid(const TimeValue& value) {
    return value.seconds >= 0 && value.microseconds >= 0 && value.microseconds < 1'000'000;
}

std::uint64_t alarm_left(const Process& process) {
    const std::uint64_t now = monotonic_nanoseconds();
    return process.alarm_at > now ? process.alarm_at - now : 0;
}

IntervalTimer timer_of(const Process& process) {
    return {time_value(process.alarm_interval), time_value(alarm_left(process))};
}

}  // namespace

CallResult time(const Arguments& arguments) {
    const auto seconds = static_cast<std::uint32_t>(unix_nanoseconds() / kNanosecondsPerSecond);
    if (arguments.a != 0 && !store_user({arguments.a}, seconds)) return fail(Errno::efault);
    return seconds;
}

CallResult gettimeofday(const Arguments& arguments) {
    if (arguments.b != 0 && !store_user({arguments.b}, std::array<std::uint32_t, 2>{})) return fail(Errno::efault);
    if (arguments.a == 0) return 0U;
    return give(arguments.a, time_value(unix_nanoseconds()));
}

CallResult clock_gettime(const Arguments& arguments) {
    return give_clock<std::int32_t>(arguments);
}
CallResult clock_gettime64(const Arguments& arguments) {
    return give_clock<std::int64_t>(arguments);
}
CallResult clock_getres(const Arguments& arguments) {
    return give_resolution<std::int32_t>(arguments);
}
CallResult clock_getres64(const Arguments& arguments) {
    return give_resolution<std::int64_t>(arguments);
}

CallResult nanosleep(const Arguments& arguments) {
    return sleep<std::int32_t>(0, false, arguments.a, arguments.b);
}
CallResult clock_nanosleep(const Arguments& arguments) {
    return clock_sleep<std::int32_t>(arguments);
}
CallResult clock_nanosleep64(const Arguments& arguments) {
    return clock_sleep<std::int64_t>(arguments);
}

CallResult alarm(const Arguments& arguments) {
    Process& process = current_process();
    const std::uint64_t left = alarm_left(process);
    process.alarm_interval = 0;
    process.alarm_at =
        arguments.a == 0 ? 0 : monotonic_nanoseconds() + std::uint64_t{arguments.a} * kNanosecondsPerSecond;
    return static_cast<std::uint32_t>((left + kNanosecondsPerSecond - 1) / kNanosecondsPerSecond);
}

/// Only the timer of real time; the others would count what nobody measures.
CallResult setitimer(const Arguments& arguments) {
    if (arguments.a != 0) return fail(Errno::einval);
    const auto timer = load_user<IntervalTimer>({arguments.b});
    if (!timer) return fail(Errno::efault);
    if (!valid(timer->interval) || !valid(timer->value)) return fail(Errno::einval);
    Process& process = current_process();
    const IntervalTimer before = timer_of(process);
    const std::uint64_t first = nanoseconds_of(timer->value);
    process.alarm_interval = nanoseconds_of(timer->interval);
    process.alarm_at = first == 0 ? 0 : monotonic_nanoseconds() + first;
    if (arguments.c == 0) return 0U;
    return give(arguments.c, before);
}

CallResult getitimer(const Arguments& arguments) {
    if (arguments.a != 0) return fail(Errno::einval);
    return give(arguments.b, timer_of(current_process()));
}

}  // namespace quire::kernel::calls
