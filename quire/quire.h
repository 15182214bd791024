#pragma once
/* Quire for kernels in C (or Rust, Zig: whatever calls C). Three parts:
 *
 *   1. quire_layout.h     your header on the include path: where things lie in your address space (below)
 *   2. quire_port_*()     21 small functions that you write: what your machine can do
 *   3. quire_*()          what you get: frames, kernel memory, heap, spaces, faults
 *
 * docs/porting.md goes through all of it. Link ports/c (CMake: quire::c); C++ kernels use the classes directly.
 *
 * Units: a page is 4 KiB of addresses, a frame is 4 KiB of memory; both are counted from 0 and named by number. Nothing here takes
 * memory that you did not give it. Errors are results; a broken rule (a double free, a lock not held) is a defect and ends in
 * quire_port_defect(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint32_t quire_frame;  /* number of a frame: physical address / 4096 */
typedef uintptr_t quire_page;  /* number of a page: virtual address / 4096 */
typedef uintptr_t quire_entry; /* a page-table entry, as your processor wants it; 0 is empty */

/* -- 1. The layout -------------------------------------------------------------------------------------------------------------
 *
 * quire_layout.h defines page numbers. Every range begins and ends at a multiple of QUIRE_PAGES_PER_TABLE, but the list window's end.
 *
 *   QUIRE_PAGES_PER_TABLE                          entries of one table: 1024 (i386), 512 (x86-64, AArch64, RISC-V)
 *   QUIRE_USER_FIRST,    QUIRE_USER_END            what programs may use; never page 0
 *   QUIRE_LIST_FIRST,    QUIRE_LIST_END            kernel pages with other frames in each space: a space's list of ranges. 128 ranges
 *                                                  take a page (102 on 64-bit machines). One table, made with the directory
 *   QUIRE_KERNEL_FIRST,  QUIRE_KERNEL_END          kernel memory: spans, stacks, the heap. The same in every space
 *   QUIRE_NODES_FIRST,   QUIRE_NODES_END           the list of kernel ranges. The same in every space */

/* -- 2. The port: you write these -----------------------------------------------------------------------------------------------
 *
 * "Active" is the space whose directory the processor uses. No function may sleep or fault. */

enum { QUIRE_READ = 1, QUIRE_WRITE = 2, QUIRE_EXECUTE = 4, QUIRE_USER = 8 };

/* What an entry says. */
struct quire_entry_view {
    quire_frame frame;
    uint8_t rights; /* QUIRE_READ … as the processor sees them; 0 if it faults on the page */
    bool occupied;  /* there is a frame, even if the processor faults on it */
    bool accessed;
    bool dirty;
};

/* An entry for a frame. Without QUIRE_READ it must keep the frame but not be present: on i386 a bit that software may use says so.
 * Wrong: pages without rights lose their contents, or can be read. */
quire_entry quire_port_make_entry(quire_frame frame, uint8_t rights);
struct quire_entry_view quire_port_read_entry(quire_entry entry);

/* Whether the page has a table in the active space. */
bool quire_port_has_table(quire_page page);
/* Where the page's entry lies, in the active space; it has a table. The library reads and exchanges it atomically. The entry of the
 * next page of the same table lies behind it. */
quire_entry* quire_port_slot(quire_page page);
/* Makes `table`, full of zeroes, the table of the page in the active space, with the widest rights for its side (user pages: user,
 * write), and forgets what the processor cached of the table's own window if you have one (recursive mapping).
 * Wrong: the first access to a new table shows an old one. */
void quire_port_link_table(quire_page page, quire_frame table);
/* The same in a directory that is not active, for a kernel page or a user page. Wrong: kernel memory is missing in other spaces, and the
 * kernel faults in its fault handler. */
void quire_port_link_table_in(quire_frame directory, quire_page page, quire_frame table);
quire_frame quire_port_table_frame(quire_page page);
/* Takes the table out of the active space and returns it. No processor walks through it afterwards: flush what caches tables. */
quire_frame quire_port_unlink_table(quire_page page);
/* Fills two frames: a directory with the kernel's half (all that is not user or list window) as in the active one, its own recursive
 * entry if you have that, and `list_table`, zeroed, as the table of the list window. Wrong: a new space sees another's tables. */
void quire_port_make_directory(quire_frame directory, quire_frame list_table);
quire_frame quire_port_active_directory(void);
/* Switches; forgets everything cached of user pages and the list window. */
void quire_port_activate(quire_frame directory);

/* Forgets one page, user or kernel; all user pages. On every processor where the space is active, before they return. Wrong: programs
 * go on using memory that belongs to somebody else by now. */
