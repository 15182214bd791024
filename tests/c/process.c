/* The test inside a Linux process on x86-64, with 64-bit entries: RAM is a memory file, and what the processor caches is what mmap
 * shows. A page that is not shown faults (SIGSEGV); the handler walks the tables as a processor would, notes accessed
 * and dirty, and shows the frame, or hands the fault to the library. Nothing but a flush takes a page away again, so a
 * forgotten flush hurts.
 *
 * process NAME: with that mistake in the port (below). quire_check_port() must find it: exit status 3. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "every_function.h"

enum { FRAMES = 4096, TABLES = QUIRE_PAGES_PER_TABLE };
enum { PRESENT = 1, WRITABLE = 2, FOR_USER = 4, ACCESSED = 32, DIRTY = 64, OCCUPIED = 512 };
enum { DIRECTORY = 1, LIST_TABLE, ZERO_FRAME, USED = 256 }; /* frames; those below 1 MiB are never added */

const struct quire_layout quire_port_layout = {
    .user = {0x10000, 0x30000}, .list = {0x30000, 0x30200}, .kernel = {0x30400, 0x38000}, .nodes = {0x38000, 0x38200}};

static int file;
static uint8_t *ram;
static quire_frame directory_frame = DIRECTORY;
static const char *mistake = "";

static int is(const char *name) {
    return strcmp(mistake, name) == 0;
}

void check(int holds, const char *what, int line) {
    if (holds) return;
    fprintf(stderr, "line %d: %s\n", line, what);
    exit(1);
}

static quire_entry *words(quire_frame frame) {
    return (quire_entry *)(ram + ((size_t)frame << 12));
}
static quire_entry *directory(void) {
    return words(directory_frame);
}

quire_entry quire_port_make_entry(quire_frame frame, uint8_t rights) {
    quire_entry entry = (quire_entry)frame << 12 | OCCUPIED;
    if (rights & QUIRE_READ || is("present without read")) entry |= PRESENT;
    if (rights & QUIRE_WRITE) entry |= WRITABLE;
    if (rights & QUIRE_USER && !is("no user right")) entry |= FOR_USER;
    return entry;
}

struct quire_entry_view quire_port_read_entry(quire_entry entry) {
    struct quire_entry_view view = {.frame = (quire_frame)(entry >> 12),
                                    .occupied = entry & OCCUPIED,
                                    .present = entry & PRESENT,
                                    .accessed = entry & ACCESSED && !is("never accessed"),
                                    .dirty = entry & DIRTY};
    if (entry & FOR_USER) view.rights |= QUIRE_USER;
    if (entry & PRESENT) view.rights |= QUIRE_READ | (entry & WRITABLE ? QUIRE_WRITE : 0);
    return view;
}

bool quire_port_has_table(quire_page page) {
    return directory()[page / TABLES] & PRESENT;
}
quire_frame quire_port_table_frame(quire_page page) {
    return (quire_frame)(directory()[page / TABLES] >> 12);
}
quire_entry *quire_port_slot(quire_page page) {
    return words(quire_port_table_frame(page)) + page % TABLES;
}

void quire_port_link_table_in(quire_frame other, quire_page page, quire_frame table) {
    if (is("no table in another space") && other != directory_frame) return;
    words(other)[page / TABLES] = quire_port_make_entry(table, QUIRE_READ | QUIRE_WRITE | QUIRE_USER);
}
void quire_port_link_table(quire_page page, quire_frame table) {
    quire_port_link_table_in(directory_frame, page, table);
}
quire_frame quire_port_unlink_table(quire_page page) {
    quire_frame table = quire_port_table_frame(page);
    if (!is("table not taken out")) directory()[page / TABLES] = 0;
    return table;
}

void quire_port_make_directory(quire_frame frame, quire_frame list_table) {
    if (!is("list table with old entries")) memset(words(list_table), 0, 4096);
    memcpy(words(frame), directory(), 4096);
    if (!is("user tables of another space")) {
        const struct quire_page_range user = quire_port_layout.user;
        memset(words(frame) + user.first / TABLES, 0, (user.end - user.first) / TABLES * sizeof(quire_entry));
    }
    if (!is("list table of another space")) quire_port_link_table_in(frame, quire_port_layout.list.first, list_table);
}

