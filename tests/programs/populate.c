/* MADV_POPULATE_READ, MADV_POPULATE_WRITE and mincore: what they return, and that the frames are there before anybody touches a page.
 *
 * usage: populate            as on Linux
 *        populate too-much   more than there are frames: on Linux a reason to be killed, on Quire ENOMEM */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RW (PROT_READ | PROT_WRITE)
enum { page = 4096, populate_read = 22, populate_write = 23 };

static char *map(size_t pages, int protection, int file) {
    return mmap(NULL, pages * page, protection, MAP_PRIVATE | (file < 0 ? MAP_ANONYMOUS : 0), file, 0);
}

static const char *result(int value) {
    return value == 0 ? "done" : strerror(errno);
}

/* Says also which of the first 16 pages show a frame. */
static void populate(const char *what, char *first, size_t pages, int advice) {
    unsigned char shown[16] = {0};
    printf("%s: %s", what, result(madvise(first, pages * page, advice)));
    if (mincore(first, (pages < 16 ? pages : 16) * page, shown) == 0) {
        printf(", shown: ");
        for (size_t i = 0; i < pages && i < 16; i++) printf("%d", shown[i] & 1);
    }
    printf("\n");
}

static int too_much(void) {
    enum { pages = 16384 };
    char *p = map(pages, RW, -1);
    /* Once before, so that what comes afterwards needs no frame: there is none. */
    const char *said = result(madvise(p, 16 * page, populate_write));
    printf("a part: %s\n", said);
    munmap(p, 16 * page);
    said = result(madvise(p + 16 * page, (pages - 16) * page, populate_write));
    munmap(p, pages * page);
    printf("all: %s\n", said);
    p = map(256, RW, -1);
    populate("a part again", p, 256, populate_write);
    return 0;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "too-much") == 0) return too_much();
    char *p = map(16, RW, -1);
    p[3 * page] = 7;
    populate("nothing", p, 16, MADV_NORMAL);
    populate("write a few", p + 4 * page, 5, populate_write);
    populate("beside them", p, 16, MADV_NORMAL);
    populate("write all", p, 16, populate_write);
    printf("kept: %d, zero: %d %d\n", p[3 * page], p[0], p[16 * page - 1]);
    munmap(p + 8 * page, page);
    populate("over a hole", p, 16, populate_write);
    populate("of a hole", p + 8 * page, 1, populate_read);
    populate("of nothing", p + 8 * page, 0, populate_write);
    populate("misaligned", p + 1, 1, populate_write);

    char *q = map(16, PROT_READ, -1);
    populate("read", q, 16, populate_read);
    populate("write where only reads are allowed", q, 16, populate_write);
    mprotect(q, 16 * page, RW);
    populate("write after reads", q, 16, populate_write);
    mprotect(q, 16 * page, PROT_NONE);
    populate("read where nothing is allowed", q, 16, populate_read);

    int file = open("quire-populate", O_RDWR | O_CREAT | O_TRUNC, 0600);
    unlink("quire-populate");
    if (write(file, "contents", 8) != 8) return 1;
    char *f = map(2, RW, file);
    populate("a file's page", f, 1, populate_read);
    populate("its copy", f, 1, populate_write);
    f[0] = 'C';
    printf("%s\n", f);
    populate("beyond its end", f, 2, populate_write);

    unsigned char one;
    printf("mincore misaligned: %s\n", result(mincore(p + 1, page, &one)));
    printf("mincore of a hole: %s\n", result(mincore(p + 8 * page, page, &one)));
    printf("mincore to nowhere: %s\n", result(mincore(p, page, (unsigned char *)16)));
    printf("mincore of nothing: %s\n", result(mincore(p, 0, &one)));
    printf("mincore beyond the end: %s\n", result(mincore((void *)-page, 2 * page, &one)));
    return 0;
}
