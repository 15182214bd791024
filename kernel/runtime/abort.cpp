/// What a compiler and libc++ call when the program text is wrong.

#include <__verbose_abort>

#include "kernel/console/panic.hpp"

/// libc++ where an exception would be thrown: std::array::at, std::string_view::substr.
void std::__libcpp_verbose_abort(const char* format, ...) {
    quire::kernel::panic("libc++: {}", format);
}

extern "C" [[noreturn]] void __cxa_pure_virtual();
void __cxa_pure_virtual() {
    quire::kernel::panic("a pure virtual function was called");
}
