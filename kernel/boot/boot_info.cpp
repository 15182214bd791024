#include "kernel/boot/boot_info.hpp"

#include "kernel/console/exit.hpp"

namespace quire::kernel {

std::optional<std::string_view> BootInfo::option(std::string_view name) const {
    std::optional<std::string_view> found;
    std::string_view rest = command_line();
    while (!rest.empty()) {
        const std::size_t length = rest.find(' ');
        const std::string_view word = rest.substr(0, length);
        rest.remove_prefix(length == std::string_view::npos ? rest.size() : length + 1);
        if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
            found = word.substr(name.size() + 1);
        }
    }
    return found;
}

std::uint64_t BootInfo::number_option(std::string_view name, std::uint64_t otherwise, std::uint64_t minimum,
                                      std::uint64_t maximum) const {
    const auto text = option(name);
    if (!text) return otherwise;
    std::uint64_t value = 0;
    bool valid = !text->empty();
    for (const char c : *text) {
        const bool digit = c >= '0' && c <= '9';
        valid = valid && digit && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
                !__builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value);
    }
    if (!valid || value < minimum || value > maximum) {
        fatal("{}={} on the command line: a number from {} to {} is expected", name, *text, minimum, maximum);
    }
    return value;
}

}  // namespace quire::kernel
