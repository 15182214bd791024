#pragma once
/// Cases of the heap that are the same in the kernel (tests/kernel/kmalloc_test.cpp) and in a process of the host
/// (tests/unit/heap/kernel_heap_test.cpp): freestanding, and each returns what did not hold, or nullptr.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "quire/heap/heap.hpp"
#include "quire/heap/object_cache.hpp"

namespace quire::heap_cases {

/// Marsaglia, Xorshift RNGs, 2003.
class Dice {
public:
    explicit Dice(std::uint32_t seed) : state_(seed * 2654435769U + 1) {}
    std::uint32_t operator()(std::uint32_t below) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 17U;
        state_ ^= state_ << 5U;
        return state_ % below;
    }

private:
    std::uint32_t state_;
};

/// A block, and what the model knows of it. Two blocks that overlap do not both keep their bytes.
struct Block {
    std::uint8_t* at = nullptr;
    std::size_t bytes = 0;
    std::size_t alignment = 0;  ///< 0: none was asked for
    std::uint8_t fill = 0;

    void write(std::uint8_t value) {
        fill = value;
        std::memset(at, value, bytes);
    }
    [[nodiscard]] bool keeps(std::size_t count) const {
        for (std::size_t i = 0; i < count; ++i) {
            if (at[i] != fill) return false;
        }
        return true;
    }
    [[nodiscard]] bool aligned() const {
        return reinterpret_cast<std::uintptr_t>(at) % std::max(alignment, kBlockGranule) == 0;
    }
};

/// Mostly small, sometimes some pages.
inline std::size_t some_size(Dice& dice) {
    return 1 + dice(1U << dice(dice(8) == 0 ? 15 : 11));
}

/// Random operations against a table of what every block must hold.
class Model {
public:
    Model(Heap& heap, std::uint32_t seed) : heap_(heap), dice_(seed) {}

    const char* run(unsigned steps) {
        for (unsigned step = 0; step < steps; ++step) {
            Block& block = blocks_[dice_(static_cast<std::uint32_t>(blocks_.size()))];
            const char* const wrong = block.at == nullptr ? take(block) : dice_(3) == 0 ? resize(block) : give(block);
            if (wrong != nullptr) return wrong;
            if (step % 4096 == 0) heap_.check_invariants();
        }
        for (Block& block : blocks_) {
            if (block.at == nullptr) continue;
            if (const char* const wrong = give(block)) return wrong;
        }
        heap_.check_invariants();
        return nullptr;
    }

private:
    const char* take(Block& block) {
        block.bytes = some_size(dice_);
        block.alignment = dice_(4) == 0 ? std::size_t{1} << dice_(14) : 0;
        const bool zeroed = block.alignment == 0 && dice_(4) == 0;
        void* const at = zeroed                 ? heap_.allocate_zeroed(block.bytes)
                         : block.alignment != 0 ? heap_.allocate(block.bytes, block.alignment)
                                                : heap_.allocate(block.bytes);
        block.at = static_cast<std::uint8_t*>(at);
        if (at == nullptr) return "there is memory";
        if (!block.aligned()) return "a block is aligned as it was asked for";
        if (heap_.usable_size(at) < block.bytes) return "a block is as large as it was asked for";
        block.fill = 0;
        if (zeroed && !block.keeps(block.bytes)) return "a zeroed block is full of zeroes";
        block.write(static_cast<std::uint8_t>(1 + dice_(255)));
        return nullptr;
    }

    const char* resize(Block& block) {
        const std::size_t bytes = some_size(dice_);
        void* const at = heap_.reallocate(block.at, bytes);
        if (at == nullptr) return "there is memory for another size";
        block.at = static_cast<std::uint8_t*>(at);
        if (!block.keeps(std::min(bytes, block.bytes))) return "a block keeps its bytes when it gets another size";
        block.bytes = bytes;
        block.alignment = 0;
        block.write(static_cast<std::uint8_t>(1 + dice_(255)));
        return nullptr;
    }

    const char* give(Block& block) {
        if (!block.keeps(block.bytes)) return "a block keeps its bytes";
        heap_.free(block.at);
        block.at = nullptr;
        return nullptr;
    }

    Heap& heap_;
    Dice dice_;
    std::array<Block, 400> blocks_{};
};

/// The sized forms, for every size.
inline const char* sized_frees(Heap& heap) {
    for (std::size_t bytes = 0; bytes < 3 * kPageSize; bytes += bytes < 600 ? 1 : 61) {
        void* const block = heap.allocate(bytes);
        if (block == nullptr) return "there is memory";
        heap.free_sized(block, bytes);
        for (std::size_t alignment = 16; alignment <= kPageSize; alignment *= 2) {
            void* const aligned = heap.allocate(bytes, alignment);
            if (aligned == nullptr) return "there is memory for an aligned block";
            heap.free_sized(aligned, bytes, alignment);
        }
    }
    heap.check_invariants();
    return nullptr;
}

