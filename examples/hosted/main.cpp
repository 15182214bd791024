// A machine inside this process, two address spaces on it, and a copy-on-write fault between them.
#include <cstdio>
#include <vector>

#include "ports/hosted/processor.hpp"
#include "quire/space/space.hpp"

using namespace quire;

int main() {
    // 16 MiB of RAM and a processor that this thread is from now on.
    hosted::Computer computer(Frame{4096});
    hosted::Processor processor(computer, 0);
    const hosted::Processor::Scope scope(processor);

    // Physical memory. Frame 1 stays outside: the frame of zeroes that unwritten pages show.
    std::vector<std::uint32_t> bitmap(FrameBitmap::words_needed(computer.end()));
    std::vector<std::uint32_t> records(computer.end().number);
    FrameAllocator frames;
    frames.attach(bitmap, records, computer.end());
    frames.manage({Frame{2}, computer.end()});
    Paging paging(frames);
    const Frame zero_frame{1};

    // A space is created, activated, opened; then programs may fault in it.
    Space parent(paging, zero_frame, Page{0x40000});
    if (!parent.create()) return 1;
    Machine::activate(parent.directory());
    if (!parent.open()) return 1;
    Space* running = &parent;
    processor.on_fault([&](VirtualAddress address, Access access) -> Result<void> {
        static constexpr const char* kKinds[] = {"zero-filled", "shared zero", "object page",
                                                 "copied",      "reused",      "spurious"};
        const auto kind = running->handle_fault(address, access);
        if (!kind) return fail(kind.error());
        std::printf("  fault: %s of %#zx: %s, %zu frames free\n", access == Access::write ? "write" : "read",
                    address.value, kKinds[static_cast<int>(*kind)], frames.statistics().free.value);
        return {};
    });

    MapRequest request;
    request.count = PageCount{4};
    request.traits = {
        .kind = RangeKind::mapped, .rights = Rights::read | Rights::write, .allowed = Rights::read | Rights::write};
    const VirtualAddress here = address_of(parent.map(request).value());
    std::printf("the parent writes 1:\n");
    (void)processor.store(here, 1);

    Space child(paging, zero_frame, Page{0x40000});
    if (!parent.fork(child)) return 1;
    std::printf("forked: one frame, two spaces\nthe child writes 2:\n");
    Machine::activate(child.directory());
    running = &child;
    (void)processor.store(here, 2);
    std::printf("the child reads %d\n", *processor.load(here));
    Machine::activate(parent.directory());
    running = &parent;
    std::printf("the parent reads %d and writes 3:\n", *processor.load(here));
    (void)processor.store(here, 3);
}
