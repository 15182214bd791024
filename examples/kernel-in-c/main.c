/* A kernel in C whose memory is Quire's: it makes a space, puts a heap into it, and prints malloc(24). No page of that heap has a frame
 * until it is touched. */
#include <quire/quire.h>

#include "kernel.h"
#include "quire_layout.h"

extern uint8_t boot_directory[], boot_list_table[], zero_page[], image_end[];

static struct quire_space space;
static struct quire_heap heap;
static volatile unsigned faults; /* counted behind the back of what runs */

static quire_frame frame_of(const void *identity_mapped) {
    return (uintptr_t)identity_mapped >> 12;
}

static void must(enum quire_error error, const char *what) {
    if (error == QUIRE_OK) return;
    print("%s: %s\n", what, quire_error_name(error));
    power_off(1);
}

/* A page fault in user space is the library's: it knows what is allocated there. Anything else is a mistake of ours. */
void handle_exception(unsigned number, unsigned error, uintptr_t address, uintptr_t instruction) {
    enum quire_access access = error & 2 ? QUIRE_ACCESS_WRITE : QUIRE_ACCESS_READ;
    if (number == 14 && quire_space_fault(&space, address, access, NULL) == QUIRE_OK) {
        faults++;
        return;
    }
    print("exception %u, error %x, address %x, instruction %x\n", number, error, address, instruction);
    power_off(1);
}

/* The heap's pages: addresses only. Frames come with the first touch and go with the addresses. */
static void *acquire(void *context, size_t pages, size_t alignment) {
    struct quire_map request = {.pages = pages + alignment - 1, .rights = QUIRE_READ | QUIRE_WRITE, .allowed = QUIRE_READ | QUIRE_WRITE};
    quire_page first;
    if (quire_space_map(context, &request, &first) != QUIRE_OK) return NULL;
    return (void *)((first + alignment - 1) / alignment * alignment << 12);
}

static void release(void *context, void *first, size_t pages) {
    must(quire_space_unmap(context, (uintptr_t)first >> 12, pages), "release");
}

/* Multiboot's memory map: entries of {size, start, bytes, type}; type 1 is memory. */
struct __attribute__((packed)) memory_entry {
    uint32_t size;
    uint64_t start, bytes;
    uint32_t type;
};

static void start_frames(const uint32_t *info) {
    static struct quire_boot_map map;
    quire_boot_map_init(&map);
    for (uintptr_t at = info[12]; at < info[12] + info[11];) {
        const struct memory_entry *entry = (const void *)at;
        if (entry->type == 1) must(quire_boot_map_usable(&map, entry->start, entry->bytes), "memory map");
        at += entry->size + 4;
    }
    quire_frame end = quire_boot_map_end(&map, 1 << 20);
    size_t metadata = quire_metadata_bytes(end); /* behind the kernel, within the first 4 MiB */
    must(quire_boot_map_reserve(&map, 0, (uintptr_t)image_end + metadata), "memory map");

    quire_start(&(struct quire_boot){end, image_end, frame_of(boot_directory), frame_of(boot_list_table), frame_of(zero_page)});
    static struct quire_frame_range ranges[256];
    size_t count = 0;
    must(quire_boot_map_ranges(&map, end, ranges, 256, &count), "memory map");
    for (size_t i = 0; i < count; i++) quire_add_frames(ranges[i].first, ranges[i].end);
    must(quire_open_kernel(), "kernel space");
}

static void audit(void) {
    static uint32_t tally[1 << 16]; /* 256 MiB */
    quire_audit_begin(tally);
    quire_audit_space(&space);
    quire_audit_end();
    print("audit ok\n");
}

void main(const uint32_t *multiboot) {
    init_exceptions();
    start_frames(multiboot);
    size_t free = quire_frame_statistics().free;

    quire_space_init(&space, 0x40000);
    must(quire_space_create(&space), "create");
    quire_space_activate(&space);
    must(quire_space_open(&space), "open");
    quire_heap_init(&heap, &(struct quire_span_source){acquire, release, &space}, QUIRE_USER_FIRST, QUIRE_USER_END);

    char *block = quire_heap_allocate(&heap, 24, 16);
    print("malloc(24) = 0x%x after %u faults\n", (unsigned)(uintptr_t)block, faults);
    unsigned before = faults;
    for (int i = 0; i < 24; i++) block[i] = "demand paging, in 24 B.\0"[i];
    print("%s: %u more\n", block, faults - before);

    char *large = quire_heap_allocate(&heap, 1 << 20, 16);
    before = faults;
    for (int i = 0; i < 10; i++) large[i * 4096] = 1;
    print("1 MiB, 10 pages touched: %u faults\n", faults - before);
    print("resident: %u pages of %u\n", (unsigned)quire_space_statistics(&space).resident, (unsigned)quire_space_statistics(&space).allocated);
    audit();

    quire_heap_free(&heap, large);
    quire_heap_free(&heap, block);
    quire_space_close(&space);
    quire_port_activate(frame_of(boot_directory));
    quire_space_destroy(&space);
    print("all frames are back: %s\n", quire_frame_statistics().free == free ? "yes" : "no");

    char *kernel_block = quire_malloc(24);
    print("quire_malloc(24) = 0x%x\n", (unsigned)(uintptr_t)kernel_block);
    quire_free(kernel_block);
    power_off(0);
}
