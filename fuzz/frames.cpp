// The frame allocator against a map from frame to shares. Some frames are nobody's: below, above and in a hole.
#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "fuzz/input.hpp"
#include "quire/frames/frame_allocator.hpp"

using namespace quire;
using fuzz::check;

namespace {

struct Model {
    std::map<std::uint32_t, std::uint32_t> shares;
    std::vector<bool> managed;
    std::size_t free = 0;
    std::size_t promised = 0;

    [[nodiscard]] bool is_free(std::size_t frame) const {
        return managed[frame] && !shares.contains(static_cast<std::uint32_t>(frame));
    }
    void taken(Frame frame) {
        check(frame.number != 0 && frame.number < managed.size() && is_free(frame.number));
        shares[frame.number] = 1;
        --free;
    }
    void dropped(std::uint32_t frame) {
        if (!managed[frame] || --shares[frame] != 0) return;
        shares.erase(frame);
        ++free;
    }
    /// The lowest place for a run.
    [[nodiscard]] std::optional<std::size_t> run(const RunRequest& request) const {
        const std::size_t end = std::min<std::size_t>(request.limit.number, managed.size());
        for (std::size_t first = request.alignment.value; first + request.count.value <= end;
             first += request.alignment.value) {
            std::size_t length = 0;
            while (length < request.count.value && is_free(first + length)) ++length;
            if (length == request.count.value) return first;
        }
        return std::nullopt;
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    const std::uint32_t end = 2 + in.take<std::uint16_t>() % 3000;
    const std::uint32_t hole = 1 + in.take<std::uint16_t>() % (end - 1);
    const std::uint32_t behind = std::min<std::uint32_t>(end, hole + in.byte());
    std::vector<std::uint32_t> bitmap(FrameBitmap::words_needed(Frame{end}));
    std::vector<std::uint32_t> records(end);
    FrameAllocator frames;
    frames.attach(bitmap, records, Frame{end});
    frames.manage({Frame{0}, Frame{hole}});
    frames.manage({Frame{behind}, Frame{end}});
    Model model;
    model.managed.assign(end, true);
    model.managed[0] = false;
    std::fill(model.managed.begin() + hole, model.managed.begin() + behind, false);
    const auto managed = static_cast<std::size_t>(std::ranges::count(model.managed, true));
    model.free = managed;
    std::vector<FrameReservation> promises;
    const auto some = [&] {
        const std::size_t number = in.byte();
        return model.shares.empty() ? Frame{0}
                                    : Frame{std::next(model.shares.begin(), number % model.shares.size())->first};
    };
    while (!in.empty()) {
        switch (in.byte() % 9) {
            case 0: {
                const auto frame = frames.take();
                check(frame.has_value() == (model.free > model.promised));
                if (frame) model.taken(*frame);
                break;
            }
            case 1: {
                const std::size_t kind = in.byte();
                const RunRequest request{.count = FrameCount{kind == 255 ? 1025U : in.byte()},
                                         .alignment = FrameCount{kind == 254 ? 3U : std::size_t{1} << kind % 8},
                                         .limit = Frame{in.take<std::uint16_t>()}};
                const auto first = frames.take_run(request);
                if (request.count.value == 0 || request.count.value > 1024 || request.alignment.value == 3) {
                    check(first == quire::fail(Error::bad_argument));
                    break;
                }
                const auto expected =
                    model.free - model.promised >= request.count.value ? model.run(request) : std::nullopt;
                check(first.has_value() == expected.has_value());
                if (!first) break;
                check(first->number == *expected);
                for (FrameCount i{}; i < request.count; i += FrameCount{1}) model.taken(*first + i);
                break;
            }
            case 2:
                if (const Frame frame = some(); frame != Frame{0}) {
                    frames.share(frame);
                    ++model.shares[frame.number];
                }
                break;
            case 3:
            case 4:
                if (const Frame frame = some(); frame != Frame{0}) {
                    frames.drop(frame);
                    model.dropped(frame.number);
                }
                break;
            case 5: {
                const std::size_t count = in.byte();
                auto promise = frames.reserve(FrameCount{count});
                check(promise.has_value() == (model.free - model.promised >= count));
                if (!promise) break;
                model.promised += count;
                promises.push_back(std::move(*promise));
                break;
            }
            case 6:
                if (promises.empty()) break;
                if (promises.back().left().value != 0) {
                    model.taken(promises.back().take());
                    --model.promised;
                } else {
                    promises.pop_back();
                }
                break;
            case 7:
                if (promises.empty()) break;
                model.promised -= promises.back().left().value;
                promises.pop_back();
                break;
            default: {
                // One share of each of the lowest, and of frames that do not count.
                std::vector<std::uint32_t> numbers{0, hole};
                if (model.managed[hole]) numbers.pop_back();
                const std::size_t most = in.byte();
                for (const auto& entry : model.shares) {
                    if (numbers.size() >= most) break;
                    numbers.push_back(entry.first);
                }
                frames.share(Frame{end + 7});
                frames.drop(Frame{end + 7});
                frames.drop_all(numbers);
                for (const std::uint32_t number : numbers) model.dropped(number);
            }
        }
        const FrameStatistics counts = frames.statistics();
        check(counts.managed.value == managed && counts.free.value == model.free &&
              counts.reserved.value == model.promised);
        check(counts.taken - counts.dropped == model.shares.size());
    }
    frames.check_invariants();
    promises.clear();
    check(frames.statistics().reserved.value == 0);
    for (std::uint32_t frame = 0; frame < end; ++frame) {
        const auto known = model.shares.find(frame);
        const std::uint32_t expected = !model.managed[frame]         ? FrameAllocator::kExempt
                                       : known == model.shares.end() ? 0
                                                                     : known->second;
        check(frames.shares(Frame{frame}) == expected);
    }
    return 0;
}
