// The frame allocator against a map from frame to shares.
#include <map>
#include <vector>

#include "fuzz/input.hpp"
#include "quire/frames/frame_allocator.hpp"

using namespace quire;
using fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    const std::uint32_t end = 2 + in.take<std::uint16_t>() % 3000;
    std::vector<std::uint32_t> bitmap(FrameBitmap::words_needed(Frame{end}));
    std::vector<std::uint32_t> records(end);
    FrameAllocator frames;
    frames.attach(bitmap, records, Frame{end});
    frames.manage({Frame{1}, Frame{end}});
    std::map<std::uint32_t, std::uint32_t> shares;
    std::vector<FrameReservation> promises;
    std::size_t promised = 0;
    const auto some = [&] {
        return shares.empty() ? shares.end() : std::next(shares.begin(), in.byte() % shares.size());
    };
    while (!in.empty()) {
        const std::size_t free = end - 1 - shares.size();
        switch (in.byte() % 7) {
            case 0: {
                const auto frame = frames.take();
                check(frame.has_value() == (free > promised));
                if (frame) check(frame->number != 0 && shares.emplace(frame->number, 1).second);
                break;
            }
            case 1: {
                const RunRequest request{.count = FrameCount{in.byte()},
                                         .alignment = FrameCount{std::size_t{1} << in.byte() % 8},
                                         .limit = Frame{in.take<std::uint16_t>()}};
                const auto first = frames.take_run(request);
                if (!first) break;
                check(first->number % request.alignment.value == 0 && *first + request.count <= request.limit);
                for (std::uint32_t i = 0; i < request.count.value; ++i)
                    check(shares.emplace(first->number + i, 1).second);
                break;
            }
            case 2:
                if (const auto at = some(); at != shares.end()) {
                    frames.share(Frame{at->first});
                    ++at->second;
                }
                break;
            case 3:
            case 4:
                if (const auto at = some(); at != shares.end()) {
                    frames.drop(Frame{at->first});
                    if (--at->second == 0) shares.erase(at);
                }
                break;
            case 5: {
                const std::size_t count = in.byte();
                auto promise = frames.reserve(FrameCount{count});
                check(promise.has_value() == (free - promised >= count));
                if (!promise) break;
                promised += count;
                promises.push_back(std::move(*promise));
                break;
            }
            default:
                if (promises.empty()) break;
                if (promises.back().left().value != 0) {
                    check(shares.emplace(promises.back().take().number, 1).second);
                    --promised;
                } else {
                    promises.pop_back();
                }
        }
        check(frames.statistics().free.value == end - 1 - shares.size() &&
              frames.statistics().reserved.value == promised);
    }
    promises.clear();
    frames.check_invariants();
    for (const auto& [frame, count] : shares) check(frames.shares(Frame{frame}) == count);
    return 0;
}
