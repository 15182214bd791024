#include "kernel/process/fault.hpp"

#include <array>
#include <optional>

#include "kernel/console/log.hpp"
#include "kernel/console/serial.hpp"
#include "kernel/console/terminal.hpp"
#include "kernel/process/scheduler.hpp"

namespace quire::kernel {

namespace {

// si_code of sigaction(2).
constexpr std::int32_t kNotMapped = 1;   // SEGV_MAPERR
constexpr std::int32_t kNoRight = 2;     // SEGV_ACCERR
constexpr std::int32_t kNoSuchPage = 2;  // BUS_ADRERR

constinit Process* loading = nullptr;
/// Why the last fault of the current process was not resolved; kept for handle_user_exception, which follows at once.
constinit std::optional<Error> last_error;

Process* faulting_process() {
    return loading != nullptr ? loading : current_process_or_null();
}

struct Verdict {
    Signal signal;
    std::int32_t code;
};

Verdict verdict_of(Error error) {
    switch (error) {
        case Error::denied: return {Signal::segment, kNoRight};
        case Error::beyond_end:
        case Error::io: return {Signal::bus, kNoSuchPage};
        case Error::no_frames:
        case Error::no_addresses:
        case Error::list_full: return {Signal::kill, 0};
        case Error::not_mapped:
        case Error::bad_argument:
        case Error::already_mapped: break;
    }
    return {Signal::segment, kNotMapped};
}

Verdict verdict_of_exception(std::uint32_t vector) {
    switch (static_cast<Vector>(vector)) {
        case Vector::divide_error:
        case Vector::fpu_error:
        case Vector::simd_error: return {Signal::arithmetic, 1};
        case Vector::invalid_opcode: return {Signal::illegal, 2};
        case Vector::debug:
        case Vector::breakpoint: return {Signal::trap, 1};
        case Vector::alignment_check: return {Signal::bus, 1};
        default: return {Signal::segment, 0};
    }
}

constexpr const char* verb_of(Access access) {
    switch (access) {
        case Access::read: return "read";
        case Access::write: return "write";
        case Access::execute: return "execution";
    }
    return "access";
}

constexpr std::string_view name_of(Signal signal) {
    switch (signal) {
        case Signal::segment: return "SIGSEGV";
        case Signal::bus: return "SIGBUS";
        case Signal::kill: return "SIGKILL";
        case Signal::arithmetic: return "SIGFPE";
        case Signal::illegal: return "SIGILL";
        case Signal::trap: return "SIGTRAP";
        default: return "signal";
    }
}

/// The region at the page or, in a gap, the nearest one; null if there is none at all.
const RangeNode* nearest_region(const RangeList& list, Page page) {
    const PageRange all = list.pages();
    if (page < all.first) page = all.first;
    if (!(page < all.end)) page = all.end - PageCount{1};
    const RangeNode& here = list.at(page);
    if (!here.is_gap()) return &here;
    const PageRange gap = here.pages();
    const bool has_below = all.first < gap.first;
    const bool has_above = gap.end < all.end;
    const bool below_is_nearer = page - gap.first < gap.end - page;
    if (has_below && (below_is_nearer || !has_above)) return &list.at(gap.first - PageCount{1});
    return has_above ? &list.at(gap.end) : nullptr;
}

void describe_fault(Sink& out, const Process& process, const PageFault& fault) {
    format(out, "{} of {:#010x}: ", verb_of(fault.access), fault.address.value);
    if (!last_error || *last_error == Error::not_mapped) {
        const Page page = fault.address.page();
        out.write(Machine::kUserPages.contains(page) ? "not allocated"
                  : page < Machine::kUserPages.first ? "never mapped"
                                                     : "the kernel's");
    } else if (*last_error == Error::denied) {
        out.write("not allowed");
    } else {
        out.write(quire::name(*last_error));
    }
    if (const RangeNode* const region = nearest_region(process.space.list(), fault.address.page()); region != nullptr) {
        const Rights rights = region->granted();
        format(out, "; nearest region {:#010x}-{:#010x} {}{}{}", address_of(region->pages().first).value,
               address_of(region->pages().end).value, rights.include(Rights::read) ? 'r' : '-',
               rights.include(Rights::write) ? 'w' : '-', rights.include(Rights::execute) ? 'x' : '-');
        if (region->object != nullptr) format(out, " {}", region->object->name());
    }
}

/// One line to the log and to where the program's errors go.
void report(const Process& process, const TrapFrame& frame, Signal signal, const PageFault* fault) {
    std::array<char, 300> buffer{};
    BufferSink line(buffer);
    format(line, "quire: {} ({}): {} at {:#010x}: ", process.name_view(), process.id, name_of(signal), frame.eip);
    if (fault != nullptr) {
        describe_fault(line, process, *fault);
    } else {
        line.write(exception_name(frame.vector));
    }
    line.write("\n");
    log_sink().write(line.text());
    if (process.own_error_stream) {
        error_port.write(line.text());
    } else {
        terminal.write(line.text());
    }
}

}  // namespace

LoadingProcess::LoadingProcess(Process& process) : before_(loading) {
    loading = &process;
}
LoadingProcess::~LoadingProcess() {
    loading = before_;
}

bool handle_page_fault(TrapFrame&, const PageFault& fault) {
    Process* const process = faulting_process();
    if (process == nullptr) return false;
    const auto resolved = process->space.handle_fault(fault.address, fault.access);
    if (resolved) return true;
    last_error = resolved.error();
    return false;
}

void handle_user_exception(TrapFrame& frame, const PageFault* fault) {
    const Process& process = current_process();
    const Verdict verdict =
        fault != nullptr ? verdict_of(last_error.value_or(Error::not_mapped)) : verdict_of_exception(frame.vector);
    const SignalAction& action = process.signals.actions[static_cast<std::size_t>(verdict.signal)];
    const bool handled = action.handler != kHandlerDefault && action.handler != kHandlerIgnore &&
                         (process.signals.blocked & signal_bit(verdict.signal)) == 0;
    if (!handled) report(process, frame, verdict.signal, fault);
    const auto address = fault != nullptr ? static_cast<std::uint32_t>(fault->address.value) : frame.eip;
    raise_fault_signal(frame, verdict.signal, {.code = verdict.code, .address = address});
}

}  // namespace quire::kernel
