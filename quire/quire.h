#pragma once
/* Quire for kernels in C, or in Rust, Zig and whatever else calls C. C11 and C++.
 *
 *   1. quire_port_*   what you write: what your machine can do, and where things lie in your address space
 *   2. quire_*        what you get: frames, kernel memory, heaps, spaces, page faults
 *
 * docs/porting.md goes through it step by step. CMake: link quire::c. C++ kernels use the classes directly.
 *
 * Units: a page is 4 KiB of addresses, a frame is 4 KiB of memory; both are named by number, from 0. The library takes
 * no memory that you did not give it. What can go wrong comes back as enum quire_error, and then nothing has changed;
 * a broken rule (a frame dropped twice, a space audited that is not active) is a defect and ends in
 * quire_port_defect(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define QUIRE_NORETURN [[noreturn]]
extern "C" {
#else
#define QUIRE_NORETURN _Noreturn
#endif

typedef uint32_t quire_frame;  /* number of a frame: physical address / 4096 */
typedef uintptr_t quire_page;  /* number of a page: virtual address / 4096 */
typedef uintptr_t quire_entry; /* a page-table entry, as your processor wants it; 0 is empty */

/* A set of rights. */
enum { QUIRE_READ = 1, QUIRE_WRITE = 2, QUIRE_EXECUTE = 4, QUIRE_USER = 8 };

/* -- 1. The port: you write this ------------------------------------------------------------------------------------
 *
 * "Active" is the space whose directory this processor uses. No function of the port may sleep, fault, or call the
 * library. After each: what happens if it is wrong. quire_check_port() finds most of it. */

/* How many entries a table has. Other than these: define it for the whole build. */
#ifndef QUIRE_PAGES_PER_TABLE
#if UINTPTR_MAX == 0xFFFFFFFF
#define QUIRE_PAGES_PER_TABLE 1024 /* i386 without PAE */
#else
#define QUIRE_PAGES_PER_TABLE 512 /* x86-64, AArch64, RISC-V */
#endif
#endif

struct quire_page_range {
    quire_page first;
    quire_page end; /* not in it */
};

/* Where things lie. No table may serve two of these ranges, nor anything else of yours but below `user`.
 * quire_start() checks it. */
struct quire_layout {
    /* What programs may use; never page 0. */
    struct quire_page_range user;
    /* Kernel pages, other frames in each space: the space's list of regions. Within one table, which is made with the
     * directory. A page holds 128 regions (64-bit: 85). */
    struct quire_page_range list;
    /* Kernel memory: spans, stacks, the heap. The same in every space. At most 2 GiB (64-bit: 1 GiB). */
    struct quire_page_range kernel;
    /* The list of kernel memory. The same in every space. */
    struct quire_page_range nodes;
};
extern const struct quire_layout quire_port_layout;

/* What an entry says. */
struct quire_entry_view {
    quire_frame frame;
    uint8_t rights; /* QUIRE_READ, … as the processor sees them */
    bool occupied;  /* it holds a frame */
    bool present;   /* the processor translates through it */
    bool accessed;  /* it has done so; always true if the machine takes no note */
    bool dirty;     /* it has written through it; always true if the machine takes no note */
};

/* An entry for a frame. Without QUIRE_READ it keeps its frame but the processor must fault: occupied, not present; on
 * x86 one of the bits left to software says so. A processor without a right to execute ignores QUIRE_EXECUTE.
 * Wrong: pages protected from everything lose their contents, or can be read. QUIRE_USER lost: programs fault for ever.
 * QUIRE_USER always set: programs read kernel memory. */
quire_entry quire_port_make_entry(quire_frame frame, uint8_t rights);
/* The reverse. Wrong: `accessed` false though the processor may know the translation: the library saves the flush, and
 * a program goes on using a frame that belongs to somebody else by now. */
struct quire_entry_view quire_port_read_entry(quire_entry entry);

/* Whether the page has a table in the active space. Looks at the directory, not at the entry.
 * Wrong: the library touches a table that is not there, and the kernel faults in its fault handler. */
