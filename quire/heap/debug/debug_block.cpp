#include "quire/heap/debug/debug_block.hpp"

#include <cstring>

namespace quire {

namespace {

constexpr std::byte red(std::size_t index) {
    return static_cast<std::byte>(0xD0U | (index & 0xFU));
}

}  // namespace

void fill_red_zone(std::byte* zone, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) zone[i] = red(i);
}

const std::byte* damage_of_red_zone(const std::byte* zone, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) {
        if (zone[i] != red(i)) return zone + i;
    }
    return nullptr;
}

const std::byte* damage_of_poison(const std::byte* place, std::size_t bytes, std::byte poison) {
    if (bytes == 0) return nullptr;
    // All the same as their neighbour, and one of them right: memcmp is the fastest loop there is.
    if (place[0] == poison && std::memcmp(place, place + 1, bytes - 1) == 0) return nullptr;
    while (*place == poison) ++place;
    return place;
}

}  // namespace quire
