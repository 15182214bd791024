/* A kernel in C whose memory is Quire's: it makes a space, puts a heap into it, and prints malloc(24). No page of that
 * heap has a frame until it is touched. */
#include <quire/quire.h>

#include "kernel.h"

extern uint8_t boot_directory[], boot_list_table[], zero_page[], image_end[]; /* boot.S, kernel.ld */

enum { READ_WRITE = QUIRE_READ | QUIRE_WRITE };
enum { HEAP_FIRST = 0x40000, HEAP_END = 0x60000 }; /* pages: 512 MiB from 1 GiB on */

static struct quire_space space;
static struct quire_heap heap;
static volatile unsigned faults; /* counted behind the back of what runs */
static quire_frame end_of_memory;

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
    struct quire_map request = {.pages = pages + alignment - 1, .rights = READ_WRITE, .allowed = READ_WRITE};
    quire_page got;
    if (quire_space_map(context, &request, &got) != QUIRE_OK) return NULL;
    quire_page first = (got + alignment - 1) / alignment * alignment;
    /* What lies before and behind the aligned part goes back. */
    if (first != got) must(quire_space_unmap(context, got, first - got), "acquire");
    size_t behind = got + request.pages - (first + pages);
    if (behind != 0) must(quire_space_unmap(context, first + pages, behind), "acquire");
    return (void *)(first << 12);
}

static void release(void *context, void *first, size_t pages) {
    must(quire_space_unmap(context, (uintptr_t)first >> 12, pages), "release");
}

/* Multiboot: flags in word 0 (bit 6: there is a memory map), the map's bytes and address in words 11 and 12. Its entries
 * are {size, start, bytes, type}, where type 1 is memory, and `size` does not count itself. */
struct __attribute__((packed)) memory_entry {
    uint32_t size;
    uint64_t start, bytes;
    uint32_t type;
};

static void start_frames(const uint32_t *info) {
    static struct quire_boot_map map;
    if (!(info[0] & 1 << 6)) must(QUIRE_BAD_ARGUMENT, "no memory map");
    quire_boot_map_init(&map);
    for (uintptr_t at = info[12]; at < info[12] + info[11];) {
        const struct memory_entry *entry = (const void *)at;
        enum quire_error error = entry->type == 1 ? quire_boot_map_usable(&map, entry->start, entry->bytes)
                                                  : quire_boot_map_reserve(&map, entry->start, entry->bytes);
        must(error, "memory map");
        at += entry->size + 4;
    }
    /* At most 1 GiB, so that the metadata fits in behind the kernel, within the first 4 MiB. */
    quire_frame end = end_of_memory = quire_boot_map_end(&map, 1 << 18);
    size_t metadata = quire_metadata_bytes(end);
    must(quire_boot_map_reserve(&map, 0, (uintptr_t)image_end + metadata), "memory map");

    quire_start(&(struct quire_boot_info){.end = end,
                                          .metadata = image_end,
                                          .directory = frame_of(boot_directory),
                                          .list_table = frame_of(boot_list_table),
                                          .zero_frame = frame_of(zero_page)});
    static struct quire_frame_range ranges[256];
    size_t count = 0;
    must(quire_boot_map_ranges(&map, end, ranges, 256, &count), "memory map");
    for (size_t i = 0; i < count; i++) quire_add_frames(ranges[i].first, ranges[i].end);
    must(quire_open_kernel(), "kernel space");
    must(quire_check_port(), "port");
}

/* Counts who owns each frame. The counters come from kernel memory. */
static void audit(int space_is_active) {
    size_t pages = end_of_memory / 1024 + 1;
    quire_page tally;
    must(quire_kernel_acquire(pages, 1, 0, &tally), "audit");
    quire_audit_begin((uint32_t *)(tally << 12), pages * 1024);
    if (space_is_active) quire_audit_space(&space);
    quire_audit_end();
    quire_kernel_release(tally);
    print("audit ok\n");
}

static unsigned frames_used(void) {
    struct quire_frame_counts now = quire_frame_statistics();
    return now.managed - now.free;
}

/* How many faults and frames something has cost. */
static struct {
    unsigned faults, frames;
} start;
static void count(void) {
    start.faults = faults;
    start.frames = frames_used();
}
static void report(const char *what) {
    print("%s: %u faults, %u frames\n", what, faults - start.faults, frames_used() - start.frames);
}

void main(const uint32_t *multiboot) {
    init_exceptions();
    start_frames(multiboot);
    audit(0);
    unsigned before = frames_used();

    quire_space_init(&space, HEAP_FIRST);
    must(quire_space_create(&space), "create");
    quire_space_activate(&space);
    must(quire_space_open(&space), "open");
    quire_heap_init(&heap, &(struct quire_span_source){acquire, release, &space}, HEAP_FIRST, HEAP_END);

    count();
    char *block = quire_heap_allocate(&heap, 24, 16);
    print("malloc(24) = 0x%x\n", (unsigned)(uintptr_t)block);
    report("the heap's own books, and a page of blocks");
    count();
    for (int i = 0; i < 24; i++) block[i] = "24 bytes beside others.\0"[i];
    report(block);

    char *large = quire_heap_allocate(&heap, 1 << 20, 16);
    count();
    for (int i = 0; i < 10; i++) large[i * 4096] = 1;
    report("10 pages of 1 MiB");
    struct quire_space_counts now = quire_space_statistics(&space);
    print("%u pages of %u have a frame\n", (unsigned)now.resident, (unsigned)now.allocated);
    audit(1);

    quire_heap_free(&heap, large);
    quire_heap_free(&heap, block);
    quire_heap_check(&heap);
    quire_space_close(&space);
    quire_port_activate(frame_of(boot_directory));
    quire_space_destroy(&space);
    print("frames that did not come back: %u\n", frames_used() - before);

    char *kernel_block = quire_malloc(24);
    print("quire_malloc(24) = 0x%x\n", (unsigned)(uintptr_t)kernel_block);
    quire_free(kernel_block);
    audit(0);
    power_off(0);
}
