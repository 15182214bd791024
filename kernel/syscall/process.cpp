#include <linux/futex.h>

#include <algorithm>
#include <cstring>

#include "kernel/base/random.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::uint64_t kTicksPerSecond = 100;  // sysconf(_SC_CLK_TCK)

/// struct user_desc: set_thread_area(2).
struct ThreadArea {
    std::uint32_t entry;
    std::uint32_t base;
    std::uint32_t limit;
    std::uint32_t
        bits;  ///< 0 seg_32bit, 1-2 contents, 3 read_exec_only, 4 limit_in_pages, 5 seg_not_present, 6 useable
};

struct Limits {
    std::uint64_t current;
    std::uint64_t maximum;
};
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

/// getrlimit(2): by RLIMIT_… number.
Limits limits_of(std::uint32_t resource) {
    constexpr std::uint32_t kStack = 3;
    constexpr std::uint32_t kCore = 4;
    constexpr std::uint32_t kFiles = 7;
    if (resource == kStack) return {kStackPages.bytes(), kStackPages.bytes()};
    if (resource == kCore) return {0, 0};
    if (resource == kFiles) return {Files::kMost, Files::kMost};
    return {kUnlimited, kUnlimited};
}
constexpr std::uint32_t kResources = 16;

CallResult give_short_limits(const Arguments& arguments, std::uint32_t unlimited) {
    if (arguments.a >= kResources) return fail(Errno::einval);
    const Limits limits = limits_of(arguments.a);
    const auto shorten = [&](std::uint64_t value) {
        return value == kUnlimited ? unlimited : static_cast<std::uint32_t>(value);
    };
    return give(arguments.b, std::array{shorten(limits.current), shorten(limits.maximum)});
}

std::uint64_t used_nanoseconds(const Process& process) {
    return process.statistics.run_nanoseconds + (monotonic_nanoseconds() - process.slice_started);
}

struct SystemName {
    std::array<char, 65> system, node, release, version, machine, domain;
};

void set(std::array<char, 65>& field, std::string_view text) {
    std::copy_n(text.begin(), text.size(), field.begin());
}

/// struct sysinfo of i386.
struct SystemFacts {
    std::int32_t uptime;
    std::array<std::uint32_t, 3> loads;
    std::uint32_t total, free, shared, buffers, total_swap, free_swap;
    std::uint16_t processes, pad;
    std::uint32_t total_high, free_high, unit;
    std::array<std::uint8_t, 8> filler;
};
static_assert(sizeof(SystemFacts) == 64);

/// struct rusage of i386: two times and fourteen counts.
struct Usage {
    std::uint32_t user_seconds, user_microseconds, system_seconds, system_microseconds;
    std::array<std::uint32_t, 14> counts;
};

}  // namespace

CallResult exit(const Arguments& arguments) {
    Process& process = current_process();
    // pthread_join in libc waits for this word: set_tid_address(2).
    if (process.clear_child_tid.value != 0) (void)store_user(process.clear_child_tid, 0U);
    end_current_process({.code = static_cast<std::uint8_t>(arguments.a), .signal = 0});
}

CallResult getpid(const Arguments&) {
    return static_cast<std::uint32_t>(current_process().id);
}
CallResult getppid(const Arguments&) {
    return static_cast<std::uint32_t>(current_process().parent);
}
CallResult zero(const Arguments&) {
    return 0U;
}
/// What succeeds because there is only one user, one process group, and nothing to set.
CallResult accept(const Arguments&) {
    return 0U;
}
CallResult no_child(const Arguments&) {
    return fail(Errno::echild);
}

CallResult set_tid_address(const Arguments& arguments) {
    current_process().clear_child_tid = {arguments.a};
    return static_cast<std::uint32_t>(current_process().id);
}

CallResult set_thread_area(const Arguments& arguments) {
    auto area = load_user<ThreadArea>({arguments.a});
    if (!area) return fail(Errno::efault);
    UserSegments& segments = current_process().segments;
    constexpr std::uint32_t kAny = ~0U;
    if (area->entry == kAny) {
        std::uint32_t index = 0;
        while (index < kThreadEntries && segments.entries[index] != Descriptor{}) ++index;
        if (index == kThreadEntries) return fail(Errno::esrch);
        area->entry = kFirstThreadEntry + index;
        if (!store_user({arguments.a}, area->entry)) return fail(Errno::efault);
    }
    if (area->entry < kFirstThreadEntry || area->entry >= kFirstThreadEntry + kThreadEntries)
        return fail(Errno::einval);
    constexpr std::uint32_t kEmptyBits = 0x28;  // read_exec_only and seg_not_present: clears the entry
    const bool cleared = area->base == 0 && area->limit == 0 && (area->bits & kEmptyBits) == kEmptyBits;
    save_user_segments(segments);
    segments.entries[area->entry - kFirstThreadEntry] =
        cleared ? Descriptor{}
                : make_descriptor({.base = {area->base},
                                   .limit = area->limit & 0xFFFFFU,
                                   .limit_in_pages = (area->bits >> 4U & 1U) != 0,
                                   .writable = (area->bits >> 3U & 1U) == 0,
                                   .expand_down = (area->bits >> 1U & 3U) == 1,
                                   .big = (area->bits & 1U) != 0});
    load_user_segments(segments);
    return 0U;
}

