#include "ports/linux/debug/walk.hpp"

#include <link.h>
#include <unwind.h>

#include <atomic>
#include <span>

// The first byte of this library, which is its ELF header; the linker makes the symbol.
extern "C" {
extern const ElfW(Ehdr) quire_elf_header __asm__("__ehdr_start") __attribute__((visibility("hidden")));
}

namespace quire::linux_debug {

namespace {

// A library that is loaded with the program has its place in the first block of each thread: to reach it asks for no memory.
[[gnu::tls_model("initial-exec")]] thread_local bool walking = false;

/// How many bytes of addresses this library takes, from its first byte.
std::uintptr_t own_bytes() {
    static std::atomic<std::uintptr_t> known{0};
    std::uintptr_t bytes = known.load(std::memory_order_relaxed);
    if (bytes != 0) return bytes;
    const auto* const base = reinterpret_cast<const std::byte*>(&quire_elf_header);
    const auto* const headers = reinterpret_cast<const ElfW(Phdr)*>(base + quire_elf_header.e_phoff);
    for (const ElfW(Phdr) & header : std::span(headers, quire_elf_header.e_phnum)) {
        if (header.p_type == PT_LOAD && header.p_vaddr + header.p_memsz > bytes)
            bytes = header.p_vaddr + header.p_memsz;
    }
    known.store(bytes, std::memory_order_relaxed);
    return bytes;
}

_Unwind_Reason_Code next_frame(_Unwind_Context* context, void* caller) {
    const std::uintptr_t address = _Unwind_GetIP(context);
    auto& stack = *static_cast<Caller*>(caller);
    if (address == 0 || stack.full()) return _URC_END_OF_STACK;
    stack.add(address);
    return _URC_NO_REASON;
}

}  // namespace

Caller::Caller() {
    if (walking) return;
    walking = true;
    _Unwind_Backtrace(next_frame, this);
    walking = false;
}

void Caller::add(std::uintptr_t return_address) {
    if (return_address - reinterpret_cast<std::uintptr_t>(&quire_elf_header) < own_bytes()) return;
    frames_[depth_++] = return_address;
}

}  // namespace quire::linux_debug