static void forget(quire_page first, quire_page end) {
    void *at = mmap((void *)(first << 12), (end - first) << 12, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    check(at != MAP_FAILED, "mmap", __LINE__);
}
void quire_port_flush(quire_page page) {
    if (!is("no flush")) forget(page, page + 1);
}
void quire_port_flush_user(void) {
    if (!is("no flush of all")) forget(quire_port_layout.user.first, quire_port_layout.user.end);
}

quire_frame quire_port_active_directory(void) {
    return is("wrong directory") ? DIRECTORY : directory_frame;
}
void quire_port_activate(quire_frame frame) {
    directory_frame = frame;
    if (is("activate without a flush")) return;
    forget(quire_port_layout.user.first, quire_port_layout.user.end);
    if (is("list not flushed")) return;
    forget(quire_port_layout.list.first, quire_port_layout.list.end);
}

static int windows;
static void *open_windows[4];
void *quire_port_open_window(quire_frame frame) {
    check(windows < 4, "too many windows", __LINE__);
    if (is("one window only") && windows > 0) frame = (quire_frame)(((uint8_t *)open_windows[0] - ram) >> 12);
    return open_windows[windows++] = words(frame);
}
void quire_port_close_window(void *window) {
    check(windows > 0 && open_windows[--windows] == window, "windows closed out of order", __LINE__);
}

void quire_port_lock(struct quire_lock *lock) {
    check(lock->word++ == 0, "a lock was taken twice", __LINE__);
}
void quire_port_unlock(struct quire_lock *lock) {
    check(lock->word-- == 1, "a lock was not taken", __LINE__);
}
unsigned quire_port_processor(void) {
    return 0;
}

void quire_port_defect(const char *what, const char *in, unsigned line) {
    fprintf(stderr, "defect: %s (%s:%u)\n", what, in, line);
    _exit(3);
}

/* What a processor does when it does not know a page. */
static void on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal;
    const uintptr_t address = (uintptr_t)info->si_addr;
    const quire_page page = address >> 12;
    const int write = (((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2) != 0;
    check(page >= quire_port_layout.user.first && page < quire_port_layout.nodes.end, "a wild pointer", __LINE__);
    if (directory()[page / TABLES] & PRESENT) {
        quire_entry *entry = quire_port_slot(page);
        if (*entry & PRESENT && (!write || *entry & WRITABLE)) {
            *entry |= ACCESSED | (write ? DIRTY : 0);
            void *at = mmap((void *)(page << 12), 4096, PROT_READ | (write ? PROT_WRITE : 0), MAP_SHARED | MAP_FIXED,
                            file, (off_t)(*entry >> 12 << 12));
            check(at != MAP_FAILED, "mmap", __LINE__);
            return;
        }
    }
    const enum quire_error error = resolve(address, write);
    if (error != QUIRE_OK) fprintf(stderr, "fault at %#lx: %s\n", (unsigned long)address, quire_error_name(error));
    check(error == QUIRE_OK, "a fault that was not resolved", __LINE__);
}

int main(int count, char **words_given) {
    if (count > 1) mistake = words_given[1];
    file = memfd_create("ram", 0);
    check(file >= 0 && ftruncate(file, (off_t)FRAMES << 12) == 0, "memfd", __LINE__);
    ram = mmap(NULL, (size_t)FRAMES << 12, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    check(ram != MAP_FAILED, "mmap", __LINE__);
    memset(ram + ((size_t)USED << 12), 0xFF, (size_t)(FRAMES - USED) << 12); /* free memory is not clean */
    forget(quire_port_layout.user.first, quire_port_layout.nodes.end);
    quire_port_link_table_in(DIRECTORY, quire_port_layout.list.first, LIST_TABLE);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);

    test_every_function((struct test_machine){.bytes = (uint64_t)(FRAMES - USED) << 12,
                                              .used = 0,
                                              .boot = {.metadata = malloc(quire_metadata_bytes(FRAMES)),
                                                       .directory = DIRECTORY,
                                                       .list_table = LIST_TABLE,
                                                       .zero_frame = ZERO_FRAME}});
    puts("all ok");
    return 0;
}
