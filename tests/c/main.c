/* Calls every function of <quire/quire.h> on the example's port, and checks what comes back. Prints "all ok" or the first mistake. */
#include <quire/quire.h>

#include "kernel.h"
#include "quire_layout.h"

extern uint8_t boot_directory[], boot_list_table[], zero_page[], image_end[];

static struct quire_space parent, child, *active = &parent;
static volatile enum quire_fault kind; /* of the last fault */

static void check(int holds, const char *what, int line) {
    if (holds) return;
    print("line %u: %s\n", (unsigned)line, what);
    power_off(1);
}
#define CHECK(holds) check(holds, #holds, __LINE__)
#define OK(call) check((call) == QUIRE_OK, #call, __LINE__)

void handle_exception(unsigned number, unsigned error, uintptr_t address, uintptr_t instruction) {
    (void)instruction;
    CHECK(number == 14);
    enum quire_fault how = QUIRE_SPURIOUS;
    enum quire_error refused = quire_space_fault(active, address, error & 2 ? QUIRE_ACCESS_WRITE : QUIRE_ACCESS_READ, &how);
    kind = how;
    if (refused != QUIRE_OK) {
        print("unexpected fault at %x, instruction %x: %s\n", address, instruction, quire_error_name(refused));
        power_off(1);
    }
}

static volatile uint8_t *bytes_of(quire_page page) {
    return (volatile uint8_t *)(page << 12);
}

/* An object of two pages. */
static quire_frame object_frames[2];
static int object_gone;
static enum quire_error object_page(void *context, uintptr_t index, quire_frame *frame) {
    quire_frame *frames = context;
    if (index >= 2) return QUIRE_BEYOND_END;
    quire_frame_share(frames[index]);
    *frame = frames[index];
    return QUIRE_OK;
}
static const char *object_name(void *context) {
    (void)context;
    return "object";
}
static void object_end(void *context) {
    (void)context;
    object_gone = 1;
}

static void start(const uint32_t *info) {
    static struct quire_boot_map map;
    static struct quire_frame_range ranges[8];
    size_t count = 0;
    quire_boot_map_init(&map);
    OK(quire_boot_map_usable(&map, 0x100000, info[2] * 1024ull)); /* mem_upper */
    quire_frame end = quire_boot_map_end(&map, 1 << 20);
    CHECK(end == 0x100 + info[2] / 4);
    OK(quire_boot_map_reserve(&map, 0, (uintptr_t)image_end + quire_metadata_bytes(end)));
    CHECK(quire_boot_map_ranges(&map, end, ranges, 0, &count) == QUIRE_LIST_FULL);
    OK(quire_boot_map_ranges(&map, end, ranges, 8, &count));
    CHECK(count == 1 && ranges[0].end == end);
    struct quire_boot boot = {end, image_end, (uintptr_t)boot_directory >> 12, (uintptr_t)boot_list_table >> 12, (uintptr_t)zero_page >> 12};
    quire_start(&boot);
    quire_add_frames(ranges[0].first, ranges[0].end);
    OK(quire_open_kernel());
}

static void frames(void) {
    struct quire_frame_statistics before = quire_frame_statistics();
    quire_frame one, run;
    OK(quire_frame_take(&one));
    CHECK(quire_frame_shares(one) == 1);
    quire_frame_share(one);
    CHECK(quire_frame_shares(one) == 2);
    quire_frame_drop(one);
    quire_frame_drop(one);
    CHECK(quire_frame_shares(one) == 0);
    OK(quire_frame_take_run(16, 16, 4096, &run));
    CHECK(run % 16 == 0 && run + 16 <= 4096);
    CHECK(quire_frame_take_run(0, 1, 4096, &one) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_frame_statistics().free == before.free - 16 && before.managed >= before.free && before.reserved == 0);
    for (quire_frame i = 0; i < 16; i++) quire_frame_drop(run + i);
}

static void kernel_memory(void) {
    quire_page span;
    OK(quire_kernel_acquire(3, 4, 1, &span));
    CHECK(span % 4 == 0 && quire_kernel_is_guard(span - 1) && !quire_kernel_is_guard(span));
    memset((void *)(span << 12), 1, 3 * 4096);
    quire_kernel_release(span);
    CHECK(quire_kernel_acquire(0, 1, 0, &span) == QUIRE_BAD_ARGUMENT);
    char *block = quire_malloc(100);
    CHECK(block != NULL && quire_usable_size(block) >= 100);
    memset(block, 7, 100);
    block = quire_realloc(block, 5000);
    CHECK(block[0] == 7 && block[99] == 7);
    quire_free(block);
    block = quire_aligned_malloc(10, 1024);
    CHECK((uintptr_t)block % 1024 == 0);
    quire_free(block);
    quire_free(NULL);
}

static quire_page map(struct quire_map request) {
    quire_page first = 0;
    OK(quire_space_map(active, &request, &first));
    return first;
}

