#include <algorithm>
#include <optional>

#include "kernel/cpu/timer.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/syscall/calls.hpp"
#include "kernel/syscall/user_values.hpp"

namespace quire::kernel::calls {

namespace {

struct PollEntry {
    std::int32_t descriptor;
    std::uint16_t events;
    std::uint16_t returned;
};
static_assert(sizeof(PollEntry) == 8);

constexpr std::uint16_t kPollInvalid = 0x020;
constexpr std::uint64_t kNanosecondsPerMillisecond = 1'000'000;

std::uint16_t ready_events(const PollEntry& entry) {
    if (entry.descriptor < 0) return 0;
    const auto file = current_process().files.get(static_cast<std::uint32_t>(entry.descriptor));
    if (!file) return kPollInvalid;
    return static_cast<std::uint16_t>((*file)->ready() & (entry.events | kPollError | kPollHangUp));
}

/// Looks until `look` finds something, the time is over, or a signal comes.
template <typename Look>
CallResult wait_for(std::optional<std::uint64_t> nanoseconds, Look look) {
    const std::uint64_t deadline = nanoseconds ? monotonic_nanoseconds() + *nanoseconds : 0;
    for (;;) {
        const CallResult found = look();
        if (!found || *found != 0) return found;
        if (nanoseconds && (*nanoseconds == 0 || monotonic_nanoseconds() >= deadline)) return found;
        if (!wait_for_input(deadline)) return fail(Errno::eintr);
    }
}

CallResult poll_once(std::uint32_t address, std::uint32_t count) {
    std::uint32_t ready = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const VirtualAddress place{address + i * sizeof(PollEntry)};
        auto entry = load_user<PollEntry>(place);
        if (!entry) return fail(Errno::efault);
        entry->returned = ready_events(*entry);
        if (entry->returned != 0) ++ready;
        if (!store_user(place, *entry)) return fail(Errno::efault);
    }
    return ready;
}

using DescriptorSet = std::array<std::uint32_t, 1024 / 32>;

/// Reads a set that may be absent; only the words that `count` descriptors take.
bool load_set(DescriptorSet& set, std::uint32_t address, std::size_t words) {
    set = {};
    return address == 0 || copy_from_user(std::as_writable_bytes(std::span(set).first(words)), {address});
}
bool store_set(const DescriptorSet& set, std::uint32_t address, std::size_t words) {
    return address == 0 || copy_to_user({address}, std::as_bytes(std::span(set).first(words)));
}

struct TimeValue {
    std::int32_t seconds;
    std::int32_t microseconds;
};

CallResult select(std::uint32_t count, std::uint32_t readers, std::uint32_t writers, std::uint32_t exceptions,
                  std::uint32_t timeout) {
    if (count > 1024) return fail(Errno::einval);
    const std::size_t words = (count + 31) / 32;
    DescriptorSet in;
    DescriptorSet out;
    if (!load_set(in, readers, words) || !load_set(out, writers, words)) return fail(Errno::efault);
    std::optional<std::uint64_t> nanoseconds;
    if (timeout != 0) {
        const auto value = load_user<TimeValue>({timeout});
        if (!value) return fail(Errno::efault);
        if (value->seconds < 0 || value->microseconds < 0) return fail(Errno::einval);
        nanoseconds = static_cast<std::uint64_t>(value->seconds) * 1'000'000'000U +
                      static_cast<std::uint64_t>(value->microseconds) * 1000U;
    }
    DescriptorSet in_ready{};
    DescriptorSet out_ready{};
    const auto found = wait_for(nanoseconds, [&]() -> CallResult {
        std::uint32_t ready = 0;
        in_ready = {};
        out_ready = {};
        for (std::uint32_t descriptor = 0; descriptor < count; ++descriptor) {
            const std::uint32_t bit = 1U << (descriptor % 32);
            const bool wants_in = (in[descriptor / 32] & bit) != 0;
            const bool wants_out = (out[descriptor / 32] & bit) != 0;
            if (!wants_in && !wants_out) continue;
            const auto file = current_process().files.get(descriptor);
            if (!file) return fail(file.error());
            const std::uint16_t events = (*file)->ready();
            if (wants_in && (events & (kPollIn | kPollHangUp)) != 0) in_ready[descriptor / 32] |= bit, ++ready;
            if (wants_out && (events & (kPollOut | kPollError)) != 0) out_ready[descriptor / 32] |= bit, ++ready;
        }
        return ready;
    });
    if (!found) return found;
    const DescriptorSet none{};
    if (!store_set(in_ready, readers, words) || !store_set(out_ready, writers, words) ||
        !store_set(none, exceptions, words)) {
        return fail(Errno::efault);
    }
    return found;
}

}  // namespace

CallResult poll(const Arguments& arguments) {
    if (arguments.b > Files::kMost) return fail(Errno::einval);
    std::optional<std::uint64_t> nanoseconds;
    const auto milliseconds = static_cast<std::int32_t>(arguments.c);
    if (milliseconds >= 0) nanoseconds = static_cast<std::uint64_t>(milliseconds) * kNanosecondsPerMillisecond;
    return wait_for(nanoseconds, [&] { return poll_once(arguments.a, arguments.b); });
}

CallResult select_old(const Arguments& arguments) {
    const auto packed = load_user<std::array<std::uint32_t, 5>>({arguments.a});
    if (!packed) return fail(Errno::efault);
    return select((*packed)[0], (*packed)[1], (*packed)[2], (*packed)[3], (*packed)[4]);
}

CallResult select_new(const Arguments& arguments) {
    return select(arguments.a, arguments.b, arguments.c, arguments.d, arguments.e);
}

}  // namespace quire::kernel::calls
