#pragma once
/// Pages that fault, for MappedPages. Linux 6.13 and later mark them where a page's entry is (MADV_GUARD_INSTALL): no mapping is split,
/// and other threads can go on mapping and faulting meanwhile. Before that, and where pages are locked (mlockall(2)), mprotect(2).

#include <cstddef>

namespace quire::linux_port {

/// Whole pages of a private anonymous mapping. Any thread; errno may change. Their contents may be lost.
void make_guard(void* first, std::size_t bytes);
/// The contrary, also for pages that are no guards.
void end_guard(void* first, std::size_t bytes);

}  // namespace quire::linux_port
