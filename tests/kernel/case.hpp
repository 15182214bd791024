#pragma once
/// What a test case inside the kernel includes. A case is a function and an object that names it:
///
///     void windows_nest() { check(…, "the second window shows its own frame"); }
///     [[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
///         {"windows_nest", windows_nest},
///     };
///
/// A case whose name begins with panic_ must end in a panic and says in which (third member). Cases run one after
/// the other in one kernel and must leave memory as they found it: the audit runs after each.

#include <source_location>

#include "kernel/boot/test_cases.hpp"

namespace quire::kernel {

/// Reports a failure if `holds` is false; the case goes on. Returns `holds`, for what would make no sense otherwise.
inline bool check(bool holds, const char* what, std::source_location where = std::source_location::current()) {
    if (!holds) report_test_failure(what, where);
    return holds;
}

}  // namespace quire::kernel
