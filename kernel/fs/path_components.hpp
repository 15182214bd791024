#pragma once

#include <string_view>

// Paths are taken apart from the left, a component at a time (path_resolution(7)).

namespace quire::kernel {

[[nodiscard]] constexpr std::string_view without_leading_slashes(std::string_view path) {
    while (path.starts_with('/')) path.remove_prefix(1);
    return path;
}

/// Takes the first component off `path`, with the slashes before it. Those behind it stay: they say that it must be a
/// directory. Empty if the path is all slashes.
[[nodiscard]] constexpr std::string_view take_component(std::string_view& path) {
    path = without_leading_slashes(path);
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    return component;
}

}  // namespace quire::kernel
