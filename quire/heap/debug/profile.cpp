#include "quire/heap/debug/profile.hpp"

namespace quire {

using namespace std::string_view_literals;

namespace {

void write_counts(const Sampled& live, const Sampled& total, Line& line) {
    line.decimal(live.blocks).text(": ").decimal(live.bytes);
    line.text(" [").decimal(total.blocks).text(": ").decimal(total.bytes).text("] @");
}

}  // namespace

void write_pprof(DebugHeap& heap, TextSink& out) {
    Sampled live;
    Sampled total;
    heap.for_each_stack([&](const CallStack& stack) {
        live.blocks += stack.live.blocks;
        live.bytes += stack.live.bytes;
        total.blocks += stack.total.blocks;
        total.bytes += stack.total.bytes;
    });
    Line line;
    line.text("heap profile: ");
    write_counts(live, total, line);
    out.write(line.text(" heap_v2/").decimal(heap.sample()).text("\n").view());
    heap.for_each_stack([&out](const CallStack& stack) {
        if (stack.total.blocks == 0) return;
        Line entry;
        write_counts(stack.live, stack.total, entry);
        for (const std::uintptr_t frame : stack.site()) entry.text(" ").hex(frame);
        // A line without an address is an error to some readers.
        if (stack.depth == 0) entry.text(" 0x1");
        out.write(entry.text("\n").view());
    });
    out.write("\nMAPPED_LIBRARIES:\n"sv);
}

void write_folded(DebugHeap& heap, ProfileOf which, FrameNames& names, TextSink& out) {
    heap.for_each_stack([&](const CallStack& stack) {
        const std::uint64_t weight = which == ProfileOf::live ? stack.live.weight : stack.total.weight;
        if (weight == 0) return;
        Line line;
        if (stack.depth == 0) line.text("unknown");
        for (std::size_t i = stack.depth; i-- > 0;) {
            names.append(stack.frames[i], line);
            if (i != 0) line.text(";");
            // Names can be long: each piece goes out by itself.
            out.write(line.view());
            line.clear();
        }
        out.write(line.text(" ").decimal(weight).text("\n").view());
    });
}

}  // namespace quire
