// Blocks that were freed by another than the owner of their slab.
//
//      who frees:  mark the block in `returned` ─▶ inbox flag of the slab already set? ─▶ no: set it, push the slab
//      owner:      take the whole inbox ─▶ clear the slab's flag ─▶ make what is marked free
//
// Whoever marks a block either finds the flag clear, and pushes; or finds it set, and then the owner has yet to clear it
// and will see the mark. (Both sides write first and read then, sequentially consistent.) The owner may change meanwhile:
// whoever takes a slab from an inbox hands it on to whose it is.
#include <utility>

#include "quire/heap/local_heap.hpp"
#include "quire/heap/returned_blocks.hpp"

namespace quire {

void LocalHeap::free_from_afar(Slab& slab, std::uint32_t number) {
    const std::size_t word = number / Slab::kWordBits;
    if (slab.class_number >= kBatches) {
        mark_returned(slab, word, Word{1} << number % Slab::kWordBits);
        post(slab);
        return;
    }
    Batch& batch = batches_[slab.class_number];
    if (batch.slab != &slab || batch.word != word) {
        return_batch(batch);
        batch.slab = &slab;
        batch.word = word;
        batched_ |= std::uint64_t{1} << slab.class_number;
    }
    add_to_batch(batch, number);
}

/// A block of the batch's word.
void LocalHeap::add_to_batch(Batch& batch, std::uint32_t number) {
    const Word block = Word{1} << number % Slab::kWordBits;
    require((batch.blocks & block) == 0, Slab::kFreedTwice);
    batch.blocks |= block;
    batch.bytes += batch.slab->block_bytes;
    if (batch.bytes >= kMostBatched) return_batch(batch);
}

void LocalHeap::return_batch(Batch& batch) {
    if (batch.slab == nullptr) return;
    const Batch full = batch;
    batch = {};
    mark_returned(*full.slab, full.word, full.blocks);
    post(*full.slab);
}

void LocalHeap::return_batches() {
    std::uint64_t left = std::exchange(batched_, 0);
    for (std::size_t class_number = 0; left != 0; ++class_number, left >>= 1U) {
        if ((left & 1U) != 0) return_batch(batches_[class_number]);
    }
}

void LocalHeap::post(Slab& slab) {
    // Read first: mostly it is set, and a write would take the line from all the others who are here.
    if (slab.in_inbox.load(std::memory_order_seq_cst)) return;
    if (slab.in_inbox.exchange(true, std::memory_order_seq_cst)) return;
    LocalHeap* const owner = slab.owner.load(std::memory_order_seq_cst);
    if (Slab::somebody(owner) && owner->put_into_inbox(slab)) return;
    slab.in_inbox.exchange(false, std::memory_order_seq_cst);
    settle(slab);
}

/// Called on the owner by another. False: it is closed. The caller has set the slab's flag.
bool LocalHeap::put_into_inbox(Slab& slab) {
    Slab* first = inbox_.load(std::memory_order_relaxed);
    do {
        if (first == closed()) return false;
        slab.next_in_inbox.store(first, std::memory_order_relaxed);
    } while (!inbox_.compare_exchange_weak(first, &slab, std::memory_order_seq_cst, std::memory_order_relaxed));
    return true;
}

void LocalHeap::receive() {
    if (inbox_.load(std::memory_order_relaxed) == nullptr) return;
    settle_all(inbox_.exchange(nullptr, std::memory_order_seq_cst));
}

void LocalHeap::settle_all(Slab* slab) {
    while (slab != nullptr) {
        // Read before the flag is cleared: afterwards the slab may be pushed again.
        Slab* const next = slab->next_in_inbox.load(std::memory_order_relaxed);
        slab->in_inbox.exchange(false, std::memory_order_seq_cst);
        collected_class_ = kSizeClasses;
        settle(*slab);
        if (collected_class_ != kSizeClasses && all_free(collected_class_)) look_at_ready(collected_class_);
        slab = next;
    }
}

/// Somebody has returned blocks of a slab that is not in an inbox: sees that whoever owns it collects them.
void LocalHeap::settle(Slab& slab) {
    for (;;) {
        LocalHeap* owner = slab.owner.load(std::memory_order_seq_cst);
        if (owner == this) {
            collect(slab);
            return;
        }
        if (owner == nullptr) return;  // the slab has ended: somebody else collected the last of it
        if (owner == Slab::full()) {
            if (!slab.owner.compare_exchange_strong(owner, this, std::memory_order_acq_rel)) continue;
            adopt(slab);
            collect(slab);
            return;
        }
        if (owner == Slab::shared()) {
            if (central_->collect_shared(slab)) return;
            continue;
        }
        if (slab.in_inbox.exchange(true, std::memory_order_seq_cst)) return;
        if (owner->put_into_inbox(slab)) return;
        slab.in_inbox.exchange(false, std::memory_order_seq_cst);
    }
}

void LocalHeap::collect(Slab& slab) {
    const std::uint32_t collected = collect_returned(slab);
    if (collected == 0) return;
    collected_class_ = slab.class_number;
    slabs_[slab.class_number].taken -= collected;
    // Mostly the limit stays: so many may be ready in any case (local_heap_ready.cpp).
    if (ready_[slab.class_number].full_at() > counted(slab.class_number) / 4 * 3) lower_full_at(slab.class_number);
    freed_in(slab, collected);
}

}  // namespace quire
