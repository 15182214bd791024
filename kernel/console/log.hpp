#pragma once
/// The kernel's log: text lines on COM4.

#include "kernel/console/format.hpp"

namespace quire::kernel {

/// The log port as a sink, for text that is put together in pieces.
[[nodiscard]] Sink& log_sink();

/// One line: `quire: ` and the text. Usable from the first instruction of C++ on, in panics too; not in interrupt
/// handlers.
template <typename... Args>
void log(FormatString<Args...> text, const Args&... args) {
    log_sink().write("quire: ");
    format(log_sink(), FormatString<Args...>(text), args...);
    log_sink().write("\n");
}

}  // namespace quire::kernel
