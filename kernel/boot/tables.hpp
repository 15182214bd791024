#pragma once
/// The page tables that the kernel runs with.

namespace quire::kernel {

/// Replaces the 4 MiB pages of kernel/boot/entry.S by the tables of the address layout (quire_i386/layout.hpp): the
/// image in 4 KiB pages with the rights of its sections, the VGA text page, the list window's table, the frame
/// windows', the frame records', the recursive entry. Afterwards memory is no longer mapped where it is (gotcha 13).
/// Once.
void switch_to_final_tables();

}  // namespace quire::kernel
