/* The C library's malloc on our brk and mmap: patterns of sizes, every byte checked. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    enum { slots = 500, steps = 40000 };
    static struct { unsigned char *p; size_t n; unsigned char fill; } t[slots];
    uint32_t r = 12345;
    unsigned long long sum = 0;
    for (int i = 0; i < steps; i++) {
        r = r * 1664525u + 1013904223u;
        int s = (int)(r >> 8) % slots;
        size_t n = (size_t)1 << (r >> 24 & 15);
        n += r >> 16 & (n - 1);
        for (size_t k = 0; k < t[s].n; k++) {
            if (t[s].p[k] != t[s].fill) return printf("corrupt after %d\n", i), 1;
        }
        if (i % 3 == 0) {
            unsigned char *p = realloc(t[s].p, n);
            if (!p) return printf("out of memory\n"), 1;
            t[s].p = p;
        } else {
            free(t[s].p);
            t[s].p = i % 5 == 0 ? calloc(n, 1) : malloc(n);
            if (!t[s].p) return printf("out of memory\n"), 1;
        }
        t[s].n = n;
        t[s].fill = (unsigned char)r;
        memset(t[s].p, t[s].fill, n);
        sum += n;
    }
    for (int s = 0; s < slots; s++) free(t[s].p);
    void *big = malloc(64u << 20);
    printf("%llu bytes, 64 MiB at once: %s\n", sum, big ? "yes" : "no");
    free(big);
    return 0;
}