/// Pages that the heap has from its source.
inline std::size_t pages_of(const Heap& heap) {
    const HeapStatistics statistics = heap.statistics();
    return (statistics.slab_pages + statistics.large_pages + statistics.own_pages).value;
}

inline constexpr std::size_t kMegabyte = std::size_t{1} << 20U;

/// Allocates 64 MiB in blocks of one size and frees them, every other one first: less than 1 MiB stays behind. Blocks are
/// linked through their first word. `most`: pages while all was allocated.
inline const char* gives_back(Heap& heap, std::size_t bytes, std::size_t& most) {
    std::array<void*, 2> lists{};
    const std::size_t before = pages_of(heap);
    const char* wrong = nullptr;
    for (std::size_t i = 0; i < 64 * kMegabyte / bytes; ++i) {
        void* const block = heap.allocate(bytes);
        if (block == nullptr) {
            wrong = "there are 64 MiB";
            break;
        }
        *static_cast<void**>(block) = lists[i % 2];
        lists[i % 2] = block;
    }
    most = pages_of(heap);
    for (void* block : lists) {
        while (block != nullptr) {
            void* const next = *static_cast<void**>(block);
            heap.free(block);
            block = next;
        }
    }
    if (wrong != nullptr) return wrong;
    if (most - before < 64 * kMegabyte / kPageSize) return "64 MiB are in pages of the heap";
    if (pages_of(heap) >= before + kMegabyte / kPageSize) return "less than 1 MiB stays behind";
    heap.check_invariants();
    return nullptr;
}

/// An object that says whether it is in order.
template <std::size_t Bytes, std::size_t Alignment>
struct alignas(Alignment) Object {
    explicit Object(std::uint32_t value, std::uint32_t& living) : number(value), count(&living) {
        std::memset(rest.data(), static_cast<int>(value), rest.size());
        ++*count;
    }
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;
    ~Object() { --*count; }
    [[nodiscard]] bool intact() const {
        if (reinterpret_cast<std::uintptr_t>(this) % Alignment != 0) return false;
        for (const std::uint8_t byte : rest) {
            if (byte != static_cast<std::uint8_t>(number)) return false;
        }
        return true;
    }
    std::uint32_t number;
    std::uint32_t* count;
    std::array<std::uint8_t, Bytes> rest;
};

/// Random creating and destroying, against an array of what there must be.
template <typename T>
const char* objects_keep(Heap& heap, std::uint32_t seed, unsigned steps) {
    std::uint32_t living = 0;
    ObjectCache<T> cache(heap, "case");
    std::array<T*, 100> objects{};
    Dice dice(seed);
    const std::uint64_t before = heap.statistics().allocations;
    std::uint32_t made = 0;
    const char* wrong = nullptr;
    for (unsigned step = 0; step < steps && wrong == nullptr; ++step) {
        T*& object = objects[dice(static_cast<std::uint32_t>(objects.size()))];
        if (object == nullptr) {
            object = cache.create(Wait::never, made, living);
            if (object == nullptr) return "there is memory for an object";
            ++made;
        } else {
            if (!object->intact()) wrong = "an object keeps its bytes, and is aligned";
            cache.destroy(object);
            object = nullptr;
        }
        if (cache.counts().live != living || cache.counts().made != made) wrong = "a cache counts its objects";
    }
    if (heap.statistics().allocations != before + made) wrong = "objects are counted in all";
    heap.check_invariants();
    for (T* const object : objects) cache.destroy(object);
    if (living != 0 || cache.counts().live != 0) wrong = "every object was destroyed";
    {
        const Cached<T> held = cache.make(Wait::never, 1U, living);
        if (!held || living != 1) wrong = "an object of a scope exists in it";
    }
    if (living != 0) wrong = "an object of a scope ends with it";
    if (cache.counts().most > objects.size() || cache.counts().refused != 0) wrong = "a cache's counts";
    return wrong;
}

inline const char* all_objects_keep(Heap& heap, std::uint32_t seed, unsigned steps) {
    if (const char* const wrong = objects_keep<Object<4, 8>>(heap, seed, steps)) return wrong;
    if (const char* const wrong = objects_keep<Object<40, 64>>(heap, seed, steps)) return wrong;
    if (const char* const wrong = objects_keep<Object<1200, 16>>(heap, seed, steps)) return wrong;
    if (const char* const wrong = objects_keep<Object<1000, 2048>>(heap, seed, steps)) return wrong;
    return objects_keep<Object<5000, 8192>>(heap, seed, steps / 10);
}

}  // namespace quire::heap_cases
