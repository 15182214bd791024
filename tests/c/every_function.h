/* The test of the C functions, and what it needs of whoever runs it. */
#pragma once
#include <quire/quire.h>

/* Says what did not hold, and ends the test, unless it held. Supplied by the runner. */
void check(int holds, const char *what, int line);

/* A page fault at an address of user space. Called by the runner's fault handler. */
enum quire_error resolve(uintptr_t address, int write);

/* The machine as it booted: memory from 1 MiB on, of which the first part is in use; `boot` without `end`; the metadata
 * lies in that first part. */
struct test_machine {
    uint64_t bytes;
    uint64_t used;
    struct quire_boot_info boot;
};
/* Everything. At least 4 MiB must be free, and user space at least 0x10000 pages large. */
void test_every_function(struct test_machine machine);