bool quire_port_has_table(quire_page page);
/* Where the page's entry of the active space lies; has_table holds. The library loads, stores and exchanges it
 * atomically; the next page's entry lies behind it in the same table. The pointer is used up before the port is called
 * again for another table. Wrong: everything, at once. */
quire_entry* quire_port_slot(quire_page page);

/* Makes `table`, zeroed already, the table of the page in the active space, with all rights that its side may have
 * (user pages: user and write), since rights are ANDed over the levels; then forgets what the processor cached of the
 * place where quire_port_slot() shows this table, if it has one (recursive mapping).
 * Wrong: no write right: copy-on-write faults for ever. User right on kernel tables: programs read the kernel. Not
 * forgotten: the first write goes into the table that was shown there before, maybe another space's. */
void quire_port_link_table(quire_page page, quire_frame table);
/* The same in a directory that is not active (and for user pages, in one that never was); nothing is cached of it.
 * Wrong: kernel memory made in one space is missing in another, and its next use there faults; forks lose pages. */
void quire_port_link_table_in(quire_frame directory, quire_page page, quire_frame table);
/* The frame of the page's table in the active space; has_table holds. Wrong: the audit finds leaks that are none. */
quire_frame quire_port_table_frame(quire_page page);
/* Takes the page's table out of the active space and returns its frame; forgets where it was shown, as above, and what
 * the processor cached of the directory entry (x86: invlpg of any of its addresses does both). The library keeps the
 * frame until it has flushed the pages. Wrong: the processor walks through a frame that is somebody's data by now. */
quire_frame quire_port_unlink_table(quire_page page);

/* Fills two frames with anything in them. `directory`: no user pages; all that is the kernel's, as in the active one;
 * its own recursive entry, if you have that; `list_table` as the table of the list window. `list_table`: empty.
 * Wrong: garbage left in: a new space sees another's memory. The active one's recursive entry or list copied: it edits
 * another space's tables or list. Kernel entries missing: a triple fault when it is activated. */
void quire_port_make_directory(quire_frame directory, quire_frame list_table);
/* The directory that this processor uses. Wrong: the active space is destroyed; defects "not active". */
quire_frame quire_port_active_directory(void);
/* Uses another; forgets everything cached of user pages, the list window, and where slots are shown. Kernel pages may
 * stay (x86: global pages). Wrong: a program sees the memory of the one before. */
void quire_port_activate(quire_frame directory);

/* Forgets one page of the active space, user or kernel. With several processors: on every one where the space is
 * active (kernel pages: on all), before it returns.
 * Wrong: programs go on using memory that belongs to somebody else by now. The worst of mistakes, and seldom seen. */
void quire_port_flush(quire_page page);
/* The same for all user pages. */
void quire_port_flush_user(void);

/* Shows any frame, readable and writable, until it is closed. Four may be open at a time on each processor, closed in
 * the reverse order. A kernel that shows all memory anyway returns an address.
 * Wrong: two windows in one place, or an old translation left over: one page is overwritten with another. */
void* quire_port_open_window(quire_frame frame);
void quire_port_close_window(void* window);

/* Made by the library, zeroed. What the two words are for is up to you. */
struct quire_lock {
    uintptr_t word;
    uintptr_t saved;
};
/* Keeps out other processors, and whoever interrupts this one and uses the library too. Locks nest, each in another; a
 * lock taken twice is a mistake of whoever does. One processor: switch interrupts off and remember what they were in
 * `saved`. Wrong: lost frames and broken lists, once a day. Interrupts switched on by unlock() though they were off
 * before lock(): the same. */
void quire_port_lock(struct quire_lock* lock);
void quire_port_unlock(struct quire_lock* lock);
/* The number of this processor, from 0. */
unsigned quire_port_processor(void);

/* A rule is broken: say so and stop, whatever that means. Must not return. Wrong: the damage spreads. */
QUIRE_NORETURN void quire_port_defect(const char* what, const char* file, unsigned line);

/* -- 2. The library: you call this -------------------------------------------------------------------------------- */

