#pragma once
/// What the debug heap found wrong, and the one line that says so.

#include <cstddef>
#include <cstdint>

#include "quire/heap/debug/call_stack.hpp"
#include "quire/heap/debug/text.hpp"

namespace quire {

enum class FindingKind : std::uint8_t {
    overflow,          ///< bytes behind a block were written
    underflow,         ///< bytes before it were
    write_after_free,  ///< bytes of a block in the quarantine were
    double_free,       ///< the block is in the quarantine already
    interior_pointer,  ///< into the middle of a block
    foreign_pointer,   ///< nothing that the heap gave out, or so long ago that it has left the quarantine
    size_mismatch,     ///< a sized free with another size than was asked for
};

struct Finding {
    FindingKind kind;
    const void* address;          ///< the first damaged byte, or the pointer that was handed in
    const void* block = nullptr;  ///< nullptr: none is concerned
    std::size_t bytes = 0;        ///< of the block, as asked for
    std::size_t said = 0;         ///< size_mismatch: what the caller said
    std::uint8_t value = 0;       ///< damage: what the first damaged byte is now
    std::uint64_t sequence = 0;   ///< of the block: 1 for the first allocation of all
    const CallStack* allocated = nullptr;
    const CallStack* freed = nullptr;  ///< nullptr: it is not
    const CallStack* found = nullptr;  ///< the call that noticed; the damage was done before
};

/// "write past the end: block 0x7f0010 of 24 bytes, byte +24 is now 0x00 (allocation 7); allocated at 0x4011a2 0x401200; found at …".
/// Up to four addresses of each call stack.
void describe(const Finding& finding, Line& line);

/// Ends with stop_on_defect().
[[noreturn]] void stop_on_finding(const Finding& finding);

/// Where findings go. It must not use the heap that calls it. When it returns, the heap goes on: damage is repaired, so that each is
/// reported once; a bad pointer is left alone.
class FindingSink {
public:
    FindingSink() = default;
    FindingSink(const FindingSink&) = delete;
    FindingSink& operator=(const FindingSink&) = delete;
    // Inline: the library is compiled without type information, and who derives from this may be compiled with it.
    virtual void report(const Finding& finding) { stop_on_finding(finding); }

protected:
    ~FindingSink() = default;
};

/// The sink that stops.
class StopOnFinding final : public FindingSink {};

}  // namespace quire
