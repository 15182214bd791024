/* Random system calls with random, boundary and wild arguments, many thousands, from a seed: the kernel must neither fault nor hang, and
 * its books must balance afterwards. Calls that would end or suspend this program are left out. usage: hostile SEED CALLS */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static uint32_t state;
static uint32_t draw(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static char arena[16 * 4096] __attribute__((aligned(4096)));

static uint32_t argument(void) {
    static const uint32_t edges[] = {0, 1, 2, 3, 4, 7, 0xFFF, 0x1000, 0x1001, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xBFFFF000, 0xBFFFFFFF,
                                     0xC0000000, 0xC0100000, 0xFF800000, 0xFFB00000, 0xFFC00000, 0xFFFFF000, 0xFFFFFFFE, 0xFFFFFFFF, 0x32, 0x22, 0x12};
    switch (draw() % 8) {
        case 0: return draw();
        case 1: return draw() % 300;
        case 2:
        case 3: return (uint32_t)(uintptr_t)arena + draw() % sizeof arena;
        case 4: return 0x60000000 + draw() % 64 * 4096;
        case 5: return draw() % 64 * 4096;
        case 6: return (uint32_t)(uintptr_t)"/tmp/hostile" + draw() % 13;
        default: return edges[draw() % (sizeof edges / sizeof *edges)];
    }
}

/* exit, pause, sigreturn, sigsuspend, select, poll, sleeps, read (of the terminal), alarms, kills. */
static int left_out(uint32_t number) {
    static const uint16_t numbers[] = {1, 3, 27, 29, 37, 72, 82, 104, 119, 142, 145, 162, 168, 173, 67, 48, 174, 175, 186, 179, 180, 187, 225, 238, 239, 252, 267, 270, 407, 4, 146, 6};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i] == number) return 1;
    }
    return 0;
}

/* The library would call through %gs, which may be anything by now, and try again for ever. */
static _Noreturn void leave(int status) {
    for (;;) __asm__ volatile("int $0x80" : : "a"(SYS_exit_group), "b"(status) : "memory");
}

static void say(int to, const char *text) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "0"(SYS_write), "b"(to), "c"(text), "d"(strlen(text)) : "memory");
}

static void skip(int number, siginfo_t *info, void *context) {
    (void)number;
    if ((uintptr_t)info->si_addr - 0x60000000 > 0x200000) leave(3); /* a call has written over us: our own fault */
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EIP] += 3; /* movb $1, (%reg) */
}

int main(int argc, char **argv) {
    state = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) * 2654435761u | 1 : 1;
    long calls = argc > 2 ? strtol(argv[2], NULL, 10) : 20000;
    for (int number = 1; number < 32; number++) signal(number, SIG_IGN);
    struct sigaction steps_over = {.sa_sigaction = skip, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &steps_over, NULL);
    sigaction(SIGBUS, &steps_over, NULL);
    int kept = dup2(1, 200);
    for (long i = 0; i < calls; i++) {
        uint32_t number = draw() % 8 == 0 ? draw() % 500 : draw() % 400;
        if (left_out(number)) continue;
        if (draw() % 64 == 0) memset(arena + draw() % (sizeof arena - 64), (int)draw(), 64);
        uint32_t a = argument(), b = argument(), c = argument(), d = argument(), e = argument(), f = argument(), result;
        /* Memory calls keep to an area of their own, or this program would soon be without its code. */
        if (number == 91 || number == 192 || number == 125 || number == 219 || number == 144 || number == 163) {
            a = 0x60000000 + draw() % 256 * 4096 + (draw() % 16 == 0);
            b = draw() % 64 * 4096 + draw() % 2 * (draw() % 4096);
            if (number == 163) number = 192, d &= ~0x20u;
        }
        if (number == 90 || number == 45) continue;
        /* ebp last: the compiler may be using it. */
        __asm__ volatile("push %%ebp\n\tmov %7, %%ebp\n\tint $0x80\n\tpop %%ebp" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), "m"(f) : "memory");
        if (number == 192 && result < 0xFFFFF000 && draw() % 2) __asm__ volatile("movb $1, (%%eax)" : : "a"(result) : "memory"); /* may be SIGSEGV, if it asked for nothing */
    }
    say(kept, "survived\n");
    leave(0);
}
