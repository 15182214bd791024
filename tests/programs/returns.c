// Memory that is freed goes back to the system: 64 MiB of small blocks leave less than 1 MiB behind. The table of blocks has no part in it.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

enum { kTotal = 64 << 20, kBlocks = kTotal / 400 };

static long used(void) {
    struct sysinfo now;
    if (sysinfo(&now) != 0) return -1;
    return (long)(now.totalram - now.freeram) * (long)now.mem_unit;
}

int main(void) {
    void** const blocks = mmap(NULL, kBlocks * sizeof *blocks, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (blocks == MAP_FAILED) return 1;
    memset(blocks, 0, kBlocks * sizeof *blocks);
    const long before = used();
    unsigned random = 1;
    int count = 0;
    for (long bytes = 0; bytes < kTotal; ++count) {
        random = random * 1664525 + 1013904223;
        const unsigned size = 16 + (random >> 16) % 1009;
        blocks[count] = malloc(size);
        if (blocks[count] == NULL) return 1;
        memset(blocks[count], 1, size);
        bytes += size;
    }
    const long between = used();
    while (count > 0) free(blocks[--count]);
    const long after = used();
    fprintf(stderr, "used before, with the blocks, after: %ld, %ld, %ld KiB\n", before >> 10, between >> 10, after >> 10);
    puts(between > before + kTotal && after < before + (1 << 20) ? "done" : "too much is left");
}
