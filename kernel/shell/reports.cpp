#include "kernel/shell/reports.hpp"

#include "kernel/memory/kmalloc.hpp"
#include "kernel/process/scheduler.hpp"
#include "quire/port.hpp"

namespace quire::kernel {

namespace {

/// A process's range list lies in its own list window: visible only while its directory is active. The kernel half is
/// the
/// same in all, so this code and its stack stay where they are.
class Visit {
public:
    explicit Visit(const Process& process) : before_(Machine::active_directory()) {
        Machine::activate(process.space.directory());
    }
    ~Visit() { Machine::activate(before_); }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

private:
    Frame before_;
};

constexpr std::string_view name_of(RangeKind kind) {
    switch (kind) {
        case RangeKind::gap: return "gap";
        case RangeKind::code: return "code";
        case RangeKind::data: return "data";
        case RangeKind::heap: return "heap";
        case RangeKind::stack: return "stack";
        case RangeKind::mapped: return "mapped";
        case RangeKind::span: return "span";
    }
    return "?";
}

constexpr std::string_view name_of(ProcessState state) {
    switch (state) {
        case ProcessState::ready: return "ready";
        case ProcessState::running: return "running";
        case ProcessState::waiting: return "waiting";
        case ProcessState::ended: return "ended";
    }
    return "?";
}

void print_range(Sink& out, const RangeNode& node) {
    if (node.is_gap()) return;
    const Rights rights = node.granted();
    const PageRange pages = node.pages();
    format(out, "  {:08x}-{:08x} {}{}{}{} {:>8} K  {:<6} {}\n", address_of(pages.first).value,
           address_of(pages.end).value, rights.include(Rights::read) ? 'r' : '-',
           rights.include(Rights::write) ? 'w' : '-', rights.include(Rights::execute) ? 'x' : '-',
           node.shared ? 's' : 'p', pages.count().bytes() / 1024, name_of(node.kind),
           node.object == nullptr ? "" : node.object->name());
}

}  // namespace

std::uint64_t all_faults(const SpaceStatistics& statistics) {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : statistics.faults) sum += count;
    return sum;
}

SpaceStatistics statistics_of(const Process& process) {
    if (process.state == ProcessState::ended) return process.space.statistics();
    const Visit visit(process);
    return process.space.statistics();
}

void report_frames(Sink& out) {
    const FrameStatistics frames = memory().frames.statistics();
    const FrameCount used = frames.managed - frames.free;
    format(out, "frames of 4 KiB: {:'} managed = {:'} free + {:'} used; {:'} of the free are promised\n",
           frames.managed.value, frames.free.value, used.value, frames.reserved.value);
    format(out, "since power-on:  {:'} taken - {:'} given back = {:'} in use\n", frames.taken, frames.dropped,
           frames.taken - frames.dropped);
    format(out, "kernel spans:    {:'} pages committed in {:'} ranges\n", memory().kernel_space.committed().value,
           memory().kernel_space.list().nodes().used());
}

namespace {

void report_classes(Sink& out, const HeapStatistics& heap) {
    out.write("  block    slabs    pages    taken     free  bytes taken   bytes free\n");
    HeapClassStatistics sum{};
    std::uint64_t taken_bytes = 0;
    std::uint64_t free_bytes = 0;
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        const HeapClassStatistics& row = heap.classes[i];
        if (row.slabs == 0) continue;
        const std::uint64_t taken = std::uint64_t{row.taken} * row.block_bytes;
        const std::uint64_t free = std::uint64_t{row.free} * row.block_bytes;
        format(out, "  {:>5} {:>8} {:>8} {:>8} {:>8} {:>12'} {:>12'}\n", row.block_bytes, row.slabs,
               row.slabs * size_class(i).slab_pages, row.taken, row.free, taken, free);
        sum.slabs += row.slabs;
        sum.taken += row.taken;
        sum.free += row.free;
        taken_bytes += taken;
        free_bytes += free;
    }
    format(out, "  {:>5} {:>8} {:>8} {:>8} {:>8} {:>12'} {:>12'}\n", "sum", sum.slabs, heap.slab_pages.value, sum.taken,
           sum.free, taken_bytes, free_bytes);
}

void report_caches(Sink& out) {
    out.write("  objects              size    block     live     most       made    refused\n");
    kernel_heap().for_each_cache([&](const ObjectCounts& counts) {
        format(out, "  {:<16} {:>8} {:>8} {:>8} {:>8} {:>10'} {:>10'}\n", counts.name, counts.object_bytes,
               counts.block_bytes, counts.live, counts.most, counts.made, counts.refused);
    });
}

}  // namespace

void report_heap(Sink& out) {
    const HeapStatistics heap = kernel_heap().statistics();
    report_classes(out, heap);
    report_caches(out);
    format(out, "large: {} blocks, {} pages; the heap's own: {} pages\n", heap.large_blocks, heap.large_pages.value,
           heap.own_pages.value);
    format(out, "since power-on: {:'} allocated - {:'} freed = {:'} blocks\n", heap.allocations, heap.frees,
           heap.allocations - heap.frees);
}

void report_processes(Sink& out) {
    format(out, "{:>5} {:<8} {:>8} {:>9} {:>9} {:>9} {:>9} K  {}\n", "pid", "state", "slices", "calls", "faults",
           "frames", "heap", "program");
    for (const Process* process = first_process(); process != nullptr; process = process->next) {
        const SpaceStatistics space = statistics_of(*process);
        format(out, "{:>5} {:<8} {:>8} {:>9} {:>9} {:>9} {:>9} K  {}\n", process->id, name_of(process->state),
               process->statistics.slices, process->statistics.system_calls, all_faults(space), space.resident.value,
               space.heap.bytes() / 1024, process->name_view());
    }
}

void report_maps_of(Sink& out, const Process& process) {
    if (process.state == ProcessState::ended) {
        format(out, "{} ({}): ended, no memory\n", process.name_view(), process.id);
        return;
    }
    const Visit visit(process);
    const RangeList& list = process.space.list();
    format(out, "{} ({}): page directory in frame {}, {} nodes in {} pages at {:#010x}\n", process.name_view(),
           process.id, process.space.directory().number, list.nodes().used(), list.nodes().committed().value,
           address_of(Machine::kListWindow.first).value);
    list.visit(Machine::kUserPages, [&](const RangeNode& node) {
        print_range(out, node);
        return true;
    });
}

void report_maps(Sink& out) {
    out.write("kernel (the same in every space):\n");
    const RangeList& list = memory().kernel_space.list();
    list.visit(list.pages(), [&](const RangeNode& node) {
        print_range(out, node);
        return true;
    });
    for (const Process* process = first_process(); process != nullptr; process = process->next) {
        report_maps_of(out, *process);
    }
}

}  // namespace quire::kernel
