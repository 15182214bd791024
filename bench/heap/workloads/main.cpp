// workloads NAME [--threads N] [--scale X] [--worst]: runs one workload with the malloc that is there, and prints one line
// of name=value. `workloads --list` names them all.
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "resident.hpp"
#include "workloads.hpp"
#ifdef WORST
#include "worst.hpp"
#endif

namespace work {
namespace {

constexpr Workload all[] = {
    {"churn-tiny", "2,000 live blocks of 8 to 128 bytes, replaced at random", true, true, churn_tiny},
    {"churn-mixed", "16,000 live blocks of 16 to 4,096 bytes", true, true, churn_mixed},
    {"churn-wide", "10,000 live blocks of 8 to 32,768 bytes", true, true, churn_wide},
    {"churn-many", "400,000 live blocks of 16 to 256 bytes", true, true, churn_many},
    {"churn-big", "2,000,000 live blocks of 16 to 512 bytes", true, true, churn_big},
    {"lifo", "nested temporaries of 8 to 1,024 bytes", true, true, lifo},
    {"batches", "25 to 1,600 blocks of one size, 8 to 32,768 bytes, then all are freed", true, true, batches},
    {"phases", "many sizes, 16 to 16,384 bytes, up to 3 MiB, some replaced, then all are freed", true, true, phases},
    {"requests", "dozens of objects per request, one of them stays in a cache", true, true, requests},
    {"pipeline", "made by one thread, freed by another, in batches", true, true, pipeline},
    {"server", "threads end and leave their blocks to new ones", true, true, server},
    {"storm", "one thread frees what all others made", false, true, storm},
    {"gifts", "all others free what one thread made", false, true, gifts},
    {"peaks", "up to 48 MiB and down, again and again, other sizes each time", true, true, peaks},
    {"aging", "16 MiB live for long while the sizes shift", true, true, aging},
    {"realloc-double", "buffers that double, 16 bytes to 16 MiB", true, true, realloc_double},
    {"realloc-step", "buffers that grow by a little each time, to 8 KiB and 4 MiB", true, true, realloc_step},
    {"realloc-mixed", "blocks that become any size, 8 to 65,536 bytes", true, true, realloc_mixed},
    {"trees", "binary trees of 24-byte nodes with new and delete", true, true, trees},
    {"strings", "linked strings and a map of strings", true, true, strings},
    {"containers", "a hash table of growing vectors, a deque of vectors", true, true, containers},
    {"large", "24 live blocks of 32 KiB to 8 MiB", true, true, large},
    {"calloc", "2,000 live zeroed blocks of 16 bytes to 64 KiB", true, true, zeroed},
    {"aligned", "4,000 live blocks, aligned to 16 to 128 bytes", true, true, aligned},
    {"startup", "100 times a tiny program of 200 blocks", true, false, startup},
};

double seconds(const timeval& time) { return double(time.tv_sec) + double(time.tv_usec) * 1e-6; }

double processor_seconds(bool children) {
    rusage usage{};
    getrusage(children ? RUSAGE_CHILDREN : RUSAGE_SELF, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int list() {
    for (const Workload& workload : all) {
        std::printf("%s\t%s%s\t%s\n", workload.name, workload.one ? "1" : "", workload.several ? "n" : "",
                    workload.about);
    }
    return 0;
}

int measure(const Workload& workload, const Settings& settings) {
    const auto start = std::chrono::steady_clock::now();
#ifdef WORST
    const std::uint64_t first = ticks();
#endif
    const Result result = workload.run(settings);
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("name=%s threads=%u wall=%.6f cpu=%.6f rss_kib=%llu ops=%llu checksum=%llx", workload.name,
                settings.threads, wall, processor_seconds(false) + processor_seconds(true),
                static_cast<unsigned long long>(result.resident_kib != 0 ? result.resident_kib : peak_kib()),
                static_cast<unsigned long long>(result.operations), static_cast<unsigned long long>(result.checksum));
#ifdef WORST
    print_worst(double(ticks() - first) / (wall * 1e9));
#endif
    std::puts("");
    return 0;
}

// The timed calls are another program, beside this one: here they would cost something.
[[maybe_unused]] int run_worst(char** arguments) {
    const std::string program = std::string(arguments[0]) + "-worst";
    execv(program.c_str(), arguments);
    std::fprintf(stderr, "workloads: cannot run %s\n", program.c_str());
    return 1;
}

int usage() {
    std::fputs("workloads: usage: workloads NAME [--threads N] [--scale X] [--worst], or --list\n", stderr);
    return 2;
}

}  // namespace
}  // namespace work

int main(int count, char** arguments) {
    using namespace work;
    Settings settings;
    settings.program = arguments[0];
    [[maybe_unused]] bool worst = false;
    if (count < 2) return usage();
    if (!std::strcmp(arguments[1], "--list")) return list();
    for (int i = 2; i < count; i++) {
        if (!std::strcmp(arguments[i], "--worst")) {
            worst = true;
        } else if (!std::strcmp(arguments[i], "--threads") && i + 1 < count) {
            settings.threads = unsigned(std::strtoul(arguments[++i], nullptr, 10));
        } else if (!std::strcmp(arguments[i], "--scale") && i + 1 < count) {
            settings.scale = std::strtod(arguments[++i], nullptr);
        } else {
            return usage();
        }
    }
#ifndef WORST
    if (worst) return run_worst(arguments);
#endif
    for (const Workload& workload : all) {
        if (std::strcmp(workload.name, arguments[1]) != 0) continue;
        if (settings.threads == 0 || !(settings.threads == 1 ? workload.one : workload.several)) break;
        return measure(workload, settings);
    }
    std::fprintf(stderr, "workloads: no workload %s for %u threads\n", arguments[1], settings.threads);
    return 2;
}
