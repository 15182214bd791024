// What firmware says about memory: against a model of every byte of the first frames, and against the statements themselves up to
// 4 GiB. Addresses are any 64 bits.
#include "quire/frames/boot_map.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/input.hpp"

using namespace quire;
using fuzz::check;

namespace {

constexpr std::size_t kLimit = 24;
constexpr std::size_t kBytes = kLimit * kPageSize;
constexpr Frame kTop{1U << 20U};

struct Statement {
    std::uint64_t first;
    std::uint64_t last;  ///< belongs to it, so that 2^64 need not be said
};

/// Whether every byte of a frame is said to be usable and none to be reserved.
bool usable(std::uint32_t frame, const std::vector<Statement>& memory, const std::vector<Statement>& reserved) {
    const std::uint64_t first = std::uint64_t{frame} * kPageSize;
    const std::uint64_t last = first + kPageSize - 1;
    for (const Statement& hole : reserved) {
        if (hole.first <= last && first <= hole.last) return false;
    }
    std::uint64_t position = first;
    for (bool grew = true; grew && position <= last;) {
        grew = false;
        for (const Statement& range : memory) {
            if (range.first > position || range.last < position) continue;
            if (range.last >= last) return true;
            position = range.last + 1;
            grew = true;
        }
    }
    return position > last;
}

struct Model {
    std::array<bool, kBytes> usable{};
    std::array<bool, kBytes> reserved{};

    [[nodiscard]] bool good(std::size_t frame) const {
        const std::size_t first = frame * kPageSize;
        const auto is = [](bool said) { return said; };
        return std::all_of(&usable[first], &usable[first] + kPageSize, is) &&
               std::none_of(&reserved[first], &reserved[first] + kPageSize, is);
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    BootMap map;
    Model model;
    std::vector<Statement> said[2];
    const std::size_t room = in.byte();
    while (!in.empty()) {
        const std::uint8_t how = in.byte();
        auto start = in.take<std::uint64_t>();
        auto bytes = in.take<std::uint64_t>();
        if ((how & 2U) != 0) start %= kBytes + 4 * kPageSize;
        if ((how & 4U) != 0) bytes %= 8 * kPageSize;
        if ((how & 8U) != 0) start = start / kPageSize * kPageSize;
        if ((how & 16U) != 0) start %= std::uint64_t{1} << 33U;
        const bool is_usable = (how & 1U) != 0;
        const auto done = is_usable ? map.add_usable({start}, bytes) : map.reserve({start}, bytes);
        check(done.has_value() == (bytes == 0 || said[is_usable].size() < BootMap::kCapacity));
        if (!done || bytes == 0) continue;
        said[is_usable].push_back({start, bytes - 1 > ~start ? ~std::uint64_t{0} : start + bytes - 1});
        if (start >= kBytes) continue;
        auto& bits = is_usable ? model.usable : model.reserved;
        std::fill_n(&bits[start], std::min<std::uint64_t>(bytes, kBytes - start), true);
    }

    std::array<FrameRange, 2 * BootMap::kCapacity> out{};
    const auto ranges = map.usable_frames(Frame{kLimit}, out);
    check(ranges.has_value());
    std::array<bool, kLimit> found{};
    for (const FrameRange& range : *ranges) {
        check(range.first < range.end && range.end <= Frame{kLimit});
        for (std::uint32_t frame = range.first.number; frame < range.end.number; ++frame) found[frame] = true;
    }
    for (std::size_t frame = 0; frame < kLimit; ++frame) check(found[frame] == model.good(frame));
    std::array<FrameRange, 2 * BootMap::kCapacity> few{};
    const std::size_t places = room % few.size();
    const auto some = map.usable_frames(Frame{kLimit}, std::span(few).first(places));
    check(some.has_value() == (places >= ranges->size()));
    check(some.has_value() || some.error() == Error::list_full);
    std::size_t end = kBytes;
    while (end != 0 && !model.usable[end - 1]) --end;
    check(map.end_of_memory(Frame{kLimit}).number == end / kPageSize);

    // All of it: what is handed out is good from end to end, and what lies next to it is not.
    const auto all = map.usable_frames(kTop, out);
    check(all.has_value());
    Frame previous{0};
    for (const FrameRange& range : *all) {
        check(previous <= range.first && range.first < range.end && range.end <= map.end_of_memory(kTop));
        previous = range.end;
        for (const std::uint32_t frame : {range.first.number, range.end.number - 1})
            check(usable(frame, said[true], said[false]));
        check(range.first == Frame{0} || !usable(range.first.number - 1, said[true], said[false]));
        check(range.end == kTop || !usable(range.end.number, said[true], said[false]));
        for (const Statement& hole : said[false])
            check(hole.last < address_of(range.first).value || hole.first >= address_of(range.end).value);
    }
    return 0;
}
