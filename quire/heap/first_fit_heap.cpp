#include "quire/heap/first_fit_heap.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

bool FirstFitHeap::add(std::span<std::byte> region) {
    const auto start = reinterpret_cast<std::uintptr_t>(region.data());
    const auto first = align_up(start, kGranule);
    const std::uintptr_t end = align_down(start + region.size(), kGranule);
    if (!first || end < *first || end - *first < sizeof(Region) + kSmallestBlock) return false;
    for (const Region* other = regions_; other != nullptr; other = other->next) {
        require(end <= reinterpret_cast<std::uintptr_t>(other) || other->first() + other->bytes <= *first,
                "first-fit heap: a region was added that is in part the heap's already");
    }
    // What describes the region lies in front of its blocks. So the blocks of two regions never touch, even if the regions do.
    regions_ = new (reinterpret_cast<void*>(*first)) Region{end - *first - sizeof(Region), regions_};
    region_bytes_ += regions_->bytes;
    auto* const whole = new (reinterpret_cast<void*>(regions_->first())) Block{regions_->bytes, 0};
    insert(free_before(whole->address()), *whole);
    return true;
}

void* FirstFitHeap::allocate(std::size_t bytes, std::size_t alignment) {
    const auto needed = block_bytes(bytes);
    if (!needed || !is_power_of_two(alignment)) return nullptr;
    alignment = std::max(alignment, kGranule);
    Block* before = &free_list_;
    for (Block* free = before->next_free(); free != nullptr; before = free, free = free->next_free()) {
        const auto place = place_in(*free, *needed, alignment);
        if (!place) continue;
        const std::size_t in_front = *place - free->address();
        auto* const block = new (reinterpret_cast<void*>(*place)) Block{free->bytes - in_front, free->link};
        if (in_front == 0) {
            before->link = block->link;
        } else {  // it stays, and keeps what lies in front
            free->bytes = in_front;
            before = free;
        }
        take(*before, *block, *needed);
        return block->payload();
    }
    return nullptr;
}

void FirstFitHeap::free(void* block) {
    if (block == nullptr) return;
    Block& freed = taken(block);
    taken_bytes_ -= freed.bytes;
    --taken_blocks_;
    insert(free_before(freed.address()), freed);
}

void* FirstFitHeap::reallocate(void* block, std::size_t bytes) {
    if (block == nullptr) return allocate(bytes);
    Block& old = taken(block);
    const auto needed = block_bytes(bytes);
    if (!needed) return nullptr;
    Block& before = free_before(old.address());
    const Block* const behind = before.next_free();
    const bool touches = behind != nullptr && behind->address() == old.end();
    if (*needed <= old.bytes + (touches ? behind->bytes : 0)) {
        taken_bytes_ -= old.bytes;
        --taken_blocks_;
        if (*needed > old.bytes) {
            before.link = behind->link;
            old.bytes += behind->bytes;
        }
        take(before, old, *needed);
        return block;
    }
    void* const moved = allocate(bytes);
    if (moved == nullptr) return nullptr;
    std::memcpy(moved, block, old.bytes - kHeaderBytes);
    free(block);
    return moved;
}

FirstFitStatistics FirstFitHeap::statistics() const {
    FirstFitStatistics result{
        .taken_bytes = taken_bytes_, .free_bytes = region_bytes_ - taken_bytes_, .taken_blocks = taken_blocks_};
    for (const Block* free = free_list_.next_free(); free != nullptr; free = free->next_free()) {
        ++result.free_blocks;
        result.largest_free_block = std::max(result.largest_free_block, free->bytes);
    }
    return result;
}

