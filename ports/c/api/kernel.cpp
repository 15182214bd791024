// Kernel pages and heaps.
#include "ports/c/api/instance.hpp"
#include "quire/base/checked.hpp"

using namespace quire;
using c::code;
using c::instance;
using c::kHeapPages;

quire_error quire_open_kernel() {
    return code(instance().kernel.open());
}

quire_error quire_kernel_acquire(std::size_t pages, std::size_t alignment, std::size_t guard, quire_page* first) {
    const auto span = instance().kernel.acquire(
        {.count = PageCount{pages}, .alignment = PageCount{alignment}, .guard = PageCount{guard}});
    if (!span) return code(span.error());
    *first = span->number;
    return QUIRE_OK;
}

void quire_kernel_release(quire_page first) {
    instance().kernel.release(Page{first});
}

bool quire_kernel_is_guard(quire_page page) {
    return instance().kernel.is_guard(Page{page});
}

void* quire_malloc(std::size_t bytes) {
    return instance().heap.allocate(bytes);
}

void* quire_aligned_malloc(std::size_t bytes, std::size_t alignment) {
    return instance().heap.allocate(bytes, alignment);
}

void* quire_zalloc(std::size_t bytes) {
    return instance().heap.allocate_zeroed(bytes);
}

void* quire_realloc(void* block, std::size_t bytes) {
    return instance().heap.reallocate(block, bytes);
}

void quire_free(void* block) {
    instance().heap.free(block);
}

void quire_free_sized(void* block, std::size_t bytes, std::size_t alignment) {
    instance().heap.free_sized(block, bytes, alignment, Resized::perhaps);
}

std::size_t quire_usable_size(const void* block) {
    return instance().heap.usable_size(block);
}

void quire_trim() {
    instance().heap.trim();
}

namespace {

quire_heap_counts counts_of(const Heap& heap, quire_heap_class* classes, std::size_t room) {
    const HeapStatistics statistics = heap.statistics();
    for (std::size_t i = 0; i < room && i < kSizeClasses; ++i) {
        const HeapClassStatistics& row = statistics.classes[i];
        classes[i] = {.block_bytes = row.block_bytes, .slabs = row.slabs, .taken = row.taken, .free = row.free};
    }
    return {.slab_pages = statistics.slab_pages.value,
            .large_pages = statistics.large_pages.value,
            .own_pages = statistics.own_pages.value,
            .large_blocks = statistics.large_blocks,
            .allocations = statistics.allocations,
            .frees = statistics.frees,
            .classes = kSizeClasses};
}

class CallerSpans final : public SpanSource {
public:
    explicit CallerSpans(const quire_span_source& functions) : functions_(functions) {}
    void* acquire(PageCount count, PageCount alignment) override {
        return functions_.acquire(functions_.context, count.value, alignment.value);
    }
    void release(void* first, PageCount count) override { functions_.release(functions_.context, first, count.value); }

private:
    quire_span_source functions_;
};

struct CallerHeap {
    CallerHeap(const quire_span_source& source, PageRange range) : spans(source), heap(spans, range) {}
    CallerSpans spans;
    Heap heap;
};

/// A heap wants to lie at a multiple of a power of two, which no C compiler promises for what malloc gives: so it lies
/// somewhere in the room.
void* place_in(const quire_heap* room) {
    static_assert(sizeof(CallerHeap) + alignof(CallerHeap) <= sizeof(quire_heap),
                  "quire.h gives heaps too little room");
    const auto address = reinterpret_cast<std::uintptr_t>(room) + alignof(CallerHeap) - 1;
    return reinterpret_cast<void*>(align_down(address, alignof(CallerHeap)));
}

CallerHeap& caller_heap(quire_heap* room) {
    return *std::launder(static_cast<CallerHeap*>(place_in(room)));
}
const CallerHeap& caller_heap(const quire_heap* room) {
    return *std::launder(static_cast<const CallerHeap*>(place_in(room)));
}

}  // namespace

quire_heap_counts quire_statistics(quire_heap_class* classes, std::size_t room) {
    return counts_of(instance().heap, classes, room);
}

void quire_heap_init(quire_heap* heap, const quire_span_source* source, quire_page first, quire_page end) {
    require(first < end && end - first <= kHeapPages, "quire_heap_init: the range is empty or too large");
    new (place_in(heap)) CallerHeap(*source, {Page{first}, Page{end}});
}

void* quire_heap_allocate(quire_heap* heap, std::size_t bytes, std::size_t alignment) {
    return caller_heap(heap).heap.allocate(bytes, alignment);
}

void* quire_heap_allocate_zeroed(quire_heap* heap, std::size_t bytes) {
    return caller_heap(heap).heap.allocate_zeroed(bytes);
}

void* quire_heap_reallocate(quire_heap* heap, void* block, std::size_t bytes) {
    return caller_heap(heap).heap.reallocate(block, bytes);
}

void quire_heap_free(quire_heap* heap, void* block) {
    caller_heap(heap).heap.free(block);
}

std::size_t quire_heap_usable_size(const quire_heap* heap, const void* block) {
    return caller_heap(heap).heap.usable_size(block);
}

void quire_heap_free_sized(quire_heap* heap, void* block, std::size_t bytes, std::size_t alignment) {
    caller_heap(heap).heap.free_sized(block, bytes, alignment, Resized::perhaps);
}

void quire_heap_trim(quire_heap* heap) {
    caller_heap(heap).heap.trim();
}

quire_heap_counts quire_heap_statistics(const quire_heap* heap, quire_heap_class* classes, std::size_t room) {
    return counts_of(caller_heap(heap).heap, classes, room);
}

void quire_heap_check(const quire_heap* heap) {
    caller_heap(heap).heap.check_invariants();
}
