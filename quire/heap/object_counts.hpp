#pragma once
/// What a heap knows of an object cache, whatever its type; guarded by the heap's lock.

#include <cstddef>
#include <cstdint>

namespace quire {

struct ObjectCounts {
    const char* name = nullptr;
    std::uint32_t object_bytes = 0;
    std::uint32_t block_bytes = 0;  ///< what an object takes
    std::uint32_t live = 0;         ///< objects that there are
    std::uint32_t most = 0;         ///< and the most that there ever were at a time
    std::uint64_t made = 0;         ///< since the start
    std::uint64_t refused = 0;      ///< for want of memory
    bool listed = false;            ///< the heap knows it
    ObjectCounts* next = nullptr;   ///< in the heap's list
};

}  // namespace quire
