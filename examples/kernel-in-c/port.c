/* What quire/quire.h asks of a machine, for 32-bit x86: the whole port. */
#include <quire/quire.h>

#include "kernel.h"

/* Where things lie, in pages:
 *
 *   0x0000'0000  the kernel itself, 4 MiB, as in physical memory; the same in every space
 *   0x0040'0000  programs
 *   0xC000'0000  windows onto frames: the first pages of one table
 *   0xC040'0000  kernel memory
 *   0xFEC0'0000  the list of kernel memory
 *   0xFF80'0000  the list of the active space
 *   0xFFC0'0000  the tables of the active space: its directory is its own last table */
const struct quire_layout quire_port_layout = {
    .user = {0x00400, 0xC0000},
    .list = {0xFF800, 0xFFC00},
    .kernel = {0xC0400, 0xFEC00},
    .nodes = {0xFEC00, 0xFF000},
};
enum { FIRST_KERNEL_TABLE = 768, LIST_TABLE = 1022, RECURSIVE = 1023, TABLES = 1024 };

/* Bits of an entry. The last is one of the three that are ours: the entry holds a frame, though it may not be present. */
enum { PRESENT = 1, WRITABLE = 2, FOR_USER = 4, ACCESSED = 32, DIRTY = 64, OCCUPIED = 512 };

/* The recursive entry: the directory is its own last table, so all tables lie in the last 4 MiB, and the directory in the last page. */
static quire_entry *const entries = (quire_entry *)0xFFC00000;
static quire_entry *const directory = (quire_entry *)0xFFFFF000;

static void invalidate(const void *address) {
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* The window of a table in the last 4 MiB shows something else after its directory entry has changed. */
static void forget_table_window(quire_page page) {
    invalidate(entries + page / TABLES * TABLES);
}

quire_entry quire_port_make_entry(quire_frame frame, uint8_t rights) {
    quire_entry entry = frame << 12 | OCCUPIED;
    if (rights & QUIRE_READ) entry |= PRESENT;
    if (rights & QUIRE_WRITE) entry |= WRITABLE;
    if (rights & QUIRE_USER) entry |= FOR_USER;
    return entry;
}

struct quire_entry_view quire_port_read_entry(quire_entry entry) {
    struct quire_entry_view view = {.frame = entry >> 12,
                                    .occupied = entry & OCCUPIED,
                                    .present = entry & PRESENT,
                                    .accessed = entry & ACCESSED,
                                    .dirty = entry & DIRTY};
    if (entry & FOR_USER) view.rights |= QUIRE_USER;
    if (entry & PRESENT) view.rights |= QUIRE_READ | (entry & WRITABLE ? QUIRE_WRITE : 0);
    return view;
}

/* Directory entries grant everything that their side may have; the policy is in the tables. */
static quire_entry table_entry(quire_page page, quire_frame table) {
    uint8_t user = page >= quire_port_layout.user.first && page < quire_port_layout.user.end ? QUIRE_USER : 0;
    return quire_port_make_entry(table, QUIRE_READ | QUIRE_WRITE | user);
}

bool quire_port_has_table(quire_page page) {
    return directory[page / TABLES] & PRESENT;
}

quire_entry *quire_port_slot(quire_page page) {
    return entries + page;
}

void quire_port_link_table(quire_page page, quire_frame table) {
    directory[page / TABLES] = table_entry(page, table);
    forget_table_window(page);
}

void quire_port_link_table_in(quire_frame other, quire_page page, quire_frame table) {
    quire_entry *window = quire_port_open_window(other);
    window[page / TABLES] = table_entry(page, table);
    quire_port_close_window(window);
}

quire_frame quire_port_table_frame(quire_page page) {
    return directory[page / TABLES] >> 12;
}

quire_frame quire_port_unlink_table(quire_page page) {
    quire_frame table = quire_port_table_frame(page);
    directory[page / TABLES] = 0;
    forget_table_window(page);
    return table;
}

void quire_port_make_directory(quire_frame frame, quire_frame list_table) {
    quire_entry *window = quire_port_open_window(list_table);
    memset(window, 0, 4096);
    quire_port_close_window(window);
    window = quire_port_open_window(frame);
    memset(window, 0, 4096);
    window[0] = directory[0]; /* this kernel lies in the first 4 MiB */
    for (int table = FIRST_KERNEL_TABLE; table < LIST_TABLE; table++) window[table] = directory[table];
    window[LIST_TABLE] = table_entry(LIST_TABLE * TABLES, list_table);
    window[RECURSIVE] = table_entry(RECURSIVE * TABLES, frame);
    quire_port_close_window(window);
}

quire_frame quire_port_active_directory(void) {
    quire_entry cr3;
    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    return cr3 >> 12;
}

void quire_port_activate(quire_frame frame) {
    __asm__ volatile("mov %0, %%cr3" : : "r"(frame << 12) : "memory");
}

void quire_port_flush(quire_page page) {
    invalidate((void *)(page << 12));
}

void quire_port_flush_user(void) {
    quire_port_activate(quire_port_active_directory());
}

/* Windows are a stack of pages; the table for them is linked at boot. */
static unsigned windows;

void *quire_port_open_window(quire_frame frame) {
    quire_page page = FIRST_KERNEL_TABLE * TABLES + windows++;
    *quire_port_slot(page) = quire_port_make_entry(frame, QUIRE_READ | QUIRE_WRITE);
    quire_port_flush(page);
    return (void *)(page << 12);
}

void quire_port_close_window(void *window) {
    (void)window;
    windows--;
}

/* One processor, and nothing that interrupts it uses the library: nobody to keep out. But who waits for himself has made
 * a mistake. With interrupts: switch them off here, and remember in lock->saved what they were. */
void quire_port_lock(struct quire_lock *lock) {
    if (lock->word++ != 0) quire_port_defect("a lock was taken twice", __FILE__, __LINE__);
}

void quire_port_unlock(struct quire_lock *lock) {
    lock->word--;
}

unsigned quire_port_processor(void) {
    return 0;
}

void quire_port_defect(const char *what, const char *file, unsigned line) {
    print("defect: %s (%s:%u)\n", what, file, line);
    power_off(1);
}
