/* The edges of mmap, munmap, mprotect, brk and madvise: what they return and which errno they set. Printed, so that the same
 * binary's output on Linux can be compared line by line. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
enum { page = 4096 };
static char *const base = (char *)0x50000000;

static void result(const char *what, long value) {
    if (value < 0) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: %ld\n", what, value);
}

static void mapped(const char *what, void *p, void *wanted) {
    if (p == MAP_FAILED) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: %s\n", what, wanted == NULL ? "somewhere" : p == wanted ? "there" : "elsewhere");
}

int main(void) {
    mapped("fixed", mmap(base, 16 * page, RW, ANON | MAP_FIXED, -1, 0), base);
    memset(base, 7, 16 * page);
    mapped("no bytes", mmap(NULL, 0, RW, ANON, -1, 0), NULL);
    mapped("too many bytes", mmap(NULL, (size_t)-1, RW, ANON, -1, 0), NULL);
    mapped("3 GiB", mmap(NULL, 0xC0000000u, RW, ANON | MAP_NORESERVE, -1, 0), NULL);
    mapped("fixed, misaligned", mmap(base + 1, page, RW, ANON | MAP_FIXED, -1, 0), base);
    mapped("hint, misaligned", mmap(base + 64 * page + 5, page, RW, ANON, -1, 0), base + 64 * page);
    mapped("hint, taken", mmap(base, page, RW, ANON, -1, 0), base);
    mapped("no replace, taken", mmap(base, page, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), base);
    mapped("no replace, free", mmap(base + 128 * page, page, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), base + 128 * page);
    mapped("neither shared nor private", mmap(NULL, page, RW, MAP_ANONYMOUS, -1, 0), NULL);
    mapped("bad descriptor", mmap(NULL, page, RW, MAP_PRIVATE, 99, 0), NULL);

    result("munmap of a hole", munmap(base + 512 * page, 4 * page));
    result("munmap misaligned", munmap(base + 1, page));
    result("munmap of nothing", munmap(base, 0));
    result("munmap of the middle", munmap(base + 4 * page, 2 * page));
    printf("neighbours: %d %d\n", base[3 * page], base[6 * page]);
    result("mprotect over a hole", mprotect(base, 8 * page, PROT_READ));
    result("mprotect misaligned", mprotect(base + 1, page, PROT_READ));
    result("mprotect of nothing", mprotect(base, 0, PROT_READ));
    result("mprotect unknown bits", mprotect(base + 8 * page, page, 0x80));
    result("mprotect to nothing", mprotect(base + 8 * page, page, PROT_NONE));
    result("mprotect back", mprotect(base + 8 * page, page, RW));
    printf("contents: %d\n", base[8 * page]);
    mapped("replace", mmap(base + 4 * page, 4 * page, RW, ANON | MAP_FIXED, -1, 0), base + 4 * page);
    printf("zero again: %d %d, behind it: %d\n", base[5 * page], base[6 * page], base[8 * page]);

    result("discard", madvise(base + 8 * page, page, MADV_DONTNEED));
    printf("discarded: %d, kept: %d\n", base[8 * page], base[9 * page]);
    result("advise a hole", madvise(base + 256 * page, page, MADV_DONTNEED));
    result("advise nonsense", madvise(base, page, 4711));
    result("advise misaligned", madvise(base + 1, page, MADV_DONTNEED));
    result("msync", msync(base, page, MS_SYNC));
    result("msync of a hole", msync(base + 256 * page, page, MS_SYNC));

    char *start = (char *)syscall(SYS_brk, 0);
    result("brk grows", (char *)syscall(SYS_brk, start + 5 * page) - start);
    memset(start, 1, 5 * page);
    result("brk shrinks", (char *)syscall(SYS_brk, start + page) - start);
    result("brk grows again", (char *)syscall(SYS_brk, start + 3 * page) - start);
    printf("kept %d, zero %d\n", start[100], start[2 * page]);
    result("brk below its start", (char *)syscall(SYS_brk, 0x10) - start);
    result("brk into the stack", (char *)syscall(SYS_brk, 0xBFFFF000) - start);
    return 0;
}