void quire_port_flush(quire_page page);
void quire_port_flush_user(void);

/* Shows a frame somewhere in kernel memory until it is closed. Up to four at a time, closed in reverse order. */
void* quire_port_open_window(quire_frame frame);
void quire_port_close_window(void* window);

/* Zeroed when it is made. Interrupts that use the library too must be held off. One processor: switch interrupts off, and count. */
struct quire_lock {
    uintptr_t word;
};
void quire_port_lock(struct quire_lock* lock);
void quire_port_unlock(struct quire_lock* lock);
/* The number of this processor, from 0. */
unsigned quire_port_processor(void);

/* A rule is broken. Says so and does not return. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void quire_port_defect(const char* what, const char* file, unsigned line);

/* -- 3. The library -------------------------------------------------------------------------------------------------------------- */

enum quire_error {
    QUIRE_OK = 0,
    QUIRE_NO_FRAMES,      /* physical memory is exhausted */
    QUIRE_NO_ADDRESSES,   /* no gap of the address space is large enough */
    QUIRE_LIST_FULL,      /* the list window, or a boot map, has no room left */
    QUIRE_NOT_MAPPED,     /* the range is, in part, not allocated */
    QUIRE_BAD_ARGUMENT,   /* empty, misaligned, outside user space */
    QUIRE_ALREADY_MAPPED, /* the range is, in part, allocated and must not be replaced */
    QUIRE_DENIED,         /* the region does not grant this */
    QUIRE_BEYOND_END,     /* the object has no such page */
    QUIRE_IO              /* the object could not supply the page */
};
/* "no frames", … */
const char* quire_error_name(enum quire_error error);

/* Boot memory maps: overlapping, unsorted, unaligned, beyond 4 GiB. What is reserved wins, whatever the order. */
struct quire_boot_map {
    uint64_t room[520];
};
struct quire_frame_range {
    quire_frame first;
    quire_frame end; /* not in it */
};
void quire_boot_map_init(struct quire_boot_map* map);
enum quire_error quire_boot_map_usable(struct quire_boot_map* map, uint64_t start, uint64_t bytes);
enum quire_error quire_boot_map_reserve(struct quire_boot_map* map, uint64_t start, uint64_t bytes);
/* One more than the last frame of memory below `limit`: what quire_start() needs as `end`. */
quire_frame quire_boot_map_end(const struct quire_boot_map* map, quire_frame limit);
/* The usable frames below `limit`, ascending, at most `room` ranges; list_full if there are more. */
enum quire_error quire_boot_map_ranges(const struct quire_boot_map* map, quire_frame limit,
                                       struct quire_frame_range* out, size_t room, size_t* count);

/* Start: once, in this order: quire_start(), quire_add_frames() for each range, quire_open_kernel(). */
struct quire_boot {
    quire_frame end;       /* one more than the last frame there will ever be */
    void* metadata;        /* quire_metadata_bytes(end) bytes, aligned to 4, that stay where they are */
    quire_frame directory; /* the active directory and its list table: yours, never given to quire_add_frames() */
    quire_frame list_table;
    quire_frame zero_frame; /* full of zeroes, yours too: what programs read before they write */
};
size_t quire_metadata_bytes(quire_frame end);
void quire_start(const struct quire_boot* boot);
void quire_add_frames(quire_frame first, quire_frame end);
enum quire_error quire_open_kernel(void);

/* Frames. Each has a count of shares; the last drop frees it. Frames that were never added are not counted. */
struct quire_frame_statistics {
    size_t managed, free, reserved;
};
enum quire_error quire_frame_take(quire_frame* frame);
enum quire_error quire_frame_take_run(size_t count, size_t alignment, quire_frame limit, quire_frame* first);
void quire_frame_share(quire_frame frame);
void quire_frame_drop(quire_frame frame);
uint32_t quire_frame_shares(quire_frame frame);
struct quire_frame_statistics quire_frame_statistics(void);

/* Kernel pages that can be used at once; `guard` pages before them are never mapped. Released by the first page. */
enum quire_error quire_kernel_acquire(size_t pages, size_t alignment, size_t guard, quire_page* first);
void quire_kernel_release(quire_page first);
bool quire_kernel_is_guard(quire_page page);

/* The kernel's heap, on kernel pages. nullptr if there is no memory. Freeing what is not a taken block is a defect. */
void* quire_malloc(size_t bytes);
void* quire_aligned_malloc(size_t bytes, size_t alignment);
void* quire_realloc(void* block, size_t bytes);
void quire_free(void* block);
size_t quire_usable_size(const void* block);

