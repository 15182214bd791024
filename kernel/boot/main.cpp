/// From entry.S to the first process: what is set up, and in which order.

#include <cstdint>

#include "kernel/boot/boot_info.hpp"
#include "kernel/boot/image.hpp"
#include "kernel/boot/memory.hpp"
#include "kernel/boot/multiboot.hpp"
#include "kernel/boot/tables.hpp"
#include "kernel/console/input.hpp"
#include "kernel/console/serial.hpp"
#include "kernel/console/terminal.hpp"
#include "kernel/cpu/fpu.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "kernel/cpu/segments.hpp"
#include "kernel/cpu/timer.hpp"
#include "kernel/cpu/trap.hpp"
#include "kernel/shell/mode.hpp"

extern "C" [[noreturn]] void quire_boot(std::uint32_t magic, std::uint32_t information);

namespace quire::kernel {

namespace {

constinit BootInfo info{};

/// Everything that does not need memory to be shared out. Interrupts are off.
void start_processor(std::uint32_t magic, std::uint32_t information) {
    log_port.init();  // first, so that whatever is wrong can be said
    error_port.init();
    trace_port.init();
    terminal_port.init();
    copy_boot_info(info, magic, information);
    switch_to_final_tables();  // nothing of the boot loader's is reachable any more
    init_segments(physical_of(quire_page_directory));
    init_traps();  // from here on a fault is a panic with a report, not a reset
    init_interrupt_controllers();
    init_fpu();
}

void start_devices() {
    constexpr std::uint64_t kLatestTime = 1ULL << 33;  // beyond the year 2200
    const auto slice = static_cast<std::uint32_t>(info.number_option("slice", 10, 1, 1000));
    const bool has_time = info.option("time").has_value();
    const std::uint64_t time = info.number_option("time", 0, 0, kLatestTime);
    init_timer(slice, has_time ? std::optional(time) : std::nullopt);
    standard_input.set_framed(info.option("stdin") == "framed");
    init_serial_receiver();
    terminal.init();
}

}  // namespace

const BootInfo& boot_info() {
    return info;
}

}  // namespace quire::kernel

void quire_boot(std::uint32_t magic, std::uint32_t information) {
    using namespace quire::kernel;
    start_processor(magic, information);
    init_memory(info);
    start_devices();
    enable_interrupts();
    run(info);
}
