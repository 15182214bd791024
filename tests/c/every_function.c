/* Calls every function of <quire/quire.h> and checks what comes back: on the example's port in a virtual machine
 * (booted.c), and on a port inside a Linux process (process.c). */
#include "every_function.h"

enum { READ_WRITE = QUIRE_READ | QUIRE_WRITE };

static struct quire_space parent, child, *active = &parent;
static volatile enum quire_fault kind; /* of the last fault */

#define CHECK(holds) check(holds, #holds, __LINE__)
#define OK(call) check((call) == QUIRE_OK, #call, __LINE__)

enum quire_error resolve(uintptr_t address, int write) {
    enum quire_fault how = QUIRE_SPURIOUS;
    enum quire_error error = quire_space_fault(active, address, write ? QUIRE_ACCESS_WRITE : QUIRE_ACCESS_READ, &how);
    kind = how;
    return error;
}

/* The n-th page of user space. */
static quire_page user(quire_page n) {
    return quire_port_layout.user.first + n;
}

static volatile uint8_t *bytes_of(quire_page page) {
    return (volatile uint8_t *)(page << 12);
}

static void test_boot(const struct test_machine *machine) {
    static struct quire_boot_map map;
    static struct quire_frame_range ranges[8];
    const uint64_t start = 1 << 20;
    size_t count = 0;
    quire_boot_map_init(&map);
    OK(quire_boot_map_usable(&map, start, machine->bytes));
    quire_frame end = quire_boot_map_end(&map, 1 << 20);
    CHECK(end == (start + machine->bytes) >> 12);
    OK(quire_boot_map_reserve(&map, 0, start + machine->used));
    CHECK(quire_boot_map_ranges(&map, end, ranges, 0, &count) == QUIRE_LIST_FULL);
    OK(quire_boot_map_ranges(&map, end, ranges, 8, &count));
    CHECK(count == 1 && ranges[0].end == end);
    for (int i = 1; i < 128; i++) OK(quire_boot_map_usable(&map, start, 1));
    CHECK(quire_boot_map_usable(&map, start, 1) == QUIRE_LIST_FULL);

    CHECK(quire_metadata_bytes(end) > end * 4u && quire_metadata_bytes(end) < end * 5u);
    struct quire_boot_info boot = machine->boot;
    boot.end = end;
    quire_start(&boot);
    quire_add_frames(ranges[0].first, ranges[0].end);
    OK(quire_open_kernel());
    OK(quire_check_port());
}

static void test_frames(void) {
    struct quire_frame_counts before = quire_frame_statistics();
    quire_frame one, run;
    OK(quire_frame_take(&one));
    CHECK(quire_frame_shares(one) == 1);
    quire_frame_share(one);
    CHECK(quire_frame_shares(one) == 2);
    quire_frame_drop(one);
    quire_frame_drop(one);
    CHECK(quire_frame_shares(one) == 0);
    CHECK(quire_frame_shares(0) == UINT32_MAX);
    OK(quire_frame_take_run(16, 16, 4096, &run));
    CHECK(run % 16 == 0 && run + 16 <= 4096);
    CHECK(quire_frame_take_run(0, 1, 4096, &one) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_frame_statistics().free == before.free - 16);
    CHECK(before.managed >= before.free && before.reserved == 0);
    for (quire_frame i = 0; i < 16; i++) quire_frame_drop(run + i);
}

/* The table of sizes, before and with a block. */
static void test_statistics(void) {
    struct quire_heap_class classes[64];
    struct quire_heap_counts before = quire_statistics(NULL, 0);
    uint8_t *block = quire_malloc(200), *large = quire_malloc(10000);
    struct quire_heap_counts after = quire_statistics(classes, 64);
    CHECK(after.classes == before.classes && after.classes <= 64);
    CHECK(after.allocations == before.allocations + 2 && after.frees == before.frees);
    CHECK(after.large_blocks == before.large_blocks + 1 && after.large_pages == before.large_pages + 3);
    size_t row = 0;
    while (classes[row].block_bytes < 200) row++;
    CHECK(row < after.classes && classes[row].taken >= 1 && classes[row].slabs >= 1);
    CHECK(after.slab_pages >= 1 && after.own_pages >= 1);
    uint32_t taken = classes[row].taken;
    quire_free(block);
    quire_free(large);
    after = quire_statistics(classes, row + 1);
    CHECK(classes[row].taken == taken - 1 && after.frees == before.frees + 2);
    CHECK(classes[row].free >= 1 || classes[row].slabs == 0);
    quire_trim();
    CHECK(quire_statistics(NULL, 0).slab_pages <= after.slab_pages);
}

