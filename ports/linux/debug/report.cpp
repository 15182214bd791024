#include "ports/linux/debug/report.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "quire/heap/debug/profile.hpp"

namespace quire::linux_debug {

namespace {

void write_stack(CallSite site, TextSink& out) {
    for (const std::uintptr_t frame : site) {
        Line line;
        line.text("    ");
        append_frame(frame, line);
        out.write(line.text("\n").view());
    }
}

void write_stack(std::string_view what, const CallStack* stack, TextSink& out) {
    if (stack == nullptr || stack->depth == 0) return;
    out.write(what);
    write_stack(stack->site(), out);
}

/// nullptr: no memory. `bytes` is rounded up to what there is.
void* map(std::size_t bytes) {
    void* const place = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return place == MAP_FAILED ? nullptr : place;
}

}  // namespace

void write_finding(const Finding& finding, TextSink& out) {
    Line line;
    line.text("quire-malloc: ");
    describe(finding, line);
    out.write(line.view());
    out.write("\n");
    write_stack("  allocated at\n", finding.allocated, out);
    write_stack("  freed at\n", finding.freed, out);
    write_stack("  found at\n", finding.found, out);
}

KeptGroups::~KeptGroups() {
    if (groups_ != nullptr) munmap(groups_, room_ * sizeof(LeakGroup));
}

void KeptGroups::reserve(std::size_t groups) {
    groups_ = static_cast<LeakGroup*>(map(groups * sizeof(LeakGroup)));
    if (groups_ != nullptr) room_ = groups;
}

void KeptGroups::group(const LeakGroup& group) {
    if (used_ < room_) groups_[used_++] = group;
}

void write_leaks(const KeptGroups& groups, TextSink& out) {
    std::size_t blocks = 0;
    std::size_t bytes = 0;
    for (const LeakGroup& group : groups.all()) {
        blocks += group.blocks;
        bytes += group.bytes;
    }
    Line line;
    line.text("quire-malloc: process ").decimal(static_cast<std::uint64_t>(getpid())).text(" ends with ");
    line.decimal(blocks).text(" blocks of ").decimal(bytes).text(" bytes that were not freed\n");
    out.write(line.view());
    for (const LeakGroup& group : groups.all()) {
        Line head;
        head.text("  ").decimal(group.bytes).text(" bytes in ").decimal(group.blocks).text(" blocks, allocated at\n");
        out.write(head.view());
        if (group.site.empty()) out.write("    an unknown place\n");
        write_stack(group.site, out);
    }
}

KeptText::~KeptText() {
    if (text_ != nullptr) munmap(text_, room_);
}

void KeptText::write(std::string_view text) {
    if (used_ + text.size() > room_) {
        const std::size_t room = 2 * room_ + text.size() + (std::size_t{1} << 20U);
        auto* const larger = static_cast<char*>(map(room));
        if (larger == nullptr) return;
        if (text_ != nullptr) {
            std::memcpy(larger, text_, used_);
            munmap(text_, room_);
        }
        text_ = larger;
        room_ = room;
    }
    std::memcpy(text_ + used_, text.data(), text.size());
    used_ += text.size();
}

bool wants_folded(std::string_view name) {
    return name.ends_with(".folded");
}

int open_profile(std::string_view name) {
    Line path;
    const std::size_t mark = name.find("%p");
    path.text(part(name, 0, mark));
    if (mark != std::string_view::npos) path.decimal(static_cast<std::uint64_t>(getpid())).text(part(name, mark + 2));
    return open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

void write_profile(DebugHeap& heap, bool folded_wanted, TextSink& folded, TextSink& out) {
    if (folded_wanted) {
        FrameNumbers numbers;
        write_folded(heap, ProfileOf::live, numbers, folded);
    } else {
        write_pprof(heap, out);
    }
}

void write_with_names(std::string_view folded, TextSink& out) {
    while (!folded.empty()) {
        const std::size_t end = folded.find_first_of("; \n");
        const std::string_view word = part(folded, 0, end);
        if (word.starts_with("0x")) {
            std::uintptr_t address = 0;
            for (const char digit : part(word, 2))
                address = address * 16 + static_cast<unsigned>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
            Line line;
            append_short_frame(address, line);
            out.write(line.view());
        } else {
            out.write(word);
        }
        if (end == std::string_view::npos) return;
        out.write(part(folded, end, end + 1));
        folded.remove_prefix(end + 1);
    }
}

void write_maps(TextSink& out) {
    const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    std::array<char, 4096> buffer;
    for (;;) {
        const ssize_t some = read(file, buffer.data(), buffer.size());
        if (some <= 0) break;
        out.write({buffer.data(), static_cast<std::size_t>(some)});
    }
    close(file);
}

}  // namespace quire::linux_debug
