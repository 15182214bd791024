#pragma once
/// One block as the debug heap knows it, and the bytes around it by which misuse shows.
///
///      what the source gave     │◀── front ──▶│◀── bytes ──▶│◀─ back ─▶│
///                               │ padding D0…DF│   A5…  5A…  │ D0…DF    │
///                               raw            user          end
///
/// The record lies elsewhere (RecordPool): no overflow of the program's reaches it.

#include <cstddef>
#include <cstdint>

#include "quire/heap/debug/call_stack.hpp"

namespace quire {

struct DebugBlock {
    DebugBlock* next = nullptr;  ///< HashTable
    std::uint32_t hash = 0;
    bool in_quarantine = false;
    bool poisoned = false;      ///< in quarantine, and full of kFreePoison
    std::byte* user = nullptr;  ///< what the caller has
    std::size_t bytes = 0;      ///< as asked for
    std::size_t front = 0;      ///< from what the source gave to `user`
    std::size_t back = 0;       ///< red zone behind
    std::uint64_t sequence = 0;
    std::uint64_t weight = 0;  ///< what it stands for in the profile; 0: not sampled
    CallStack* allocated = nullptr;
    CallStack* freed = nullptr;
    DebugBlock* later = nullptr;  ///< in quarantine: who came after

    [[nodiscard]] std::byte* raw() const { return user - front; }
    [[nodiscard]] std::byte* end() const { return user + bytes; }
    /// What it keeps from the source. Bytes.
    [[nodiscard]] std::size_t held() const { return front + bytes + back; }
};

inline constexpr std::byte kFreshPoison{0xA5};
inline constexpr std::byte kFreePoison{0x5A};

/// The bytes of a red zone count up, so that no constant that is written over two of them goes unseen; none is 0 or a letter.
void fill_red_zone(std::byte* zone, std::size_t bytes);
/// The first byte that is not as it was filled; nullptr: all are.
[[nodiscard]] const std::byte* damage_of_red_zone(const std::byte* zone, std::size_t bytes);
/// The first byte that is not `poison`; nullptr: all are.
[[nodiscard]] const std::byte* damage_of_poison(const std::byte* place, std::size_t bytes, std::byte poison);

}  // namespace quire
