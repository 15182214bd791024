// launch FD PRELOAD PROGRAM [ARGUMENT...]: runs a program with LD_PRELOAD set (if not empty), and writes to the descriptor
// what it and its children took: wall=SECONDS cpu=SECONDS rss_kib=KIB. Ends with the program's status.
// A process inherits the peak of the one that started it, so the one that starts has to be small: this one, linked statically.
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return double(time.tv_sec) + double(time.tv_nsec) * 1e-9;
}

double seconds(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) * 1e-6; }

pid_t child = 0;

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) {
        std::fputs("launch: usage: launch FD PRELOAD PROGRAM [ARGUMENT...]\n", stderr);
        return 2;
    }
    const int report = std::atoi(arguments[1]);
    const double start = now();
    child = fork();
    if (child == 0) {
        close(report);
        if (arguments[2][0] != 0) setenv("LD_PRELOAD", arguments[2], 1);
        execvp(arguments[3], arguments + 3);
        std::perror(arguments[3]);
        _exit(127);
    }
    // Who ends us means the program.
    std::signal(SIGTERM, [](int) { kill(child, SIGTERM); });
    int status = 0;
    rusage usage{};
    while (wait4(child, &status, 0, &usage) < 0) {
    }
    dprintf(report, "wall=%.6f cpu=%.6f rss_kib=%ld\n", now() - start, seconds(usage.ru_utime) + seconds(usage.ru_stime), usage.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
