// What firmware says about memory, against a model of the first frames. Addresses are any 64 bits.
#include <array>

#include "fuzz/input.hpp"
#include "quire/frames/boot_map.hpp"

using namespace quire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kLimit = 24;
    constexpr std::size_t kBytes = kLimit * kPageSize;
    fuzz::Input in(data, size);
    BootMap map;
    std::array<bool, kBytes> usable{};
    std::array<bool, kBytes> reserved{};
    std::size_t said[2] = {0, 0};
    while (!in.empty()) {
        const std::uint8_t how = in.byte();
        std::uint64_t start = in.take<std::uint64_t>();
        std::uint64_t bytes = in.take<std::uint64_t>();
        if ((how & 2U) != 0) start %= kBytes + 4 * kPageSize;
        if ((how & 4U) != 0) bytes %= 8 * kPageSize;
        if ((how & 8U) != 0) start = start / kPageSize * kPageSize;
        const bool is_usable = (how & 1U) != 0;
        const auto done = is_usable ? map.add_usable({start}, bytes) : map.reserve({start}, bytes);
        check(done.has_value() == (bytes == 0 || said[is_usable] < BootMap::kCapacity));
        if (!done || bytes == 0) continue;
        ++said[is_usable];
        for (std::uint64_t i = start; i < kBytes && i - start < bytes; ++i) (is_usable ? usable : reserved)[i] = true;
    }
    std::array<FrameRange, 2 * BootMap::kCapacity> out{};
    const auto ranges = map.usable_frames(Frame{kLimit}, out);
    check(ranges.has_value());
    std::array<bool, kLimit> found{};
    Frame previous{0};
    for (const FrameRange& range : *ranges) {
        check(range.first < range.end && range.first >= previous && range.end <= Frame{kLimit});
        previous = range.end;
        for (Frame frame = range.first; frame < range.end; frame.number++) found[frame.number] = true;
    }
    for (std::size_t frame = 0; frame < kLimit; ++frame) {
        bool good = true;
        for (std::size_t i = frame * kPageSize; i < (frame + 1) * kPageSize; ++i)
            good = good && usable[i] && !reserved[i];
        check(found[frame] == good);
    }
    return 0;
}