/* A heap of your own, on pages from wherever you like. */
struct quire_span_source {
    void* (*acquire)(void* context, size_t pages, size_t alignment); /* in pages, a power of two; NULL: none */
    void (*release)(void* context, void* first, size_t pages);
    void* context;
};
struct quire_heap {
    uint64_t room[1024];
};
/* All spans of the source lie within [first, end). `source` is copied. */
void quire_heap_init(struct quire_heap* heap, const struct quire_span_source* source, quire_page first, quire_page end);
void* quire_heap_allocate(struct quire_heap* heap, size_t bytes, size_t alignment);
void* quire_heap_reallocate(struct quire_heap* heap, void* block, size_t bytes);
void quire_heap_free(struct quire_heap* heap, void* block);
void quire_heap_check(const struct quire_heap* heap);

/* Memory that backs regions: files, devices. */
struct quire_object_functions {
    /* The frame of a page, with one share taken for the caller (quire_frame_share). beyond_end, no_frames, io. */
    enum quire_error (*page)(void* context, uintptr_t index, quire_frame* frame);
    const char* (*name)(void* context);
    void (*last_reference_gone)(void* context);
};
struct quire_object {
    uint64_t room[8];
};
void quire_object_init(struct quire_object* object, const struct quire_object_functions* functions, void* context);
void quire_object_retain(struct quire_object* object);
void quire_object_release(struct quire_object* object);

/* Spaces: create, activate, open; map, fault, … ; close; activate another; destroy. All but init, create and destroy act on the
 * active space, under the owner's lock. */
enum quire_placement { QUIRE_ANYWHERE, QUIRE_PREFERRED, QUIRE_FIXED, QUIRE_FIXED_IF_FREE };
enum quire_access { QUIRE_ACCESS_READ, QUIRE_ACCESS_WRITE, QUIRE_ACCESS_EXECUTE };
enum quire_fault {
    QUIRE_ZERO_FILLED,
    QUIRE_SHARED_ZERO,
    QUIRE_OBJECT_PAGE,
    QUIRE_COPIED,
    QUIRE_REUSED,
    QUIRE_SPURIOUS
};
struct quire_space {
    uint64_t room[40];
};
struct quire_map {
    size_t pages;
    enum quire_placement placement;
    quire_page at;               /* for all placements but anywhere */
    uint8_t rights;              /* what is granted now */
    uint8_t allowed;             /* what quire_space_protect() may grant at most */
    bool shared;                 /* writes go to the object */
    struct quire_object* object; /* NULL: zeroes */
    uintptr_t object_page;
};
struct quire_space_statistics {
    size_t resident, allocated; /* pages */
    uint64_t faults[6];         /* by enum quire_fault */
};
/* Mappings that may lie anywhere are placed from `mapping_base` upwards. */
void quire_space_init(struct quire_space* space, quire_page mapping_base);
enum quire_error quire_space_create(struct quire_space* space);
void quire_space_activate(struct quire_space* space);
enum quire_error quire_space_open(struct quire_space* space);
enum quire_error quire_space_map(struct quire_space* space, const struct quire_map* request, quire_page* first);
enum quire_error quire_space_unmap(struct quire_space* space, quire_page first, size_t pages);
enum quire_error quire_space_protect(struct quire_space* space, quire_page first, size_t pages, uint8_t rights);
enum quire_error quire_space_discard(struct quire_space* space, quire_page first, size_t pages);
void quire_space_start_break(struct quire_space* space, uintptr_t address);
enum quire_error quire_space_set_break(struct quire_space* space, uintptr_t address);
/* What the page-fault handler calls. On OK the program goes on; otherwise it gets its signal. `kind` may be NULL. */
enum quire_error quire_space_fault(struct quire_space* space, uintptr_t address, enum quire_access access,
                                   enum quire_fault* kind);
/* Makes `child`, fresh from quire_space_init(), a copy of the active space. */
enum quire_error quire_space_fork(struct quire_space* space, struct quire_space* child);
struct quire_space_statistics quire_space_statistics(const struct quire_space* space);
void quire_space_close(struct quire_space* space);
void quire_space_destroy(struct quire_space* space);

/* The audit: proves that every frame is owned as often as it is shared; a defect if not. `tally` has room for `end` numbers. */
void quire_audit_begin(uint32_t* tally);
void quire_audit_own(quire_frame frame);                 /* one share is held by you */
void quire_audit_space(const struct quire_space* space); /* while it is active */
void quire_audit_end(void);

#ifdef __cplusplus
}
#endif
