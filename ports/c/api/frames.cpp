// Boot map, start, frames.
#include "ports/c/api/instance.hpp"
#include "quire/base/defect.hpp"
#include "quire/frames/boot_map.hpp"

using namespace quire;
using c::code;
using c::inside;
using c::instance;

const char* quire_error_name(quire_error error) {
    return error == QUIRE_OK ? "ok" : name(static_cast<Error>(error - 1));
}

void quire_boot_map_init(quire_boot_map* map) {
    static_assert(sizeof(BootMap) <= sizeof(quire_boot_map));
    new (map) BootMap;
}

quire_error quire_boot_map_usable(quire_boot_map* map, std::uint64_t start, std::uint64_t bytes) {
    return code(inside<BootMap>(map).add_usable({start}, bytes));
}

quire_error quire_boot_map_reserve(quire_boot_map* map, std::uint64_t start, std::uint64_t bytes) {
    return code(inside<BootMap>(map).reserve({start}, bytes));
}

quire_frame quire_boot_map_end(const quire_boot_map* map, quire_frame limit) {
    return inside<BootMap>(map).end_of_memory(Frame{limit}).number;
}

quire_error quire_boot_map_ranges(const quire_boot_map* map, quire_frame limit, quire_frame_range* out,
                                  std::size_t room, std::size_t* count) {
    static_assert(sizeof(quire_frame_range) == sizeof(FrameRange));
    const auto ranges = inside<BootMap>(map).usable_frames(Frame{limit}, {reinterpret_cast<FrameRange*>(out), room});
    if (!ranges) return code(ranges.error());
    *count = ranges->size();
    return QUIRE_OK;
}

std::size_t quire_metadata_bytes(quire_frame end) {
    return (FrameBitmap::words_needed(Frame{end}) + end) * sizeof(std::uint32_t);
}

void quire_start(const quire_boot_info* boot) {
    if (const char* const mistake = c::layout_mistake(); mistake != nullptr) defect(mistake);
    require(boot->end <= 1U << 20U, "quire_start: more than 4 GiB of memory");
    require(reinterpret_cast<std::uintptr_t>(boot->metadata) % alignof(std::uint32_t) == 0,
            "quire_start: the metadata is not aligned to 4");
    require(Machine::active_directory() == Frame{boot->directory}, "quire_start: the directory is not the active one");
    require(Machine::has_table(Machine::kListWindow.first), "quire_start: the list window has no table");
    c::make_instance(Frame{boot->zero_frame});
    const std::size_t words = FrameBitmap::words_needed(Frame{boot->end});
    auto* const metadata = static_cast<std::uint32_t*>(boot->metadata);
    instance().frames.attach({metadata, words}, {metadata + words, boot->end}, Frame{boot->end});
    instance().boot.frame = Frame{boot->directory};
    instance().boot.list_table = Frame{boot->list_table};
    instance().paging.adopt(instance().boot);
}

void quire_add_frames(quire_frame first, quire_frame end) {
    instance().frames.manage({Frame{first}, Frame{end}});
}

quire_error quire_frame_take(quire_frame* frame) {
    const auto taken = instance().frames.take();
    if (!taken) return code(taken.error());
    *frame = taken->number;
    return QUIRE_OK;
}

quire_error quire_frame_take_run(std::size_t count, std::size_t alignment, quire_frame limit, quire_frame* first) {
    const auto taken = instance().frames.take_run(
        {.count = FrameCount{count}, .alignment = FrameCount{alignment}, .limit = Frame{limit}});
    if (!taken) return code(taken.error());
    *first = taken->number;
    return QUIRE_OK;
}

void quire_frame_share(quire_frame frame) {
    instance().frames.share(Frame{frame});
}

void quire_frame_drop(quire_frame frame) {
    instance().frames.drop(Frame{frame});
}

std::uint32_t quire_frame_shares(quire_frame frame) {
    return instance().frames.shares(Frame{frame});
}

quire_frame_counts quire_frame_statistics() {
    const FrameStatistics now = instance().frames.statistics();
    return {now.managed.value, now.free.value, now.reserved.value};
}
