// Kernel pages and heaps.
#include "ports/c/api/instance.hpp"

using namespace quire;
using c::code;
using c::inside;
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

void* quire_realloc(void* block, std::size_t bytes) {
    return instance().heap.reallocate(block, bytes);
}

void quire_free(void* block) {
    instance().heap.free(block);
}

std::size_t quire_usable_size(const void* block) {
    return instance().heap.usable_size(block);
}

namespace {

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

}  // namespace

void quire_heap_init(quire_heap* heap, const quire_span_source* source, quire_page first, quire_page end) {
    require(first < end && end - first <= kHeapPages, "quire_heap_init: the range is empty or too large");
    new (heap) CallerHeap(*source, {Page{first}, Page{end}});
}

void* quire_heap_allocate(quire_heap* heap, std::size_t bytes, std::size_t alignment) {
    return inside<CallerHeap>(heap).heap.allocate(bytes, alignment);
}

void* quire_heap_reallocate(quire_heap* heap, void* block, std::size_t bytes) {
    return inside<CallerHeap>(heap).heap.reallocate(block, bytes);
}

void quire_heap_free(quire_heap* heap, void* block) {
    inside<CallerHeap>(heap).heap.free(block);
}

std::size_t quire_heap_usable_size(const quire_heap* heap, const void* block) {
    return inside<CallerHeap>(heap).heap.usable_size(block);
}

void quire_heap_check(const quire_heap* heap) {
    inside<CallerHeap>(heap).heap.check_invariants();
}
