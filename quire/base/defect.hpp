#pragma once
/// A broken invariant: the program text is wrong, and going on would spread the damage. The port decides what stopping
/// means (the kernel prints registers and a backtrace and halts; a hosted test fails). Nothing that a user program or a
/// caller's argument can do may reach this: such things are errors (quire/base/error.hpp).

#include <source_location>

namespace quire {

/// Supplied by whoever links the library. Must not return. `what` is one line without a full stop and names
/// the invariant by number where it has one ("I7: ...", docs/invariants.md).
[[noreturn]] void stop_on_defect(const char* what, std::source_location where);

/// Checks an invariant that must hold; cheap enough to stay in every build.
constexpr void require(bool holds, const char* what, std::source_location where = std::source_location::current()) {
    if (!holds) [[unlikely]]
        stop_on_defect(what, where);
}

[[noreturn]] inline void defect(const char* what, std::source_location where = std::source_location::current()) {
    stop_on_defect(what, where);
}

}  // namespace quire
