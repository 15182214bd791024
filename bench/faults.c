/* What a page fault costs, in instructions: run under ./run --icount, where one instruction is one tick of the time stamp
 * counter. Each figure is the smallest of several rounds over 4096 pages, the touching loop's own instructions included.
 *
 *     ./run --icount -- build/i386/bench/faults
 *
 * A static Linux/i386 program: the same binary runs on a real Linux (../shared/bench/linux) for comparison. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { page = 4096, pages = 4096, rounds = 5 };

static unsigned long long ticks(void) {
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (unsigned long long)high << 32 | low;
}

static void write_each(volatile char *p) {
    for (int i = 0; i < pages; i++) p[i * page] = 1;
}

static void read_each(volatile char *p) {
    for (int i = 0; i < pages; i++) (void)p[i * page];
}

static void report(const char *what, unsigned long long best, int count) {
    printf("%-28s %8.1f instructions\n", what, (double)best / count);
}

static char *fresh(void) {
    char *p = mmap(0, pages * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        _exit(1);
    }
    return p;
}

int main(void) {
    unsigned long long zero = ~0ull, read = ~0ull, after = ~0ull, unmap = ~0ull, call = ~0ull, pair = ~0ull;
    for (int round = 0; round < rounds; round++) {
        char *p = fresh();
        unsigned long long t = ticks();
        write_each(p);
        t = ticks() - t;
        if (t < zero) zero = t;
        t = ticks();
        munmap(p, pages * page);
        t = ticks() - t;
        if (t < unmap) unmap = t;

        p = fresh();
        t = ticks();
        read_each(p);
        t = ticks() - t;
        if (t < read) read = t;
        t = ticks();
        write_each(p);
        t = ticks() - t;
        if (t < after) after = t;
        munmap(p, pages * page);

        t = ticks();
        for (int i = 0; i < 1000; i++) syscall(SYS_getppid);
        t = ticks() - t;
        if (t < call) call = t;

        t = ticks();
        for (int i = 0; i < 1000; i++) munmap(mmap(0, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), page);
        t = ticks() - t;
        if (t < pair) pair = t;
    }
    report("demand-zero write fault", zero, pages);
    report("read fault, untouched page", read, pages);
    report("write after such a read", after, pages);
    report("munmap, per touched page", unmap, pages);
    report("getppid", call, 1000);
    report("mmap + munmap of a page", pair, 1000);
    return 0;
}
