// Tiny programs: what an allocator costs before the first block, and how much it keeps resident for a handful of them.
// The process is started again and again; the figure of memory is the children's.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "block.hpp"
#include "workloads.hpp"

namespace work {
namespace {

// Runs one child, whose program (probes/tiny.cpp) is beside this one; returns what it wrote: its resident KiB.
std::uint64_t run_child(const char* program) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) broken("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    char* arguments[] = {const_cast<char*>(program), nullptr};
    pid_t child = 0;
    if (posix_spawn(&child, program, &actions, nullptr, arguments, environ) != 0) broken("cannot start the child");
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    char text[32] = {};
    const ssize_t length = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (length <= 0 || status != 0) broken("a child failed");
    return std::strtoull(text, nullptr, 10);
}

}  // namespace

Result startup(const Settings& settings) {
    Result result{settings.share(100), 1, 0};
    const std::string self = settings.program;
    const std::string tiny = self.substr(0, self.rfind('/') + 1) + "tiny";
    for (std::uint64_t i = 0; i < result.operations; i++) {
        const std::uint64_t resident = run_child(tiny.c_str());
        if (resident > result.resident_kib) result.resident_kib = resident;
    }
    return result;
}

}  // namespace work