void FirstFitHeap::check_invariants() const {
    std::size_t listed = 0;
    for (const Block* free = free_list_.next_free(); free != nullptr; free = free->next_free(), ++listed) {
        const Block* const next = free->next_free();
        require(next == nullptr || free->address() < next->address(),
                "first-fit heap: the free blocks are out of order");
    }
    FirstFitStatistics found;
    for (const Region* region = regions_; region != nullptr; region = region->next) {
        const Block* previous = &free_before(region->first());
        std::uintptr_t touching = 0;  // where the free block before this one ends
        for (std::uintptr_t at = region->first(); at != region->first() + region->bytes;) {
            const Block& block = *reinterpret_cast<const Block*>(at);
            require(block.bytes >= kSmallestBlock && block.bytes % kGranule == 0 &&
                        block.bytes <= region->first() + region->bytes - at,
                    "first-fit heap: the blocks do not tile their region");
            if (block.is_taken()) {
                ++found.taken_blocks;
                found.taken_bytes += block.bytes;
            } else {
                require(previous->next_free() == &block, "first-fit heap: a block is neither taken nor listed as free");
                require(touching != at, "first-fit heap: two free blocks touch");
                previous = &block;
                touching = block.end();
                ++found.free_blocks;
                found.free_bytes += block.bytes;
            }
            at = block.end();
        }
    }
    require(found.free_blocks == listed, "first-fit heap: a block is listed as free that is none");
    require(found.taken_blocks == taken_blocks_ && found.taken_bytes == taken_bytes_ &&
                found.free_bytes == region_bytes_ - taken_bytes_,
            "first-fit heap: the statistics have drifted");
}

std::optional<std::size_t> FirstFitHeap::block_bytes(std::size_t requested) {
    const auto with_header = checked_add(requested, kHeaderBytes);
    if (!with_header) return std::nullopt;
    const auto rounded = align_up(*with_header, kGranule);
    if (!rounded) return std::nullopt;
    return std::max<std::size_t>(*rounded, kSmallestBlock);
}

std::optional<std::uintptr_t> FirstFitHeap::place_in(const Block& free, std::size_t bytes, std::size_t alignment) {
    auto payload = align_up(free.address() + kHeaderBytes, alignment);
    // A piece in front that is too small to be a block: one step on. Then it is as large as the alignment at least.
    if (payload && *payload - kHeaderBytes - free.address() == kSmallestBlock - kGranule)
        payload = checked_add<std::uintptr_t>(*payload, alignment);
    if (!payload) return std::nullopt;
    const std::uintptr_t place = *payload - kHeaderBytes;
    const std::size_t in_front = place - free.address();
    if (in_front > free.bytes || free.bytes - in_front < bytes) return std::nullopt;
    return place;
}

void FirstFitHeap::join_with_next(Block& free) {
    const Block* const next = free.next_free();
    if (next == nullptr || free.end() != next->address()) return;
    free.link = next->link;
    free.bytes += next->bytes;
}

FirstFitHeap::Block& FirstFitHeap::taken(const void* payload) const {
    const auto address = reinterpret_cast<std::uintptr_t>(payload);
    require(owns(address), "first-fit heap: a block that is not its own");
    require(address % kGranule == 0, "first-fit heap: a pointer into the middle of a block");
    auto& block = *reinterpret_cast<Block*>(address - kHeaderBytes);
    if (!block.is_taken()) [[unlikely]] {
        // Only now is it worth a walk to say what has happened.
        const Block& before = free_before(address);
        require(&before == &free_list_ || before.end() < address,
                "first-fit heap: a block that is free already (freed twice), or was never taken");
        defect("first-fit heap: a pointer into the middle of a block, or its header was overwritten");
    }
    return block;
}

bool FirstFitHeap::owns(std::uintptr_t payload) const {
    const Region* region = regions_;
    // Below the first block the difference wraps round, and is too large as well.
    while (region != nullptr && payload - kHeaderBytes - region->first() >= region->bytes) region = region->next;
    return region != nullptr;
}

const FirstFitHeap::Block& FirstFitHeap::free_before(std::uintptr_t address) const {
    const Block* before = &free_list_;
    while (before->link != 0 && before->link < address) before = before->next_free();
    return *before;
}

void FirstFitHeap::insert(Block& before, Block& block) {
    const Block* const after = before.next_free();
    require((&before == &free_list_ || before.end() <= block.address()) &&
                (after == nullptr || block.end() <= after->address()),
            "first-fit heap: a taken block and a free one overlap: the list was overwritten");
    // The seal goes with this, so that a second free is seen even if the header ends up inside a larger block.
    block.link = before.link;
    before.link = block.address();
    join_with_next(block);
    join_with_next(before);
}

void FirstFitHeap::take(Block& before, Block& block, std::size_t bytes) {
    if (block.bytes - bytes >= kSmallestBlock) {
        auto* const rest = new (reinterpret_cast<void*>(block.address() + bytes)) Block{block.bytes - bytes, 0};
        block.bytes = bytes;
        insert(before, *rest);
    }
    block.link = block.seal();
    taken_bytes_ += block.bytes;
    ++taken_blocks_;
}

}  // namespace quire
