#pragma once
/// Where a local heap writes down which blocks are ready (ReadyBlocks): at first in a few places near those of the other sizes, because
/// most programs use a little of many sizes and each page that is touched is a frame; a size that keeps running out of them moves
/// to as many as it will ever need, far away.
///
///      near   ┌───────┬────┬───┬───┬─ ─ ┬───┐        far   ┌──────────────────┬──────────────────┬─ ─ ─ ─
///             │   8   │ 16 │ … │256│    │   │              │        8         │        16        │
///             └───────┴────┴───┴───┴─ ─ ┴───┘              └──────────────────┴──────────────────┴─ ─ ─ ─
///              a page's worth of blocks each, or 64          a page of it is touched when the size moves there

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "quire/base/address.hpp"
#include "quire/heap/port.hpp"
#include "quire/heap/ready_blocks.hpp"
#include "quire/heap/size_classes.hpp"

namespace quire {

/// Of each size, however large its blocks are.
inline constexpr std::size_t kFewReady = std::min(kHeapShape.ready, kHeapShape.few_ready);

/// So many places each size has, one after the other.
struct ReadyRoom {
    std::array<std::uint16_t, kSizeClasses> of{};
    std::array<std::uint16_t, kSizeClasses> first{};  ///< the number of its first place
    std::size_t all = 0;
};

/// One size more: none of the larger ones has any yet.
consteval void give_places(ReadyRoom& room, std::size_t class_number, std::size_t places) {
    room.of[class_number] = static_cast<std::uint16_t>(places);
    room.first[class_number] = static_cast<std::uint16_t>(room.all);
    room.all += places;
}

/// As many as may be ready. Of the largest sizes a program uses few blocks at a time, and each that is not ready takes long.
consteval std::size_t most_ready(std::size_t class_number) {
    constexpr std::size_t kInAnyCase = std::min<std::size_t>(kHeapShape.ready, 64);
    return std::clamp<std::size_t>(kHeapShape.ready_bytes / size_class(class_number).bytes, kInAnyCase,
                                   kHeapShape.ready);
}

consteval ReadyRoom near_room() {
    constexpr std::size_t kMany = 64;
    ReadyRoom room;
    for (std::size_t i = 0; i < kSizeClasses; ++i) {
        const std::size_t places = std::clamp(kPageSize / size_class(i).bytes, kFewReady, kMany);
        give_places(room, i, std::min(places, most_ready(i)));
    }
    return room;
}
/// Those of a page, which are handed out at once when a size grows (LocalHeap::carve); of the smallest sizes 64.
inline constexpr ReadyRoom kNearRoom = near_room();

consteval ReadyRoom far_room() {
    ReadyRoom room;
    for (std::size_t i = 0; i < kSizeClasses; ++i)
        give_places(room, i, most_ready(i) > kNearRoom.of[i] ? most_ready(i) : 0);
    return room;
}
/// None if there are as many nearby.
inline constexpr ReadyRoom kFarRoom = far_room();

/// The places of one local heap's blocks. Not initialised: who makes it decides whether it must be (LocalHeap::InZeroes).
template <const ReadyRoom& room>
class ReadyPlaces {
public:
    /// The first of a size's.
    [[nodiscard]] ReadyBlocks::Place* of(std::size_t class_number) { return places_.data() + room.first[class_number]; }

private:
    std::array<ReadyBlocks::Place, room.all> places_;
};

}  // namespace quire
