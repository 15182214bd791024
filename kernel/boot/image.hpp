#pragma once
/// Where the parts of the kernel image lie: symbols of kernel/boot/kernel.ld. Their addresses are their values.
///
///     quire_image_start  text │ read-only │ data │ bss │ page directory │ first page table │ bitmap  quire_image_end

#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire_i386/layout.hpp"

extern "C" {
extern const std::byte quire_image_start[];
extern const std::byte quire_text_end[];  // page aligned, as all that follow
extern const std::byte quire_read_only_end[];
extern std::byte quire_boot_stack_guard[];  // a page of bss that is never mapped
extern std::byte quire_boot_stack[];
extern std::byte quire_boot_stack_top[];
extern std::byte quire_page_directory[];
extern std::byte quire_first_table[];
extern std::byte quire_bitmap[];  // room for 4 GiB: not mapped here but at 0xFFB0'0000
extern std::byte quire_image_end[];
}

namespace quire::kernel {

/// The page of an address in the image.
[[nodiscard]] inline Page page_at(const std::byte* symbol) {
    return VirtualAddress{reinterpret_cast<std::uintptr_t>(symbol)}.page();
}
/// Where something in the image lies in memory.
[[nodiscard]] inline PhysicalAddress physical_of(const std::byte* symbol) {
    return {reinterpret_cast<std::uintptr_t>(symbol) - port::kKernelBase.value};
}
[[nodiscard]] inline Frame frame_of(const std::byte* symbol) {
    return physical_of(symbol).frame();
}

}  // namespace quire::kernel