CallResult uname(const Arguments& arguments) {
    SystemName name{};
    set(name.system, "Linux");  // whose calls these are: programs ask
    set(name.node, "quire");
    set(name.release, "5.10.0-quire");
    set(name.version, "#1 Quire");
    set(name.machine, "i686");
    set(name.domain, "(none)");
    return give(arguments.a, name);
}

CallResult sysinfo(const Arguments& arguments) {
    const FrameStatistics frames = memory().frames.statistics();
    SystemFacts facts{};
    facts.uptime = static_cast<std::int32_t>(monotonic_nanoseconds() / kNanosecondsPerSecond);
    facts.total = static_cast<std::uint32_t>(frames.managed.value);
    facts.free = static_cast<std::uint32_t>(frames.free.value);
    facts.processes = static_cast<std::uint16_t>(living_processes());
    facts.unit = kPageSize;
    return give(arguments.a, facts);
}

CallResult getrlimit(const Arguments& arguments) {
    return give_short_limits(arguments, 0xFFFF'FFFF);
}
CallResult old_getrlimit(const Arguments& arguments) {
    return give_short_limits(arguments, 0x7FFF'FFFF);
}

CallResult prlimit64(const Arguments& arguments) {
    if (arguments.b >= kResources) return fail(Errno::einval);
    if (arguments.a != 0 && arguments.a != static_cast<std::uint32_t>(current_process().id)) return fail(Errno::esrch);
    if (arguments.c != 0 && !load_user<Limits>({arguments.c})) return fail(Errno::efault);  // accepted, without effect
    if (arguments.d == 0) return 0U;
    return give(arguments.d, limits_of(arguments.b));
}

CallResult getrusage(const Arguments& arguments) {
    const auto who = static_cast<std::int32_t>(arguments.a);
    if (who != 0 && who != -1 && who != 1) return fail(Errno::einval);
    Usage usage{};
    if (who != -1) {
        const std::uint64_t used = used_nanoseconds(current_process());
        usage.user_seconds = static_cast<std::uint32_t>(used / kNanosecondsPerSecond);
        usage.user_microseconds = static_cast<std::uint32_t>(used % kNanosecondsPerSecond / 1000);
    }
    return give(arguments.b, usage);
}

CallResult times(const Arguments& arguments) {
    const auto used =
        static_cast<std::uint32_t>(used_nanoseconds(current_process()) / (kNanosecondsPerSecond / kTicksPerSecond));
    if (arguments.a != 0 && !store_user({arguments.a}, std::array<std::uint32_t, 4>{used, 0, 0, 0}))
        return fail(Errno::efault);
    return static_cast<std::uint32_t>(monotonic_nanoseconds() / (kNanosecondsPerSecond / kTicksPerSecond)) &
           0x7FFF'FFFFU;
}

CallResult sched_yield(const Arguments&) {
    yield_processor();
    return 0U;
}

CallResult sched_getaffinity(const Arguments& arguments) {
    constexpr std::uint32_t kOneProcessor = 1;
    if (arguments.b < sizeof kOneProcessor) return fail(Errno::einval);
    if (!store_user({arguments.c}, kOneProcessor)) return fail(Errno::efault);
    return sizeof kOneProcessor;
}

CallResult prctl(const Arguments& arguments) {
    constexpr std::uint32_t kSetName = 15;
    constexpr std::uint32_t kGetName = 16;
    constexpr std::size_t kLength = 16;
    Process& process = current_process();
    std::array<char, kLength> name{};
    if (arguments.a == kSetName) {
        const auto length = copy_string_from_user(name, {arguments.b});
        if (!length && length.error() == StringError::bad_address) return fail(Errno::efault);
        name.back() = '\0';
        process.name = {};
        std::ranges::copy(name, process.name.begin());
        return 0U;
    }
    if (arguments.a == kGetName) {
        std::copy_n(process.name.begin(), kLength - 1, name.begin());
        return give(arguments.b, name);
    }
    return fail(Errno::einval);
}

CallResult getrandom(const Arguments& arguments) {
    constexpr std::uint32_t kKnownFlags = 7;
    if ((arguments.c & ~kKnownFlags) != 0) return fail(Errno::einval);
    std::array<std::byte, 256> piece;
    std::uint32_t total = 0;
    while (total < arguments.b) {
        const auto part = std::span(piece).first(std::min<std::size_t>(piece.size(), arguments.b - total));
        fill_random(part);
        if (!copy_to_user({arguments.a + total}, part)) return fail(Errno::efault);
        total += static_cast<std::uint32_t>(part.size());
    }
    return total;
}

/// With one thread a process there is nobody to wake and nobody who could wake us: a wait would last for ever, and is
/// refused.
CallResult futex(const Arguments& arguments) {
    constexpr std::uint32_t kCommand = ~static_cast<std::uint32_t>(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
    const auto word = load_user<std::uint32_t>({arguments.a});
    if (!word) return fail(Errno::efault);
    switch (arguments.b & kCommand) {
        case FUTEX_WAKE: return 0U;
        case FUTEX_WAIT:
        case FUTEX_WAIT_BITSET:
            if (*word != arguments.c) return fail(Errno::eagain);
            return fail(arguments.d != 0 ? Errno::etimedout : Errno::eagain);
        default: return fail(Errno::enosys);
    }
}

}  // namespace quire::kernel::calls
