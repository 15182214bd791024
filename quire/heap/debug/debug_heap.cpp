#include "quire/heap/debug/debug_heap.hpp"

#include <cstring>

#include "quire/base/checked.hpp"
#include "quire/base/defect.hpp"

namespace quire {

namespace {

std::uint32_t hash_of(const void* user) {
    return mix_hash(0, reinterpret_cast<std::uintptr_t>(user));
}

}  // namespace

DebugHeap::DebugHeap(BlockSource& blocks, SpanSource& spans, FindingSink& sink, const DebugHeapOptions& options)
    : source_(blocks),
      sink_(sink),
      options_(options),
      records_(spans),
      blocks_(spans),
      stacks_(spans),
      sampler_(options.sample, options.seed) {
    require(options.red_zone % kLeastAlignment == 0, "red zones are multiples of 16 bytes");
}

DebugHeap::~DebugHeap() {
    empty_quarantine({});
}

void* DebugHeap::allocate(std::size_t bytes, std::size_t alignment, CallSite site) {
    return allocate(bytes, alignment, Contents::poison, site);
}

void* DebugHeap::allocate_zeroed(std::size_t bytes, std::size_t alignment, CallSite site) {
    return allocate(bytes, alignment, Contents::zeroes, site);
}

void* DebugHeap::allocate(std::size_t bytes, std::size_t alignment, Contents contents, CallSite site) {
    if (!is_power_of_two(alignment)) return nullptr;
    if (alignment < kLeastAlignment) alignment = kLeastAlignment;
    const auto front = align_up(options_.red_zone, alignment);
    const auto end = front ? checked_add<std::size_t>(*front, bytes) : std::nullopt;
    const auto whole = end ? checked_add<std::size_t>(*end, options_.red_zone) : std::nullopt;
    if (!whole) return nullptr;

    DebugBlock* block = reserve_record();
    if (block == nullptr) {
        // What is in quarantine has records.
        empty_quarantine(site);
        block = reserve_record();
        if (block == nullptr) return nullptr;
    }
    std::byte* const raw = take_from_source(*whole == 0 ? 1 : *whole, alignment, contents, site);
    if (raw == nullptr) {
        records_.give(block);
        return nullptr;
    }

    const std::size_t slack = source_.usable_size(raw) - *end;
    block->user = raw + *front;
    block->hash = hash_of(block->user);
    block->bytes = bytes;
    block->front = *front;
    block->back = slack < kLongestBackZone ? slack : kLongestBackZone;
    if (block->back < options_.red_zone) block->back = options_.red_zone;
    block->sequence = ++statistics_.allocations;
    block->allocated = &stacks_.intern(site);
    block->weight = sampler_.weigh(bytes);
    if (block->weight != 0) {
        for (Sampled* const account : {&block->allocated->live, &block->allocated->total}) {
            ++account->blocks;
            account->bytes += bytes;
            account->weight += block->weight;
        }
    }
    fill_red_zone(block->user - options_.red_zone, options_.red_zone);
    fill_red_zone(block->end(), block->back);
    if (contents == Contents::poison && bytes <= options_.largest_poisoned)
        std::memset(block->user, std::to_integer<int>(kFreshPoison), bytes);
    blocks_.insert(*block);
    ++statistics_.live_blocks;
    statistics_.live_bytes += bytes;
    return block->user;
}

DebugBlock* DebugHeap::reserve_record() {
    return blocks_.prepare() ? records_.take() : nullptr;
}

std::byte* DebugHeap::take_from_source(std::size_t bytes, std::size_t alignment, Contents contents, CallSite site) {
    for (;;) {
        void* const raw = contents == Contents::zeroes ? source_.allocate_zeroed(bytes, alignment)
                                                       : source_.allocate(bytes, alignment);
        if (raw != nullptr) return static_cast<std::byte*>(raw);
        if (oldest_ == nullptr) return nullptr;
        empty_quarantine(site);
    }
}

DebugBlock* DebugHeap::find(const void* user) const {
    return blocks_.find(hash_of(user), [user](const DebugBlock& block) { return block.user == user; });
}

DebugBlock* DebugHeap::find_live(const void* user, CallSite site) {
    DebugBlock* const block = find(user);
    if (block != nullptr && !block->in_quarantine) return block;
    if (block != nullptr) {
        report(FindingKind::double_free, user, block, site);
        return nullptr;
    }
    // Nobody is in a hurry any more.
    const auto address = reinterpret_cast<std::uintptr_t>(user);
    const DebugBlock* around = nullptr;
    blocks_.for_each([&](const DebugBlock& candidate) {
        const auto first = reinterpret_cast<std::uintptr_t>(candidate.raw());
        if (address >= first && address - first < candidate.held()) around = &candidate;
    });
    report(around != nullptr ? FindingKind::interior_pointer : FindingKind::foreign_pointer, user, around, site);
    return nullptr;
}

void DebugHeap::free(void* block, CallSite site) {
    if (block == nullptr) return;
    if (DebugBlock* const found = find_live(block, site)) retire(*found, site);
}

void DebugHeap::free_sized(void* block, std::size_t bytes, CallSite site) {
    if (block == nullptr) return;
    DebugBlock* const found = find_live(block, site);
    if (found == nullptr) return;
    if (found->bytes != bytes) report(FindingKind::size_mismatch, block, found, site, bytes);
    retire(*found, site);
}

void* DebugHeap::reallocate(void* block, std::size_t bytes, CallSite site) {
    if (block == nullptr) return allocate(bytes, kLeastAlignment, site);
    DebugBlock* const old = find_live(block, site);
    if (old == nullptr) return nullptr;
    check_zones(*old, site);
    void* const fresh = allocate(bytes, kLeastAlignment, site);
    if (fresh == nullptr) return nullptr;
    std::memcpy(fresh, block, bytes < old->bytes ? bytes : old->bytes);
    retire(*old, site);
    return fresh;
}

std::size_t DebugHeap::usable_size(const void* block, CallSite site) {
    if (block == nullptr) return 0;
    const DebugBlock* const found = find_live(block, site);
    return found == nullptr ? 0 : found->bytes;
}

void DebugHeap::retire(DebugBlock& block, CallSite site) {
    check_zones(block, site);
    ++statistics_.frees;
    --statistics_.live_blocks;
    statistics_.live_bytes -= block.bytes;
    if (block.weight != 0) {
        Sampled& live = block.allocated->live;
        --live.blocks;
        live.bytes -= block.bytes;
        live.weight -= block.weight;
    }
    block.freed = &stacks_.intern(site);
    block.in_quarantine = true;
    if (block.held() > options_.quarantine) {
        // It would push out everybody else, and then itself.
        release(block);
        return;
    }
    if (block.bytes <= options_.largest_poisoned) {
        std::memset(block.user, std::to_integer<int>(kFreePoison), block.bytes);
        block.poisoned = true;
    }
    (oldest_ == nullptr ? oldest_ : latest_->later) = &block;
    latest_ = &block;
    ++statistics_.quarantine_blocks;
    statistics_.quarantine_bytes += block.held();
    while (statistics_.quarantine_bytes > options_.quarantine) release_oldest(site);
}

void DebugHeap::release_oldest(CallSite site) {
    DebugBlock& block = *oldest_;
    oldest_ = block.later;
    --statistics_.quarantine_blocks;
    statistics_.quarantine_bytes -= block.held();
    check_zones(block, site);
    check_poison(block, site);
    release(block);
}

void DebugHeap::release(DebugBlock& block) {
    blocks_.remove(block);
    source_.free(block.raw());
    records_.give(&block);
}

void DebugHeap::empty_quarantine(CallSite site) {
    while (oldest_ != nullptr) release_oldest(site);
}

void DebugHeap::set_quarantine(std::size_t bytes, CallSite site) {
    options_.quarantine = bytes;
    while (statistics_.quarantine_bytes > options_.quarantine) release_oldest(site);
}

void DebugHeap::check_all(CallSite site) {
    blocks_.for_each([&](DebugBlock& block) {
        check_zones(block, site);
        check_poison(block, site);
    });
}

void DebugHeap::check_zones(DebugBlock& block, CallSite site) {
    std::byte* const front = block.user - options_.red_zone;
    if (const std::byte* const at = damage_of_red_zone(front, options_.red_zone)) {
        report(FindingKind::underflow, at, &block, site);
        fill_red_zone(front, options_.red_zone);
    }
    if (const std::byte* const at = damage_of_red_zone(block.end(), block.back)) {
        report(FindingKind::overflow, at, &block, site);
        fill_red_zone(block.end(), block.back);
    }
}

void DebugHeap::check_poison(DebugBlock& block, CallSite site) {
    if (!block.poisoned) return;
    const std::byte* const at = damage_of_poison(block.user, block.bytes, kFreePoison);
    if (at == nullptr) return;
    report(FindingKind::write_after_free, at, &block, site);
    std::memset(block.user, std::to_integer<int>(kFreePoison), block.bytes);
}

void DebugHeap::report(FindingKind kind, const void* address, const DebugBlock* block, CallSite site,
                       std::size_t said) {
    ++statistics_.findings;
    Finding finding{.kind = kind, .address = address, .said = said, .found = &stacks_.intern(site)};
    if (block != nullptr) {
        finding.block = block->user;
        finding.bytes = block->bytes;
        finding.sequence = block->sequence;
        finding.allocated = block->allocated;
        finding.freed = block->freed;
    }
    if (kind == FindingKind::overflow || kind == FindingKind::underflow || kind == FindingKind::write_after_free)
        finding.value = *static_cast<const std::uint8_t*>(address);
    sink_.report(finding);
}

DebugHeapStatistics DebugHeap::statistics() const {
    DebugHeapStatistics all = statistics_;
    all.call_stacks = stacks_.size();
    all.own_pages = records_.own_pages() + blocks_.own_pages() + stacks_.own_pages();
    return all;
}

void DebugHeap::check_invariants() const {
    std::size_t live = 0;
    std::size_t live_bytes = 0;
    std::size_t quarantined = 0;
    blocks_.for_each([&](const DebugBlock& block) {
        require(block.allocated != nullptr, "every block of the debug heap has a place where it was allocated");
        require(block.sequence <= statistics_.allocations, "no block of the debug heap is newer than the latest");
        require(find(block.user) == &block, "every block of the debug heap is found by its address");
        require((block.freed != nullptr) == block.in_quarantine, "what was freed is in quarantine, and nothing else");
        if (block.in_quarantine) {
            ++quarantined;
            return;
        }
        ++live;
        live_bytes += block.bytes;
    });
    require(live == statistics_.live_blocks && live_bytes == statistics_.live_bytes, "live blocks are counted");
    require(quarantined == statistics_.quarantine_blocks, "blocks in quarantine are counted");
    std::size_t listed = 0;
    std::size_t held = 0;
    for (const DebugBlock* block = oldest_; block != nullptr; block = block->later) {
        require(block->in_quarantine, "the quarantine's list holds freed blocks");
        require(block->later != nullptr || block == latest_, "the quarantine's list ends with the latest");
        ++listed;
        held += block->held();
    }
    require(listed == quarantined && held == statistics_.quarantine_bytes, "the quarantine's list is complete");
    require(held <= options_.quarantine, "the quarantine keeps to its bound");
}

}  // namespace quire