static void test_kernel_memory(void) {
    quire_page span;
    OK(quire_kernel_acquire(3, 4, 1, &span));
    CHECK(span % 4 == 0 && quire_kernel_is_guard(span - 1) && !quire_kernel_is_guard(span));
    __builtin_memset((void *)(span << 12), 1, 3 * 4096);
    quire_kernel_release(span);
    CHECK(quire_kernel_acquire(0, 1, 0, &span) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_kernel_acquire(1, 3, 0, &span) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_kernel_acquire(SIZE_MAX, 1, 0, &span) == QUIRE_NO_ADDRESSES);
    uint8_t *block = quire_malloc(100);
    CHECK(block != NULL && quire_usable_size(block) >= 100);
    __builtin_memset(block, 7, 100);
    block = quire_realloc(block, 5000);
    CHECK(block[0] == 7 && block[99] == 7);
    quire_free(block);
    block = quire_aligned_malloc(10, 1024);
    CHECK((uintptr_t)block % 1024 == 0);
    quire_free(block);
    quire_free(NULL);
    CHECK(quire_malloc(SIZE_MAX) == NULL);
    block = quire_zalloc(3000);
    CHECK(block[0] == 0 && block[2999] == 0);
    quire_free_sized(block, 3000, 0);
    block = quire_aligned_malloc(100, 256);
    quire_free_sized(block, 100, 256);
    test_statistics();
}

static quire_page map(struct quire_map request) {
    quire_page first = 0;
    OK(quire_space_map(active, &request, &first));
    return first;
}

/* What a program may ask for is refused, not believed: wrapping ranges, rights that there are not, addresses of the kernel. */
static void test_refusals(void) {
    struct quire_map request = {.pages = 1, .rights = READ_WRITE, .allowed = READ_WRITE};
    quire_page page;
    request.rights = QUIRE_WRITE;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_BAD_ARGUMENT);
    request.rights = QUIRE_READ | QUIRE_USER;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_BAD_ARGUMENT);
    request.rights = QUIRE_READ | QUIRE_EXECUTE;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_DENIED);
    request.rights = READ_WRITE;
    request.pages = SIZE_MAX;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_NO_ADDRESSES);
    request.pages = 0;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_NO_ADDRESSES);
    request.pages = 2;
    request.placement = QUIRE_FIXED;
    request.at = quire_port_layout.user.end - 1;
    CHECK(quire_space_map(active, &request, &page) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_unmap(active, user(1), SIZE_MAX) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_unmap(active, user(1), 0) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_unmap(active, UINTPTR_MAX, 2) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_protect(active, user(1), (size_t)0 - user(0), QUIRE_READ) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_protect(active, user(1), 1, QUIRE_WRITE) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_discard(active, quire_port_layout.kernel.first, 1) == QUIRE_BAD_ARGUMENT);
    CHECK(resolve(quire_port_layout.kernel.first << 12, 0) == QUIRE_NOT_MAPPED);
}

static void test_fork(quire_page page) {
    quire_space_init(&child, user(0));
    CHECK(quire_space_directory(&child) == 0);
    OK(quire_space_fork(&parent, &child));
    bytes_of(page)[5] = 10;
    CHECK(kind == QUIRE_COPIED);
    quire_space_activate(&child);
    CHECK(quire_port_active_directory() == quire_space_directory(&child));
    active = &child;
    CHECK(bytes_of(page)[5] == 9);
    bytes_of(page)[5] = 11;
    CHECK(kind == QUIRE_REUSED);
    quire_space_close(&child);
    quire_space_activate(&parent);
    active = &parent;
    quire_space_destroy(&child);
    CHECK(bytes_of(page)[5] == 10);
}

