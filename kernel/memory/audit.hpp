#pragma once
/// The kernel's side of the audit (quire/audit): it knows who else owns frames.

#include "quire/base/address.hpp"

namespace quire::kernel {

struct AuditReport {
    FrameCount free;
    FrameCount used;
};

/// Proves that frames, share counts, page tables, ranges, heap and page cache agree; panics with the invariant's number
/// if
/// they don't. Visits every process's space, and returns to the one that was active. Nothing may change meanwhile: call
/// it from the kernel's own flow, not from an interrupt handler. O(memory).
AuditReport run_audit();

}  // namespace quire::kernel
