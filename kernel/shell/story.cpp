#include "kernel/shell/story.hpp"

#include <array>

#include "kernel/console/line_discipline.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/memory/audit.hpp"
#include "kernel/process/scheduler.hpp"
#include "kernel/shell/reports.hpp"

namespace quire::kernel {

namespace {

constexpr std::size_t kPrograms = 3;
constexpr std::array<std::string_view, kPrograms> kNames{"ada", "brook", "cedar"};
constexpr std::array<std::string_view, kPrograms> kSeeds{"1815", "1943", "2015"};
constexpr std::string_view kAllocations = "40000";
constexpr std::string_view kPath = "/bin/story";
constexpr std::uint64_t kLookEvery = 20'000'000;  // nanoseconds
constexpr std::uint64_t kRedrawEvery = 100'000'000;
constexpr std::uint64_t kPrintEvery = 500'000'000;

/// What is shown of one program: a snapshot, so that the last one survives the program.
struct Line {
    std::string_view name;
    ProcessId id = 0;
    std::uint64_t slices = 0;
    std::uint64_t preempted = 0;
    std::uint64_t faults = 0;
    std::uint64_t frames = 0;
    std::uint64_t heap_kib = 0;
    bool ended = false;
};

struct Story {
    Sink& out;
    Live live;
    std::array<Line, kPrograms> lines;
    std::uint64_t next_look = 0;
    std::uint64_t next_drawing = 0;
    std::uint64_t drawn_at = 0;  ///< line_discipline().lines_written() after the last drawing; 0: none yet
};

void look_at(Line& line) {
    const Process* process = find_process(line.id);
    if (process == nullptr || line.ended) return;
    line.slices = process->statistics.slices;
    line.preempted = process->statistics.preempted;
    line.ended = process->state == ProcessState::ended;
    const SpaceStatistics space = statistics_of(*process);
    line.faults = all_faults(space);
    if (line.ended) return;  // its last frames and heap stay in the line
    line.frames = space.resident.value;
    line.heap_kib = space.heap.bytes() / 1024;
}

/// Rewrites the lines in place if the terminal can and nobody has written below them meanwhile; else writes them anew.
void draw(Story& story) {
    const bool in_place = story.live == Live::ansi && story.drawn_at == line_discipline().lines_written();
    const std::string_view line_end = story.live == Live::ansi ? "\x1b[K\n" : "\n";
    if (in_place) story.out.write("\x1b[4A");
    if (story.live == Live::ansi || story.drawn_at == 0) {
        format(story.out, "  {:<8} {:>8} {:>10} {:>10} {:>10} {:>10}{}", "program", "slices", "preempted", "faults",
               "frames", "heap", line_end);
    }
    for (const Line& line : story.lines) {
        format(story.out, "  {:<8} {:>8} {:>10'} {:>10'} {:>10'} {:>8'} K{}{}", line.name, line.slices, line.preempted,
               line.faults, line.frames, line.heap_kib, line.ended ? "  ended" : "", line_end);
    }
    story.drawn_at = line_discipline().lines_written();
}

/// Called between time slices; true when the story is over.
bool between_slices(void* context) {
    Story& story = *static_cast<Story*>(context);
    const std::uint64_t now = monotonic_nanoseconds();
    const bool due = now >= story.next_look;
    bool all_ended = true;
    for (Line& line : story.lines) {
        if (due || find_process(line.id)->state == ProcessState::ended) look_at(line);
        all_ended = all_ended && line.ended;
    }
    if (due) story.next_look = now + kLookEvery;
    if (now >= story.next_drawing || all_ended) {
        draw(story);
        story.next_drawing = now + (story.live == Live::ansi ? kRedrawEvery : kPrintEvery);
    }
    return all_ended;
}

bool start(Story& story) {
    for (std::size_t i = 0; i < kPrograms; ++i) {
        const std::array<std::string_view, 4> arguments{"story", kNames[i], kSeeds[i], kAllocations};
        const auto process = start_program({.path = kPath, .arguments = arguments, .environment = {}});
        if (!process) {
            format(story.out, "{}: {}\n", kNames[i], process.error().text);
            return false;
        }
        story.lines[i].name = kNames[i];
        story.lines[i].id = (*process)->id;
    }
    return true;
}

/// Compares what the parts say with what the whole says.
bool sum_up(const Story& story, const FrameStatistics& before, std::uint64_t expired_before) {
    Sink& out = story.out;
    std::uint64_t slices = 0;
    std::uint64_t preempted = 0;
    std::uint64_t faults = 0;
    bool good = true;
    for (const Line& line : story.lines) {
        const Process& process = *find_process(line.id);
        slices += line.slices;
        preempted += line.preempted;
        faults += line.faults;
        if (process.exit_status.shell_status() != 0) {
            format(out, "  {} ended with status {}\n", line.name, process.exit_status.shell_status());
            good = false;
        }
    }
    forget_ended();
    const FrameStatistics after = memory().frames.statistics();
    const std::uint64_t taken = after.taken - before.taken;
    const std::uint64_t dropped = after.dropped - before.dropped;
    const std::uint64_t kept = (before.free - after.free).value;
    out.write("\nin sum\n");
    format(out, "  {:'} time slices, {:'} of them ended by the timer ({:'} slices ran out in all)\n", slices, preempted,
           expired_slices() - expired_before);
    format(out, "  {:'} page faults\n", faults);
    format(out, "  {:'} frames taken - {:'} given back = {:'} kept (file pages read, kernel heap)\n", taken, dropped,
           kept);
    if (taken - dropped != kept) {
        out.write("  these numbers do not add up\n");
        good = false;
    }
    const AuditReport audit = run_audit();
    format(out, "  audit: {:'} frames free + {:'} used = {:'} managed; every one has as many owners as shares\n",
           audit.free.value, audit.used.value, (audit.free + audit.used).value);
    return good;
}

}  // namespace

bool tell_story(Sink& out, Live live) {
    out.write(
        "Three programs, each in its own page directory, all at the same virtual addresses. Each makes thousands of\n"
        "allocations between 1 byte and 64 KiB; pages get their frames at first touch; the timer takes the processor\n"
        "away after each slice.\n\n");
    Story story{.out = out, .live = live, .lines = {}, .next_look = 0, .next_drawing = 0, .drawn_at = 0};
    const FrameStatistics before = memory().frames.statistics();
    const std::uint64_t expired_before = expired_slices();
    if (!start(story)) return false;
    run_until(between_slices, &story);
    return sum_up(story, before, expired_before);
}

}  // namespace quire::kernel
