#include "quire/heap/debug/finding.hpp"

#include "quire/base/defect.hpp"

namespace quire {

using namespace std::string_view_literals;

namespace {

constexpr std::size_t kFramesOnALine = 4;

void append_site(Line& line, std::string_view what, const CallStack* stack) {
    if (stack == nullptr || stack->depth == 0) return;
    line.text(what);
    CallSite site = stack->site();
    if (site.size() > kFramesOnALine) site = site.first(kFramesOnALine);
    for (const std::uintptr_t frame : site) line.text(" ").hex(frame);
}

std::string_view headline(FindingKind kind) {
    switch (kind) {
        case FindingKind::overflow: return "write past the end"sv;
        case FindingKind::underflow: return "write before the start"sv;
        case FindingKind::write_after_free: return "write after free"sv;
        case FindingKind::double_free: return "freed twice"sv;
        case FindingKind::interior_pointer: return "pointer into the middle of a block"sv;
        case FindingKind::foreign_pointer: return "pointer that is not the heap's own"sv;
        case FindingKind::size_mismatch: return "freed with a wrong size"sv;
    }
    return "unknown finding"sv;
}

/// The distance of `address` from the block's first byte, with its sign.
void append_offset(Line& line, const Finding& finding) {
    const auto address = reinterpret_cast<std::uintptr_t>(finding.address);
    const auto block = reinterpret_cast<std::uintptr_t>(finding.block);
    if (address < block)
        line.text("-").decimal(block - address);
    else
        line.text("+").decimal(address - block);
}

}  // namespace

void describe(const Finding& finding, Line& line) {
    line.text(headline(finding.kind)).text(": ");
    if (finding.block == nullptr) {
        line.hex(finding.address);
    } else {
        line.text("block ").hex(finding.block).text(" of ").decimal(finding.bytes).text(" bytes");
        switch (finding.kind) {
            case FindingKind::overflow:
            case FindingKind::underflow:
            case FindingKind::write_after_free:
                line.text(", byte ");
                append_offset(line, finding);
                line.text(" is now ").hex(std::uintptr_t{finding.value});
                break;
            case FindingKind::interior_pointer:
                line.text(", at ");
                append_offset(line, finding);
                break;
            case FindingKind::size_mismatch: line.text(", not ").decimal(finding.said); break;
            case FindingKind::double_free:
            case FindingKind::foreign_pointer: break;
        }
        line.text(" (allocation ").decimal(finding.sequence).text(")");
    }
    append_site(line, "; allocated at"sv, finding.allocated);
    append_site(line, "; freed at"sv, finding.freed);
    append_site(line, "; found at"sv, finding.found);
}

void stop_on_finding(const Finding& finding) {
    Line line;
    line.text("heap: ");
    describe(finding, line);
    stop_on_defect(line.c_str(), std::source_location::current());
}

}  // namespace quire
