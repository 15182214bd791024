#include "kernel/boot/test_cases.hpp"

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/console/exit.hpp"
#include "kernel/console/log.hpp"

// kernel/boot/kernel.ld
extern "C" {
extern const quire::kernel::TestCase quire_test_cases_start[];
extern const quire::kernel::TestCase quire_test_cases_end[];
}

namespace quire::kernel {

namespace {

constinit const TestCase* running = nullptr;
constinit std::uint32_t failures_of_case = 0;

std::span<const TestCase> all_cases() {
    return {quire_test_cases_start, quire_test_cases_end};
}

bool selects(std::string_view pattern, const TestCase& test) {
    if (pattern == test.name) return true;
    if (test.panics_with != nullptr) return false;
    return pattern.ends_with('*') && std::string_view(test.name).starts_with(pattern.substr(0, pattern.size() - 1));
}

/// Whether it passed.
bool run_case(const TestCase& test, void (*audit)()) {
    running = &test;
    failures_of_case = 0;
    if (test.panics_with != nullptr) log("test {} panics: {}", test.name, test.panics_with);
    test.run();
    if (test.panics_with != nullptr) report_test_failure("it did not panic", std::source_location::current());
    if (failures_of_case == 0) audit();  // what does not hold is a defect: the panic names it
    if (failures_of_case == 0) log("test {} ok", test.name);
    running = nullptr;
    return failures_of_case == 0;
}

[[noreturn]] void list_cases() {
    for (const TestCase& test : all_cases()) {
        if (test.panics_with != nullptr)
            log("test {} panics: {}", test.name, test.panics_with);
        else
            log("test {} listed", test.name);
    }
    exit_machine(all_cases().empty() ? 1 : 0);
}

}  // namespace

void report_test_failure(const char* what, std::source_location where) {
    if (running == nullptr)
        fatal("a check outside a test case failed: {} ({}:{})", what, where.file_name(), where.line());
    const bool first = failures_of_case++ == 0;
    constexpr std::uint32_t kMostReported = 20;
    if (first)
        log("test {} FAILED: {} ({}:{})", running->name, what, where.file_name(), where.line());
    else if (failures_of_case <= kMostReported)
        log("  and: {} ({}:{})", what, where.file_name(), where.line());
}

void run_test_cases(const BootInfo& info, void (*audit)()) {
    const std::string_view pattern = info.option("tests").value_or("*");
    if (pattern == "?") list_cases();
    std::uint32_t passed = 0;
    std::uint32_t failed = 0;
    for (const TestCase& test : all_cases()) {
        if (selects(pattern, test)) ++(run_case(test, audit) ? passed : failed);
    }
    log("tests {} passed, {} failed", passed, failed);
    if (passed + failed == 0) log("no test case is called {}", pattern);
    exit_machine(failed == 0 && passed != 0 ? 0 : 1);
}

}  // namespace quire::kernel
