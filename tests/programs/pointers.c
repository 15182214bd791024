/* Wild pointers in every call that takes one: EFAULT, never harm. Also valid pointers to pages that were never touched. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static int bad;

static void expect(const char *what, long value, int error) {
    if (value == -1 && errno == error) return;
    printf("%s: %ld %s\n", what, value, value == -1 ? strerror(errno) : "");
    bad++;
}

int main(void) {
    void *wild[] = {NULL, (void *)0x20, (void *)0x9000, (void *)0xC0100000, (void *)0xFFC00000, (void *)0xFFFFFFF0, (void *)0xBFFFFFFC};
    int zero = open("/dev/zero", O_RDONLY);
    int null = open("/dev/null", O_RDWR);
    int ends[2];
    pipe(ends);
    for (unsigned i = 0; i < sizeof wild / sizeof *wild; i++) {
        void *p = wild[i];
        expect("read", syscall(SYS_read, zero, p, 100), EFAULT);
        expect("write", syscall(SYS_write, ends[1], p, 100), EFAULT);
        expect("open", syscall(SYS_open, p, O_RDONLY), EFAULT);
        expect("stat64", syscall(SYS_stat64, "/", p), EFAULT);
        expect("stat64 path", syscall(SYS_stat64, p, p), EFAULT);
        expect("readlink", syscall(SYS_readlink, p, p, 10), EFAULT);
        expect("mkdir", syscall(SYS_mkdir, p, 0755), EFAULT);
        expect("rename", syscall(SYS_rename, p, p), EFAULT);
        expect("pipe", syscall(SYS_pipe, p), EFAULT);
        expect("uname", syscall(SYS_uname, p), EFAULT);
        expect("getcwd", syscall(SYS_getcwd, p, 100), EFAULT);
        expect("getrlimit", syscall(SYS_ugetrlimit, RLIMIT_STACK, p), EFAULT);
        expect("getrusage", syscall(SYS_getrusage, RUSAGE_SELF, p), EFAULT);
        expect("sysinfo", syscall(SYS_sysinfo, p), EFAULT);
        expect("readv", syscall(SYS_readv, zero, p, 1), EFAULT);
        expect("writev", syscall(SYS_writev, ends[1], p, 1), EFAULT);
        expect("clock_gettime", syscall(265, CLOCK_REALTIME, p), EFAULT);
        expect("nanosleep", syscall(SYS_nanosleep, p, NULL), EFAULT);
        expect("getdents64", syscall(SYS_getdents64, open("/", O_RDONLY | O_DIRECTORY), p, 1000), EFAULT);
        expect("set_thread_area", syscall(SYS_set_thread_area, p), EFAULT);
        expect("poll", syscall(SYS_poll, p, 1, 0), EFAULT);
        if (p != NULL) {
            expect("times", syscall(SYS_times, p), EFAULT);
            expect("time", syscall(SYS_time, p), EFAULT);
            expect("gettimeofday", syscall(78, p, NULL), EFAULT);
            expect("sigaction", syscall(SYS_rt_sigaction, SIGUSR1, p, NULL, 8), EFAULT);
            expect("sigprocmask", syscall(SYS_rt_sigprocmask, SIG_BLOCK, p, NULL, 8), EFAULT);
            expect("sigaltstack", syscall(SYS_sigaltstack, p, NULL), EFAULT);
        }
    }
    char *pages = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 2 * 4096, 4096);
    printf("into untouched pages: %ld\n", (long)read(zero, pages, 2 * 4096));
    printf("across the end, in: %ld\n", (long)read(zero, pages + 4096, 2 * 4096));
    printf("out of untouched pages: %ld\n", (long)write(null, pages, 2 * 4096));
    expect("path without an end", syscall(SYS_open, memset(pages + 2 * 4096 - 100, 'x', 100), O_RDONLY), EFAULT);
    mprotect(pages, 4096, PROT_READ);
    expect("into a read-only page", read(zero, pages, 10), EFAULT);
    expect("length wraps round", syscall(SYS_read, zero, pages, 0xFFFFFFFF), EFAULT);
    static char long_path[5000];
    memset(long_path, 'a', sizeof long_path - 1);
    expect("long path", open(long_path, O_RDONLY), ENAMETOOLONG);
    printf("wrong answers: %d\n", bad);
    return bad != 0;
}
