#pragma once
/// A process: an address space, a kernel stack, a time slice, open files.
///
///      life:   new ──▶ ready ⇄ running ──▶ ended ──▶ (reaped: directory, stack and record freed by somebody else)
///                        ▲        │
///                        └ waiting┘
///
/// The kernel is not preemptible, so fields need no lock; IRQ handlers touch none of them.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "kernel/base/errno.hpp"
#include "kernel/cpu/context.hpp"
#include "kernel/cpu/fpu.hpp"
#include "kernel/cpu/segments.hpp"
#include "kernel/memory/from_cache.hpp"
#include "kernel/memory/memory.hpp"
#include "kernel/process/files.hpp"
#include "kernel/process/signals.hpp"
#include "quire/space/space.hpp"

namespace quire::kernel {

using ProcessId = std::int32_t;

enum class ProcessState : std::uint8_t { ready, running, waiting, ended };

/// How a process ended, as wait() would tell it.
struct ExitStatus {
    std::uint8_t code = 0;    ///< of exit()
    std::uint8_t signal = 0;  ///< 0, or what killed it
    /// What a shell shows: the code, or 128 + signal.
    [[nodiscard]] std::uint8_t shell_status() const {
        return signal != 0 ? static_cast<std::uint8_t>(128 + signal) : code;
    }
};

struct ProcessStatistics {
    std::uint64_t slices = 0;     ///< how often it was given the processor
    std::uint64_t preempted = 0;  ///< how often the timer took it away
    std::uint64_t system_calls = 0;
    std::uint64_t run_nanoseconds = 0;
};

struct Process final : FromCache<Process> {
    static constexpr const char* kCacheName = "process";
    static constexpr std::size_t kNameLength = 32;

    Process() : space(memory().paging, memory().zero_frame, kMappingBase) {}

    ProcessId id = 0;
    ProcessId parent = 0;
    ProcessState state = ProcessState::ready;
    ExitStatus exit_status;
    std::array<char, kNameLength> name{};  ///< NUL-terminated, cut off

    Space space;
    Page stack{};  ///< first committed page of the kernel stack; a guard page lies below
    Context context;
    FpuState fpu = kInitialFpuState;
    UserSegments segments;

    Files files;
    Signals signals;
    bool own_error_stream = false;  ///< standard error goes to COM3, not to the terminal
    std::uint32_t umask = 022;
    VirtualAddress clear_child_tid{};

    ProcessStatistics statistics;
    std::uint64_t slice_started = 0;   ///< monotonic nanoseconds
    std::uint64_t wake_at = 0;         ///< while waiting with a time limit: monotonic nanoseconds; 0: no limit
    bool wants_input = false;          ///< while waiting: input of the terminal ends the wait
    std::uint64_t alarm_at = 0;        ///< monotonic nanoseconds of the next SIGALRM; 0: none
    std::uint64_t alarm_interval = 0;  ///< nanoseconds; 0: once
    Process* next = nullptr;           ///< in the list of all processes

    [[nodiscard]] std::byte* stack_top() const;
    [[nodiscard]] std::string_view name_view() const { return name.data(); }
};

/// The process whose directory is active and on whose kernel stack this code runs; a defect when there is none.
[[nodiscard]] Process& current_process();
[[nodiscard]] Process* current_process_or_null();

}  // namespace quire::kernel
