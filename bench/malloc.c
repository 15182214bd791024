/* What malloc and free cost a program, in instructions: run under ./run --icount, where one instruction is one tick of the time stamp
 * counter. What the kernel does for them is part of it: system calls and page faults.
 *
 *     for malloc in glibc musl quire-glibc quire-musl; do ./run --icount -- build/i386/bench/malloc-$malloc; done */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { pairs = 20000, row = 1000, rounds = 5, slots = 500, steps = 40000 };

static unsigned long long ticks(void) {
    unsigned low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (unsigned long long)high << 32 | low;
}

static void *touched(size_t bytes) {
    volatile char *block = malloc(bytes);
    *block = 1;
    return (void *)block;
}

/* In turn, beside some neighbours, so that the block is not the only one of its size. */
static double pair(size_t bytes) {
    void *others[16];
    for (int i = 0; i < 16; i++) others[i] = touched(bytes);
    unsigned long long before = ticks();
    for (int i = 0; i < pairs; i++) free(touched(bytes));
    unsigned long long spent = ticks() - before;
    for (int i = 0; i < 16; i++) free(others[i]);
    return (double)spent / pairs;
}

static void in_a_row(size_t bytes, double *taking, double *freeing) {
    static void *blocks[row];
    unsigned long long taken = 0, freed = 0;
    for (int round = 0; round < rounds; round++) {
        unsigned long long before = ticks();
        for (int i = 0; i < row; i++) blocks[i] = touched(bytes);
        unsigned long long between = ticks();
        for (int i = 0; i < row; i++) free(blocks[i]);
        freed += ticks() - between;
        taken += between - before;
    }
    *taking = (double)taken / row / rounds;
    *freeing = (double)freed / row / rounds;
}

/* Sizes from 1 byte to 2^doublings, each power of two as likely as the next; any block may be the next to go. Without what is in the blocks. */
static double mixed(unsigned doublings) {
    static void *blocks[slots];
    uint32_t random = 12345;
    unsigned long long before = ticks();
    for (int i = 0; i < steps; i++) {
        random = random * 1664525u + 1013904223u;
        void **block = &blocks[(random >> 8) % slots];
        free(*block);
        size_t bytes = (size_t)1 << ((random >> 24) % doublings);
        *block = touched(bytes + ((random >> 16) & (bytes - 1)));
    }
    for (int i = 0; i < slots; i++) free(blocks[i]), blocks[i] = NULL;
    return (double)(ticks() - before) / steps;
}

int main(void) {
    unsigned long long before = ticks();
    void *first = touched(24);
    unsigned long long first_took = ticks() - before;
    free(first);
    printf("the first malloc(24): %llu instructions\n\n", first_took);
    printf("bytes  malloc+free in turn   %d in a row: each malloc   each free\n", row);
    static const size_t sizes[] = {16, 64, 512, 2048};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double taking, freeing, both = pair(sizes[i]);
        in_a_row(sizes[i], &taking, &freeing);
        printf("%5zu  %19.1f   %25.1f   %9.1f\n", sizes[i], both, taking, freeing);
    }
    printf("\nmixed sizes, malloc+free: up to 1 KiB %.1f, up to 32 KiB %.1f\n", mixed(10), mixed(15));
    return 0;
}