enum quire_error {
    QUIRE_OK,
    QUIRE_NO_FRAMES,      /* physical memory is exhausted */
    QUIRE_NO_ADDRESSES,   /* no gap of the address space is large enough */
    QUIRE_LIST_FULL,      /* the list window, or a boot map, has no room left */
    QUIRE_NOT_MAPPED,     /* the range is, in part, not allocated */
    QUIRE_BAD_ARGUMENT,   /* empty, misaligned, outside user space, rights that there are not */
    QUIRE_ALREADY_MAPPED, /* the range is, in part, allocated and must not be replaced */
    QUIRE_DENIED,         /* the region does not grant this */
    QUIRE_BEYOND_END,     /* the object has no such page */
    QUIRE_IO              /* the object could not supply the page */
};
/* "no frames", … */
const char* quire_error_name(enum quire_error error);

/* How much memory quire_start() needs for frames [0, end): 4 bytes and 1/8 for each, 4.1 MiB for 4 GiB. */
size_t quire_metadata_bytes(quire_frame end);

/* Which frames there are, from what firmware says: overlapping, unsorted, unaligned, beyond 4 GiB. What is reserved
 * wins, whatever the order of the calls. */
struct quire_boot_map {
    uint64_t room[520];
};
struct quire_frame_range {
    quire_frame first;
    quire_frame end; /* not in it */
};
void quire_boot_map_init(struct quire_boot_map* map);
/* Bytes. list_full beyond 128 statements of a kind. Reserve: your image, boot modules, the metadata, the first MiB. */
enum quire_error quire_boot_map_usable(struct quire_boot_map* map, uint64_t start, uint64_t bytes);
enum quire_error quire_boot_map_reserve(struct quire_boot_map* map, uint64_t start, uint64_t bytes);
/* One more than the last frame of usable memory below `limit`, at most 1 << 20: what quire_start() needs as `end`. */
quire_frame quire_boot_map_end(const struct quire_boot_map* map, quire_frame limit);
/* The usable frames below `limit`, ascending; 256 ranges are always enough. list_full if `room` is not. */
enum quire_error quire_boot_map_ranges(const struct quire_boot_map* map, quire_frame limit,
                                       struct quire_frame_range* out, size_t room, size_t* count);

/* Start, once, by one processor: quire_start(), quire_add_frames() for each range, quire_open_kernel(). The active
 * directory is the one that boot made, with an empty table for the list window and working quire_port_slot(). */
struct quire_boot_info {
    quire_frame end;        /* one more than the last frame there will ever be */
    void* metadata;         /* quire_metadata_bytes(end) bytes, aligned to 4, that stay for ever */
    quire_frame directory;  /* the active directory and its table for the list window: they stay yours, */
    quire_frame list_table; /* and are never given to quire_add_frames() */
    quire_frame zero_frame; /* full of zeroes, yours too: what programs read before they write */
};
void quire_start(const struct quire_boot_info* boot);
/* Free memory, to be handed out from now on: at boot, or a boot module that is not needed any more. */
void quire_add_frames(quire_frame first, quire_frame end);
enum quire_error quire_open_kernel(void);
/* Tries the port: entries, windows, tables, directories, flushes. A defect names the function that is wrong; no_frames
 * if it has too little memory to try (about 20 frames). After quire_open_kernel(). Gives everything back, but what the
 * kernel's heap and tables keep. Call it at every boot, until there is a reason not to. */
enum quire_error quire_check_port(void);

/* Frames. Each has a count of shares; the last drop frees it. Frames that were never added are not counted. */
struct quire_frame_counts {
    size_t managed, free, reserved;
};
/* One frame with one share, contents undefined. */
enum quire_error quire_frame_take(quire_frame* frame);
/* `count` (at most 1024) in a row, the first a multiple of `alignment`, all below `limit`: for devices. */
enum quire_error quire_frame_take_run(size_t count, size_t alignment, quire_frame limit, quire_frame* first);
void quire_frame_share(quire_frame frame);
void quire_frame_drop(quire_frame frame);
/* 0: free. UINT32_MAX: not counted. */
uint32_t quire_frame_shares(quire_frame frame);
struct quire_frame_counts quire_frame_statistics(void);

