#include "quire/base/defect.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace quire {

/// One line to standard error, without stdio, which allocates; then the program ends.
void stop_on_defect(const char* what, std::source_location) {
    constexpr const char* kPrefix = "quire-malloc: ";
    char line[256];
    std::size_t length = 0;
    for (const char* part : {kPrefix, what, "\n"}) {
        const std::size_t bytes = std::strlen(part);
        if (length + bytes > sizeof line) break;
        std::memcpy(line + length, part, bytes);  // NOLINT(bugprone-not-null-terminated-result)
        length += bytes;
    }
    // Nothing can be done if this fails: the program ends anyway.
    const ssize_t written = write(STDERR_FILENO, line, length);
    static_cast<void>(written);
    std::abort();
}

}  // namespace quire
