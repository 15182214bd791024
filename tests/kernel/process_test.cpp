// Processes from start to end: strangers at the same addresses, kernel tables that come later, failures at every frame, and nothing
// left behind.

#include <array>
#include <cstring>

#include "kernel/memory/kmalloc.hpp"
#include "kernel/process/process_table.hpp"
#include "kernel/process/scheduler.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {

namespace {

std::expected<Process*, StartError> start(std::string_view path, std::string_view argument) {
    const std::array<std::string_view, 2> arguments{path, argument};
    return start_program({.path = path, .arguments = arguments, .environment = {}});
}

bool never(void*) {
    return false;
}

std::size_t free_frames() {
    return memory().frames.statistics().free.value;
}

/// Takes frames until `left` are free; the destructor gives them back. The frames themselves hold the list of what was taken.
class Hoard {
public:
    explicit Hoard(std::size_t left) {
        while (free_frames() > left) {
            const Frame frame = *memory().frames.take();
            const Machine::FrameWindow window(frame);
            std::memcpy(window.data(), &last_, sizeof last_);
            last_ = frame;
        }
    }
    ~Hoard() {
        while (last_ != Frame{}) {
            const Frame frame = last_;
            {
                const Machine::FrameWindow window(frame);
                std::memcpy(&last_, window.data(), sizeof last_);
            }
            memory().frames.drop(frame);
        }
    }
    Hoard(const Hoard&) = delete;
    Hoard& operator=(const Hoard&) = delete;

private:
    Frame last_{};
};

void leaves_nothing_behind() {
    // The first run brings the file's pages into the page cache; what the second one takes must all come back.
    for (int round = 0; round < 2; ++round) {
        const std::size_t before = free_frames();
        const auto process = start("/bin/heap-musl", "x");
        if (!check(process.has_value(), "the program starts")) return;
        run_until(never, nullptr);
        check((*process)->exit_status.shell_status() == 0, "the program ends well");
        forget_ended();
        if (round == 1) check(free_frames() == before, "every frame comes back");
    }
}

void wild_access_kills_one() {
    const auto wild = start("/bin/wild-musl", "null");
    const auto good = start("/bin/heap-glibc", "x");
    if (!check(wild && good, "both start")) return;
    run_until(never, nullptr);
    check((*wild)->exit_status.signal == static_cast<std::uint8_t>(Signal::segment), "the wild one dies of SIGSEGV");
    check((*good)->exit_status.shell_status() == 0, "the other one does not notice");
    forget_ended();
}

/// Gotcha 1.
void later_kernel_tables_reach_all() {
    const auto process = start("/bin/start-musl", "x");
    if (!check(process.has_value(), "the program starts")) return;
    // 8 MiB of spans cannot do without a new kernel table.
    const auto span = memory().kernel_space.acquire({.count = PageCount{2048}});
    if (check(span.has_value(), "there is a span")) {
        std::byte* const bytes = Machine::pointer(address_of(*span + PageCount{2047}));
        *bytes = std::byte{42};
        const Frame before = Machine::active_directory();
        Machine::activate((*process)->space.directory());
        check(*bytes == std::byte{42}, "the table is in the directory that was there before it");
        Machine::activate(before);
        memory().kernel_space.release(*span);
    }
    run_until(never, nullptr);
    forget_ended();
}

/// Every allocation on the way to a running program fails in turn.
void start_survives_every_failure() {
    bool started = false;
    for (std::size_t left = 0; left < 64 && !started; ++left) {
        const std::size_t before = free_frames();
        {
            const Hoard hoard(left);
            const auto process = start("/bin/start-musl", "x");
            started = process.has_value();
            if (!started) {
                check(process.error().number == Errno::enomem, "the error is ENOMEM");
                check(first_process() == nullptr, "no record is left");
            }
        }
        if (started) {
            run_until(never, nullptr);
            forget_ended();
        } else {
            // Kernel tables, list pages and one empty slab a class may stay; they are used again.
            check(free_frames() + 16 >= before, "nothing to speak of is left behind");
        }
    }
    check(started, "with enough memory it starts");
}

void missing_programs_are_told_apart() {
    const auto missing = start("/bin/none", "x");
    check(!missing && missing.error().exit_status == 127, "missing: 127");
    const auto directory = start("/bin", "x");
    check(!directory && directory.error().exit_status == 126, "a directory: 126");
    check(first_process() == nullptr, "no record is left");
}

void heap_gives_back() {
    const std::size_t before = free_frames();
    constexpr std::size_t kBlocks = 4000;
    static constinit std::array<void*, kBlocks> blocks{};
    for (std::size_t i = 0; i < kBlocks; ++i) {
        const std::size_t bytes = 1 + i * 7 % 3000;
        blocks[i] = kmalloc(bytes);
        if (!check(blocks[i] != nullptr, "there is memory")) return;
        std::memset(blocks[i], static_cast<int>(i), bytes);
    }
    kernel_heap().check_invariants();
    bool intact = true;
    for (std::size_t i = 0; i < kBlocks; ++i) {
        const auto* const bytes = static_cast<const unsigned char*>(blocks[i]);
        intact =
            intact && bytes[0] == static_cast<unsigned char>(i) && bytes[i * 7 % 3000] == static_cast<unsigned char>(i);
        kfree(blocks[i]);
    }
    check(intact, "every block kept its bytes");
    // One empty slab a class (at most 24 classes, 57 pages), descriptors, and kernel tables.
    check(free_frames() + 128 >= before, "memory goes back");
    check(kmalloc(~std::size_t{0}) == nullptr && kmalloc(std::size_t{3} << 30U) == nullptr, "too much is refused");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kLeaves{
    "process_leaves_nothing_behind", leaves_nothing_behind};
[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kWild{"process_wild_access_kills_one",
                                                                                       wild_access_kills_one};
[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kLater{
    "process_sees_later_kernel_tables", later_kernel_tables_reach_all};
[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kFailures{
    "process_start_survives_every_failure", start_survives_every_failure};
[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kMissing{
    "process_missing_programs_are_told_apart", missing_programs_are_told_apart};
[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kHeap{"kernel_heap_gives_back",
                                                                                       heap_gives_back};

}  // namespace

}  // namespace quire::kernel