/* Kernel pages that can be used at once, contents undefined; `guard` pages before them are never mapped. */
enum quire_error quire_kernel_acquire(size_t pages, size_t alignment, size_t guard, quire_page* first);
/* `first` is what acquire gave. */
void quire_kernel_release(quire_page first);
/* For the fault handler: was this the overflow of a stack? */
bool quire_kernel_is_guard(quire_page page);

/* The kernel's heap, on kernel pages. NULL if there is no memory. Aligned to 16. Not for interrupt handlers. Freeing
 * NULL is fine; freeing what is not a taken block is a defect. */
void* quire_malloc(size_t bytes);
void* quire_aligned_malloc(size_t bytes, size_t alignment);
void* quire_zalloc(size_t bytes); /* full of zeroes */
/* Making a block smaller always succeeds; on NULL the old block is as it was. */
void* quire_realloc(void* block, size_t bytes);
/* Freeing never needs memory. */
void quire_free(void* block);
/* The same; a defect if it has another size or alignment (0: none was asked for): the latest that was asked for. */
void quire_free_sized(void* block, size_t bytes, size_t alignment);
size_t quire_usable_size(const void* block);
/* When there is no memory: gives back the slabs that are kept for the next allocation. */
void quire_trim(void);

/* All blocks of one size, and what a heap has in all. */
struct quire_heap_class {
    uint32_t block_bytes;
    uint32_t slabs;
    uint32_t taken, free; /* blocks */
};
struct quire_heap_counts {
    size_t slab_pages, large_pages;
    size_t own_pages; /* what it needs to know about them */
    size_t large_blocks;
    uint64_t allocations, frees; /* since the start */
    size_t classes;
};
/* Fills in the first `room` classes; `classes` may be NULL if that is 0. O(slabs). */
struct quire_heap_counts quire_statistics(struct quire_heap_class* classes, size_t room);

/* A heap of your own, on pages from wherever you like. */
struct quire_span_source {
    /* In pages; the alignment is a power of two. NULL: there are none. Must not use the heap that asks. */
    void* (*acquire)(void* context, size_t pages, size_t alignment);
    /* A whole span, as acquired. */
    void (*release)(void* context, void* first, size_t pages);
    void* context;
};
/* Stays where it is. */
struct quire_heap {
    uint64_t room[2048];
};
/* All spans of the source lie within [first, end): at most 2 GiB (64-bit: 1 GiB). `source` is copied. */
void quire_heap_init(struct quire_heap* heap, const struct quire_span_source* source, quire_page first, quire_page end);
void* quire_heap_allocate(struct quire_heap* heap, size_t bytes, size_t alignment);
void* quire_heap_allocate_zeroed(struct quire_heap* heap, size_t bytes);
void* quire_heap_reallocate(struct quire_heap* heap, void* block, size_t bytes);
void quire_heap_free(struct quire_heap* heap, void* block);
size_t quire_heap_usable_size(const struct quire_heap* heap, const void* block);
void quire_heap_free_sized(struct quire_heap* heap, void* block, size_t bytes, size_t alignment);
void quire_heap_trim(struct quire_heap* heap);
struct quire_heap_counts quire_heap_statistics(const struct quire_heap* heap, struct quire_heap_class* classes,
                                               size_t room);
/* Recounts everything; a defect if it does not agree. */
void quire_heap_check(const struct quire_heap* heap);

/* Memory that backs regions: files, devices. The functions stay where they are as long as the object. */
struct quire_object_functions {
    /* The frame of a page, with one share taken for the caller (quire_frame_share). beyond_end, no_frames, io. */
    enum quire_error (*page)(void* context, uintptr_t index, quire_frame* frame);
    void (*last_reference_gone)(void* context); /* may be NULL */
};
struct quire_object {
    uint64_t room[8];
};
/* Without references; each region that shows it holds one. */
void quire_object_init(struct quire_object* object, const struct quire_object_functions* functions, void* context);
void quire_object_retain(struct quire_object* object);
void quire_object_release(struct quire_object* object);

/* Spaces. Life: init, create, activate, open; map, fault, … ; close; activate another; destroy. For a child: init,
 * fork; activate; map, fault, … All but init, create, destroy, directory and statistics act on the active space. Who
 * acts on a space keeps others out: no two processors change one space at a time. */
