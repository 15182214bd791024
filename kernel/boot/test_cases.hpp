#pragma once
/// Test cases that run inside the kernel. They are in one image only, quire-test.elf; the plain kernel has none.
/// tests/kernel/case.hpp is what a case includes.
///
///     quire: test NAME ok
///     quire: test NAME FAILED: reason
///     quire: test NAME panics: TEXT          before a case that ends the kernel: `quire: panic: TEXT…` must follow
///     quire: tests N passed, M failed

#include <source_location>

#include "kernel/boot/boot_info.hpp"

namespace quire::kernel {

/// Lies in section .test_cases of the image.
struct TestCase {
    const char* name;
    void (*run)();
    /// Not null: the case must end in a panic whose text begins with this. It runs only when `tests=` names it
    /// exactly, and the machine's exit status is then 70.
    const char* panics_with = nullptr;
};

/// Notes that the running case has failed. The first reason is the one that is reported in its line.
void report_test_failure(const char* what, std::source_location where);

/// Runs the cases that the word `tests=` of the command line selects: a name, a name with * at its end, or, without the
/// word, all but those that panic. `tests=?` only lists them, each as `quire: test NAME listed` or `… panics: TEXT`.
/// After each case `audit` must hold. Exits with 0 if at least one case ran and none failed.
[[noreturn]] void run_test_cases(const BootInfo& info, void (*audit)());

}  // namespace quire::kernel
