#pragma once
/// What the prompt and the story show: the state of the machine as text. Each function writes whole lines and changes
/// nothing.

#include "kernel/console/format.hpp"
#include "kernel/process/process.hpp"

namespace quire::kernel {

/// Frames: managed, free, used, reserved, and what has passed through.
void report_frames(Sink& out);
/// The kernel's heap: each size class, each kind of object that has a cache, and totals.
void report_heap(Sink& out);
/// One line for each process.
void report_processes(Sink& out);
/// The ranges of kernel space, then those of every living process with its name.
void report_maps(Sink& out);
/// The regions of one process, as /proc/PID/maps shows them.
void report_maps_of(Sink& out, const Process& process);

/// What a process's space counts, also when it is not the active one.
[[nodiscard]] SpaceStatistics statistics_of(const Process& process);
/// Faults of all kinds.
[[nodiscard]] std::uint64_t all_faults(const SpaceStatistics& statistics);

}  // namespace quire::kernel