enum quire_placement { QUIRE_ANYWHERE, QUIRE_PREFERRED, QUIRE_FIXED, QUIRE_FIXED_IF_FREE };
enum quire_access { QUIRE_ACCESS_READ, QUIRE_ACCESS_WRITE, QUIRE_ACCESS_EXECUTE };
/* How a fault was resolved. */
enum quire_fault {
    QUIRE_ZERO_FILLED, /* a fresh zeroed frame */
    QUIRE_SHARED_ZERO, /* a read of an untouched page: the zero frame */
    QUIRE_OBJECT_PAGE, /* a page of the object itself */
    QUIRE_COPIED,      /* a private copy of a shared frame */
    QUIRE_REUSED,      /* the frame turned out to be this space's alone and was made writable */
    QUIRE_SPURIOUS     /* the entry was right already; the processor had an old one */
};
struct quire_space {
    uint64_t room[40];
};
struct quire_map {
    size_t pages;
    enum quire_placement placement;
    quire_page at;               /* for all placements but anywhere */
    uint8_t rights;              /* what is granted now: 0, or QUIRE_READ with or without WRITE and EXECUTE */
    uint8_t allowed;             /* what quire_space_protect() may grant at most */
    bool shared;                 /* writes go to the object */
    struct quire_object* object; /* NULL: zeroes */
    uintptr_t object_page;       /* the first page of the object to show */
};
struct quire_space_counts {
    size_t resident, allocated; /* pages */
    uint64_t faults[6];         /* by enum quire_fault */
};
/* Mappings that may lie anywhere are placed first fit from `mapping_base` upwards. */
void quire_space_init(struct quire_space* space, quire_page mapping_base);
enum quire_error quire_space_create(struct quire_space* space);
/* 0 before create and after destroy. For your task switch. */
quire_frame quire_space_directory(const struct quire_space* space);
void quire_space_activate(const struct quire_space* space);
enum quire_error quire_space_open(struct quire_space* space);
/* Allocates addresses; no memory yet. `first` may be NULL. */
enum quire_error quire_space_map(struct quire_space* space, const struct quire_map* request, quire_page* first);
/* Holes in the range are no error. */
enum quire_error quire_space_unmap(struct quire_space* space, quire_page first, size_t pages);
enum quire_error quire_space_protect(struct quire_space* space, quire_page first, size_t pages, uint8_t rights);
/* Forgets the contents of private pages: zeroes, or the object's, are read next. */
enum quire_error quire_space_discard(struct quire_space* space, quire_page first, size_t pages);
/* brk: where it begins, once; where it is to be; where it is. In bytes. */
void quire_space_start_break(struct quire_space* space, uintptr_t page_aligned);
enum quire_error quire_space_set_break(struct quire_space* space, uintptr_t address);
uintptr_t quire_space_break(const struct quire_space* space);
/* What the page-fault handler calls, for addresses of user space. OK: the program goes on; no_frames: memory is short;
 * anything else: the program's mistake. `kind` may be NULL. */
enum quire_error quire_space_fault(struct quire_space* space, uintptr_t address, enum quire_access access,
                                   enum quire_fault* kind);
/* Makes `child`, fresh from quire_space_init(), a copy of the active space: they share private pages until one writes. */
enum quire_error quire_space_fork(struct quire_space* space, struct quire_space* child);
struct quire_space_counts quire_space_statistics(const struct quire_space* space);
void quire_space_close(struct quire_space* space);
void quire_space_destroy(struct quire_space* space);

/* The audit: proves that every frame is owned as often as it is shared, and that all lists, tables and counts agree; a
 * defect if not. Begin, own for each share of yours, space for each while it is active, end. Nothing changes meanwhile.
 * `tally` has `count` numbers, at least as many as there are frames (quire_boot_info.end). */
void quire_audit_begin(uint32_t* tally, size_t count);
void quire_audit_own(quire_frame frame);
void quire_audit_space(const struct quire_space* space);
void quire_audit_end(void);

#ifdef __cplusplus
}
#endif