static void test_private_memory(void) {
    quire_page page = map((struct quire_map){.pages = 4, .rights = READ_WRITE, .allowed = READ_WRITE});
    CHECK(page == user(0x4000) && bytes_of(page)[5] == 0 && kind == QUIRE_SHARED_ZERO);
    bytes_of(page)[5] = 9;
    CHECK(kind == QUIRE_ZERO_FILLED);
    CHECK(resolve((page + 4) << 12, 0) == QUIRE_NOT_MAPPED);
    OK(quire_space_protect(active, page, 1, QUIRE_READ));
    CHECK(resolve(page << 12, 1) == QUIRE_DENIED);
    OK(quire_space_protect(active, page, 1, 0));
    CHECK(resolve(page << 12, 0) == QUIRE_DENIED);
    CHECK(quire_space_protect(active, page, 5, QUIRE_READ) == QUIRE_NOT_MAPPED);
    OK(quire_space_protect(active, page, 1, READ_WRITE));
    CHECK(bytes_of(page)[5] == 9);
    test_fork(page);
    OK(quire_space_discard(active, page, 4));
    CHECK(bytes_of(page)[5] == 0);
    OK(quire_space_unmap(active, page, 4));
    struct quire_space_counts counts = quire_space_statistics(active);
    CHECK(counts.resident == 0 && counts.allocated == 0 && counts.faults[QUIRE_COPIED] == 1);

    uintptr_t brk = user(0x1000) << 12;
    quire_space_start_break(active, brk);
    OK(quire_space_set_break(active, brk + 0x1001));
    *(volatile char *)(brk + 0x1000) = 1;
    CHECK(quire_space_set_break(active, brk - 1) == QUIRE_BAD_ARGUMENT);
    CHECK(quire_space_break(active) == brk + 0x1001);
    OK(quire_space_set_break(active, brk));
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
static void object_end(void *context) {
    (void)context;
    object_gone = 1;
}

static void audit(int space_is_active) {
    quire_page tally;
    const size_t count = 1 << 16;
    OK(quire_kernel_acquire(count * sizeof(uint32_t) >> 12, 1, 0, &tally));
    quire_audit_begin((uint32_t *)(tally << 12), count);
    if (space_is_active) {
        quire_audit_space(active);
        for (int i = 0; i < 2; i++) quire_audit_own(object_frames[i]);
    }
    quire_audit_end();
    quire_kernel_release(tally);
}

static void test_objects(void) {
    static struct quire_object object;
    static const struct quire_object_functions functions = {object_page, object_end};
    for (int i = 0; i < 2; i++) {
        OK(quire_frame_take(&object_frames[i]));
        void *window = quire_port_open_window(object_frames[i]);
        __builtin_memset(window, i + 1, 4096);
        quire_port_close_window(window);
    }
    quire_object_init(&object, &functions, object_frames);
    quire_object_retain(&object);
    struct quire_map shown = {.pages = 3,
                              .placement = QUIRE_FIXED,
                              .at = user(0x8000),
                              .rights = READ_WRITE,
                              .allowed = READ_WRITE,
                              .shared = true,
                              .object = &object};
    quire_page page = map(shown);
    CHECK(bytes_of(page)[4096] == 2);
    bytes_of(page)[0] = 4;
    shown.at = user(0xC000);
    shown.shared = false;
    shown.placement = QUIRE_PREFERRED;
    page = map(shown);
    CHECK(page == user(0xC000) && bytes_of(page)[0] == 4 && kind == QUIRE_OBJECT_PAGE);
    bytes_of(page)[0] = 5;
    CHECK(kind == QUIRE_COPIED && bytes_of(user(0x8000))[0] == 4);
    CHECK(resolve((page + 2) << 12, 0) == QUIRE_BEYOND_END);
    shown.placement = QUIRE_FIXED_IF_FREE;
    CHECK(quire_space_map(active, &shown, NULL) == QUIRE_ALREADY_MAPPED);
    audit(1);
    quire_space_close(active);
    CHECK(!object_gone);
    quire_object_release(&object);
    CHECK(object_gone);
    for (int i = 0; i < 2; i++) quire_frame_drop(object_frames[i]);
}

static void test_spaces(void) {
    const quire_frame boot = quire_port_active_directory();
    const size_t free = quire_frame_statistics().free;
    quire_space_init(&parent, user(0x4000));
    OK(quire_space_create(&parent));
    quire_space_activate(&parent);
    OK(quire_space_open(&parent));
    test_refusals();
    test_private_memory();
    test_objects();
    quire_port_activate(boot);
    quire_space_destroy(&parent);
    CHECK(quire_frame_statistics().free == free);
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

static void test_heap(void) {
    static struct quire_heap heap;
    static unsigned calls;
    struct quire_span_source source = {acquire, release, &calls};
    quire_heap_init(&heap, &source, quire_port_layout.kernel.first, quire_port_layout.kernel.end);
    uint8_t *block = quire_heap_allocate(&heap, 24, 16);
    block[0] = 1;
    CHECK(quire_heap_usable_size(&heap, block) >= 24);
    block = quire_heap_reallocate(&heap, block, 3000);
    CHECK(block[0] == 1 && calls > 0);
    quire_heap_check(&heap);
    struct quire_heap_class first;
    CHECK(quire_heap_statistics(&heap, &first, 1).allocations == 2 && first.block_bytes >= 8);
    quire_heap_free(&heap, block);
    block = quire_heap_allocate_zeroed(&heap, 100);
    CHECK(block[99] == 0);
    quire_heap_free_sized(&heap, block, 100, 0);
    quire_heap_trim(&heap);
    CHECK(quire_heap_statistics(&heap, NULL, 0).slab_pages == 0);
}

/* Every frame is taken: errors, not defects, and the books still balance. */
static void test_no_memory(void) {
    static quire_frame taken[1 << 14];
    size_t count = 0;
    quire_page page;
    audit(0);
    while (count < 1 << 14 && quire_frame_take(&taken[count]) == QUIRE_OK) count++;
    quire_space_init(&parent, user(0));
    CHECK(quire_space_create(&parent) == QUIRE_NO_FRAMES && quire_space_directory(&parent) == 0);
    CHECK(quire_kernel_acquire(1, 1, 0, &page) == QUIRE_NO_FRAMES);
    CHECK(quire_malloc(1 << 16) == NULL);
    CHECK(quire_check_port() == QUIRE_NO_FRAMES);
    while (count > 0) quire_frame_drop(taken[--count]);
    audit(0);
}

void test_every_function(struct test_machine machine) {
    test_boot(&machine);
    test_frames();
    test_kernel_memory();
    test_spaces();
    test_heap();
    test_no_memory();
    CHECK(quire_error_name(QUIRE_OK)[0] == 'o' && quire_error_name(QUIRE_IO)[0] == 'i');
}
