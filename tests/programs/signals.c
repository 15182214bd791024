/* Signals: handlers with and without information, masks, an alternate stack, an alarm, and what a fault tells. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int count;
static sigjmp_buf back;
static volatile int code;
static void *volatile address;
static volatile int on_other_stack;
static char other_stack[32768];

static void counts(int number) { count += number; }

static void tells(int number, siginfo_t *info, void *context) {
    (void)context;
    char here;
    code = info->si_code;
    address = info->si_addr;
    on_other_stack = &here >= other_stack && &here < other_stack + sizeof other_stack;
    siglongjmp(back, number);
}

static void skips(int number, siginfo_t *info, void *context) {
    (void)info;
    count += number;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EIP] += 2; /* ud2 */
}

static void fault(const char *what, volatile char *p, int write) {
    int number = sigsetjmp(back, 1);
    if (number == 0) {
        if (write) *p = 1;
        else (void)*p;
        printf("%s: nothing happened\n", what);
    } else {
        printf("%s: signal %d, code %d, address %s, other stack %d\n", what, number, code, address == p ? "right" : "wrong", on_other_stack);
    }
}

int main(void) {
    struct sigaction action = {.sa_handler = counts};
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("handled: %d\n", count == SIGUSR1);

    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    raise(SIGUSR1);
    printf("blocked: %d", count);
    sigpending(&old);
    printf(", pending: %d", sigismember(&old, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf(", delivered: %d\n", count == SIGUSR1);

    double before = 3.25;
    count = 0;
    raise(SIGUSR1);
    printf("floating point kept: %.2f\n", before * 2);

    stack_t stack = {.ss_sp = other_stack, .ss_size = sizeof other_stack};
    printf("alternate stack: %d\n", sigaltstack(&stack, NULL));
    action.sa_sigaction = tells;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    fault("null", NULL, 1);
    fault("kernel", (char *)0xC0100000, 0);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fault("read-only", page + 5, 1);
    fault("readable", page + 5, 0);
    munmap(page, 4096);
    fault("gone", page, 0);

    action.sa_sigaction = skips;
    sigaction(SIGILL, &action, NULL);
    count = 0;
    __asm__ volatile("ud2");
    printf("skipped: %d\n", count == SIGILL);

    action.sa_handler = counts;
    action.sa_flags = 0;
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_value = {0, 20000}};
    count = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
    while (count == 0) {
    }
    printf("alarm while busy: %d\n", count == SIGALRM);
    setitimer(ITIMER_REAL, &timer, NULL);
    printf("alarm while asleep: %d %s\n", pause(), strerror(errno));

    action.sa_flags = SA_RESETHAND;
    action.sa_handler = counts;
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &action);
    printf("reset: %d\n", action.sa_handler == SIG_DFL);
    signal(SIGTERM, SIG_IGN);
    raise(SIGTERM);
    printf("ignored\n");
    errno = 0;
    printf("uncatchable: %d %s\n", signal(SIGKILL, counts) == SIG_ERR, strerror(errno));
    fflush(stdout);
    signal(SIGTERM, SIG_DFL);
    raise(SIGTERM);
    printf("not reached\n");
    return 0;
}
