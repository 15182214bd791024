#pragma once
/// Sampled heap profiles, in two formats that tools read. Nothing is allocated on the way.

#include "quire/heap/debug/debug_heap.hpp"
#include "quire/heap/debug/text.hpp"

namespace quire {

/// The text format of gperftools, for `pprof` and `google-pprof`:
///
///      heap profile:      3:     4096 [     7:    65536] @ heap_v2/524288
///           2:     2048 [     4:     4096] @ 0x4011a2 0x401200
///      (empty line)
///      MAPPED_LIBRARIES:
///
/// Live blocks and bytes, [allocated ever], return addresses from the innermost. Numbers are of the sampled blocks as they are; the
/// reader scales them by the mean in the first line. The caller goes on with the text of /proc/self/maps, or whatever tells where the
/// program lies.
void write_pprof(DebugHeap& heap, TextSink& out);

/// How a folded stack calls an address: its own name, or the number.
class FrameNames {
public:
    FrameNames() = default;
    FrameNames(const FrameNames&) = delete;
    FrameNames& operator=(const FrameNames&) = delete;
    /// Appends a name without ';', space or line end.
    virtual void append(std::uintptr_t return_address, Line& line) { line.hex(return_address); }

protected:
    ~FrameNames() = default;
};

/// Frames as numbers.
class FrameNumbers final : public FrameNames {};

enum class ProfileOf : std::uint8_t { live, allocated_ever };

/// Folded stacks, for flamegraph.pl, inferno and speedscope: "outermost;…;innermost BYTES", one line a stack, bytes scaled already.
void write_folded(DebugHeap& heap, ProfileOf which, FrameNames& names, TextSink& out);

}  // namespace quire
