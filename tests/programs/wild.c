/* Does one bad thing, chosen by name, and should be killed for it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static volatile int zero;
static int deeper(int n) {
    volatile char page[4096];
    page[0] = (char)n;
    return deeper(n + 1) + page[0];
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    printf("about to\n");
    fflush(stdout);
    if (!strcmp(what, "null")) *(volatile int *)0 = 1;
    if (!strcmp(what, "read-null")) (void)*(volatile int *)4;
    if (!strcmp(what, "jump-null")) ((void (*)(void))0)();
    if (!strcmp(what, "kernel-read")) (void)*(volatile int *)0xC0100000;
    if (!strcmp(what, "kernel-write")) *(volatile int *)0xC0100000 = 1;
    if (!strcmp(what, "tables")) *(volatile int *)0xFFFFF000 = 1;
    if (!strcmp(what, "list")) *(volatile int *)0xFF800000 = 1;
    if (!strcmp(what, "bitmap")) (void)*(volatile int *)0xFFB00000;
    if (!strcmp(what, "text")) *(volatile char *)(void *)main = 1;
    if (!strcmp(what, "gap")) *(volatile int *)0x70000000 = 1;
    if (!strcmp(what, "stack")) return deeper(0);
    if (!strcmp(what, "divide")) __asm__ volatile("cltd; idivl %1" : : "a"(1), "r"(zero) : "edx");
    if (!strcmp(what, "illegal")) __asm__ volatile("ud2");
    if (!strcmp(what, "halt")) __asm__ volatile("hlt");
    if (!strcmp(what, "port")) __asm__ volatile("outb %al, $0x80");
    if (!strcmp(what, "cli")) __asm__ volatile("cli");
    if (!strcmp(what, "interrupt")) __asm__ volatile("int $0x21");
    if (!strcmp(what, "segment")) __asm__ volatile("mov %0, %%fs" : : "r"(0x10));
    if (!strcmp(what, "abort")) abort();
    if (!strcmp(what, "beyond")) {
        FILE *file = fopen("/tmp/quire-wild", "w+");
        fputs("x", file);
        fflush(file);
        char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(file), 0);
        remove("/tmp/quire-wild");
        (void)*(volatile char *)(map + 4096);
    }
    printf("survived\n");
    return 0;
}