static void spaces(void) {
    enum { RW = QUIRE_READ | QUIRE_WRITE };
    quire_space_init(&parent, 0x40000);
    OK(quire_space_create(&parent));
    quire_space_activate(&parent);
    OK(quire_space_open(&parent));
    quire_page page = map((struct quire_map){.pages = 4, .rights = RW, .allowed = RW});
    CHECK(page == 0x40000 && bytes_of(page)[5] == 0 && kind == QUIRE_SHARED_ZERO);
    bytes_of(page)[5] = 9;
    CHECK(kind == QUIRE_ZERO_FILLED);
    CHECK(quire_space_fault(active, (page + 4) << 12, QUIRE_ACCESS_READ, NULL) == QUIRE_NOT_MAPPED);
    OK(quire_space_protect(active, page, 1, QUIRE_READ));
    CHECK(quire_space_fault(active, page << 12, QUIRE_ACCESS_WRITE, NULL) == QUIRE_DENIED);
    CHECK(quire_space_protect(active, page, 5, QUIRE_READ) == QUIRE_NOT_MAPPED);
    OK(quire_space_protect(active, page, 1, RW));
    CHECK(bytes_of(page)[5] == 9);

    quire_space_init(&child, 0x40000);
    OK(quire_space_fork(&parent, &child));
    bytes_of(page)[5] = 10;
    CHECK(kind == QUIRE_COPIED);
    quire_space_activate(&child);
    active = &child;
    CHECK(bytes_of(page)[5] == 9);
    quire_space_close(&child);
    quire_space_activate(&parent);
    active = &parent;
    quire_space_destroy(&child);

    OK(quire_space_discard(active, page, 4));
    CHECK(bytes_of(page)[5] == 0);
    OK(quire_space_unmap(active, page, 4));
    CHECK(quire_space_statistics(active).resident == 0 && quire_space_statistics(active).faults[QUIRE_COPIED] == 1);

    quire_space_start_break(active, 0x1000000);
    OK(quire_space_set_break(active, 0x1001001));
    *(volatile char *)0x1001000 = 1;
    CHECK(quire_space_set_break(active, 0xFFFFFF) == QUIRE_BAD_ARGUMENT);

    static struct quire_object object;
    static const struct quire_object_functions functions = {object_page, object_name, object_end};
    for (int i = 0; i < 2; i++) OK(quire_frame_take(&object_frames[i]));
    quire_object_init(&object, &functions, object_frames);
    quire_object_retain(&object);
    struct quire_map shown = {.pages = 3, .placement = QUIRE_FIXED, .at = 0x50000, .rights = RW, .allowed = RW, .shared = true, .object = &object};
    page = map(shown);
    bytes_of(page)[0] = 4;
    shown.at = 0x60000;
    shown.shared = false;
    shown.placement = QUIRE_PREFERRED;
    CHECK(bytes_of(map(shown))[0] == 4 && kind == QUIRE_OBJECT_PAGE);
    CHECK(quire_space_fault(active, 0x60002 << 12, QUIRE_ACCESS_READ, NULL) == QUIRE_BEYOND_END);
    shown.placement = QUIRE_FIXED_IF_FREE;
    CHECK(quire_space_map(active, &shown, &page) == QUIRE_ALREADY_MAPPED);
    static uint32_t tally[1 << 16];
    quire_audit_begin(tally);
    quire_audit_space(active);
    for (int i = 0; i < 2; i++) quire_audit_own(object_frames[i]);
    quire_audit_end();
    quire_space_close(active);
    CHECK(!object_gone);
    quire_object_release(&object);
    CHECK(object_gone);
    for (int i = 0; i < 2; i++) quire_frame_drop(object_frames[i]);
    quire_port_activate((uintptr_t)boot_directory >> 12);
    quire_space_destroy(&parent);
}

static void *acquire(void *context, size_t pages, size_t alignment) {
    quire_page first;
    ++*(unsigned *)context;
    return quire_kernel_acquire(pages, alignment, 0, &first) == QUIRE_OK ? (void *)(first << 12) : NULL;
}
static void release(void *context, void *first, size_t pages) {
    (void)context, (void)pages;
    quire_kernel_release((uintptr_t)first >> 12);
}

static void heaps(void) {
    static struct quire_heap heap;
    static unsigned calls;
    struct quire_span_source source = {acquire, release, &calls};
    quire_heap_init(&heap, &source, QUIRE_KERNEL_FIRST, QUIRE_KERNEL_END);
    char *block = quire_heap_allocate(&heap, 24, 16);
    block[0] = 1;
    block = quire_heap_reallocate(&heap, block, 3000);
    CHECK(block[0] == 1 && calls > 0);
    quire_heap_check(&heap);
    quire_heap_free(&heap, block);
}

void main(const uint32_t *multiboot) {
    init_exceptions();
    start(multiboot);
    frames();
    kernel_memory();
    size_t free = quire_frame_statistics().free;
    spaces();
    CHECK(quire_frame_statistics().free == free);
    heaps();
    CHECK(quire_error_name(QUIRE_OK)[0] == 'o' && quire_error_name(QUIRE_IO)[0] == 'i');
    print("all ok\n");
    power_off(0);
}
