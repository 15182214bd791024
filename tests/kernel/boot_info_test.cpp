#include <algorithm>
#include <string_view>

#include "kernel/boot/boot_info.hpp"
#include "tests/kernel/case.hpp"

namespace quire::kernel {
namespace {

constinit BootInfo info{};

void set_command_line(std::string_view text) {
    std::ranges::copy(text, info.command_line_bytes.begin());
    info.command_line_length = text.size();
}

void options() {
    set_command_line("/boot/quire.elf mode=story mode=program  slice=25 live= tests");
    check(info.option("mode") == "program", "the last of several counts");
    check(info.option("slice") == "25", "a word among others");
    check(info.option("live") == "", "an empty value is a value");
    check(!info.option("tests"), "a word without = is no option");
    check(!info.option("mod") && !info.option("ode") && !info.option("rows"), "names match whole");
    check(info.number_option("slice", 10, 1, 1000) == 25, "a number");
    check(info.number_option("rows", 24, 1, 1000) == 24, "a number that is missing");
    set_command_line("");
    check(!info.option("mode"), "an empty command line");
}

[[gnu::section(".test_cases"), gnu::used, gnu::retain]] constinit const TestCase kCases[]{
    {"boot_info_options", options},
};

}  // namespace
}  // namespace quire::kernel
