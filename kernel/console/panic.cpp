#include "kernel/console/panic.hpp"

#include <array>
#include <cstdint>

#include "kernel/boot/image.hpp"
#include "kernel/console/exit.hpp"
#include "kernel/console/symbols.hpp"
#include "kernel/cpu/interrupts.hpp"
#include "quire/base/defect.hpp"
#include "quire_i386/entry.hpp"
#include "quire_i386/layout.hpp"
#include "quire_i386/processor.hpp"

namespace quire::kernel {

namespace {

constinit std::uint32_t panic_depth = 0;
constinit std::uint32_t first_position = 0;  // of the outermost panic

/// Reads a word of the running tables. Only valid once the recursive entry is there; before that nothing faults either.
std::uint32_t table_word(std::uint32_t address) {
    return *reinterpret_cast<const volatile std::uint32_t*>(address);
}

std::uint32_t directory_word(Page page) {
    return table_word(port::kDirectory.value + static_cast<std::uint32_t>(port::directory_index(page)) * 4);
}
std::uint32_t page_word(Page page) {
    return table_word(port::kTables.value + page.number * 4);
}

/// Whether the kernel may read at `address` without a fault.
bool readable(std::uint32_t address) {
    const Page page = VirtualAddress{address}.page();
    return port::Entry::from_word(directory_word(page)).present() && port::Entry::from_word(page_word(page)).present();
}

bool is_text(std::uint32_t address) {
    return address >= reinterpret_cast<std::uintptr_t>(quire_image_start) &&
           address < reinterpret_cast<std::uintptr_t>(quire_text_end);
}

void print_position(unsigned number, std::uint32_t address) {
    // A return address may lie behind a function that ends in a call; one byte earlier is inside the call.
    const auto symbol = is_text(address) ? find_symbol(number == 0 ? address : address - 1) : std::nullopt;
    if (symbol) {
        log("  #{:<2} {:#010x} {} + {:#x}", number, address, symbol->name, symbol->offset + (number == 0 ? 0 : 1));
    } else {
        log("  #{:<2} {:#010x}", number, address);
    }
}

/// Follows saved frame pointers. A broken stack must not break the report: each must be aligned, mapped kernel memory
/// and above the one before. A recursion is shown once.
void print_backtrace(std::uint32_t position, std::uint32_t frame_pointer) {
    print_position(0, position);
    constexpr unsigned kMaxLines = 32;
    constexpr unsigned kMaxDepth = 10'000;
    unsigned lines = 1;
    for (unsigned depth = 1; depth < kMaxDepth && lines < kMaxLines; ++depth) {
        const bool plausible = frame_pointer >= port::kKernelBase.value && frame_pointer % 4 == 0 &&
                               readable(frame_pointer) && readable(frame_pointer + 4);
        if (!plausible) {
            if (frame_pointer != 0) log("  (frame pointer {:#010x} leads nowhere)", frame_pointer);
            return;
        }
        const auto* const saved = reinterpret_cast<const std::uint32_t*>(frame_pointer);
        if (saved[1] == 0) return;
        if (saved[1] != position) {
            position = saved[1];
            print_position(depth, position);
            ++lines;
        }
        if (saved[0] == 0) return;
        if (saved[0] <= frame_pointer) {
            log("  (frame pointer {:#010x} leads back)", saved[0]);
            return;
        }
        frame_pointer = saved[0];
    }
    log("  (and more)");
}

void print_registers(const TrapFrame& frame) {
    constexpr auto kDoubleFault =
        static_cast<std::uint32_t>(Vector::double_fault);  // its frame is put together by hand
    const bool has_esp = frame.from_user() || frame.vector == kDoubleFault;
    const std::uint32_t esp = has_esp ? frame.esp : frame.kernel_stack_pointer();
    log("  {}: vector {} error {:#x}, in {} mode", exception_name(frame.vector), frame.vector, frame.error,
        frame.from_user() ? "user" : "kernel");
    log("  eax {:08x} ebx {:08x} ecx {:08x} edx {:08x}", frame.eax, frame.ebx, frame.ecx, frame.edx);
    log("  esi {:08x} edi {:08x} ebp {:08x} esp {:08x}", frame.esi, frame.edi, frame.ebp, esp);
    log("  eip {:08x} eflags {:08x} cs {:04x} ds {:04x} es {:04x}", frame.eip, frame.eflags, frame.cs & 0xFFFFU,
        frame.ds & 0xFFFFU, frame.es & 0xFFFFU);
    log("  cr0 {:08x} cr2 {:08x} cr3 {:08x} cr4 {:08x}", port::read_cr0(), port::read_cr2(), port::read_cr3(),
        port::read_cr4());
}

void print_entry(const char* name, std::size_t index, std::uint32_t word) {
    const auto flag = [word](std::uint32_t bit, char letter) { return (word & bit) != 0 ? letter : '-'; };
    log("  {}[{}] {:#010x} {}{}{}{}{}{}", name, index, word, flag(port::Entry::kPresent, 'P'),
        flag(port::Entry::kWritable, 'W'), flag(port::Entry::kUser, 'U'), flag(port::Entry::kAccessed, 'A'),
        flag(port::Entry::kDirty, 'D'), flag(port::Entry::kOccupied, 'O'));
}

void print_entries(VirtualAddress address) {
    const Page page = address.page();
    const std::uint32_t table = directory_word(page);
    print_entry("pd", port::directory_index(page), table);
    if (port::Entry::from_word(table).present()) print_entry("pt", port::table_index(page), page_word(page));
}

}  // namespace

void panic_with(const PanicContext& context, std::string_view text) {
    disable_interrupts();
    const auto here = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)));
    const std::uint32_t position = context.frame != nullptr ? context.frame->eip : here;
    ++panic_depth;
    if (panic_depth > 2) exit_machine(kExitPanic);  // not even the line below comes out
    if (panic_depth == 2) {
        log("panic within a panic: {} (at {:#010x}; the first at {:#010x})", text, position, first_position);
        exit_machine(kExitPanic);
    }
    first_position = position;
    log("panic: {}", text);
    if (context.frame != nullptr) {
        print_registers(*context.frame);
        if (!context.frame->from_user()) print_backtrace(context.frame->eip, context.frame->ebp);
    } else {
        const auto* const own = static_cast<const std::uint32_t*>(__builtin_frame_address(0));
        print_backtrace(here, own[0]);
    }
    if (context.address != nullptr) print_entries(*context.address);
    exit_machine(kExitPanic);
}

}  // namespace quire::kernel

namespace quire {

void stop_on_defect(const char* what, std::source_location where) {
    kernel::panic("{} ({}:{})", what, where.file_name(), where.line());
}

}  // namespace quire
