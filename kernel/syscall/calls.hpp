#pragma once
/// Every system call that there is, by family; each is specified by its manual page in section 2. Pointers are numbers
/// until
/// they went through kernel/cpu/user_copy.hpp. All act for the current process.

#include "kernel/syscall/dispatch.hpp"

namespace quire::kernel::calls {

using Call = CallResult(const Arguments& arguments);

// memory.cpp
Call brk, mmap2, old_mmap, munmap, mprotect, madvise, mincore, accept_range;
// io.cpp
Call read, write, readv, writev, pread64, pwrite64, lseek, llseek, close, dup, dup2, dup3, fcntl, ioctl, pipe, pipe2,
    sendfile, sendfile64, ftruncate, ftruncate64, fsync, poll, select_old, select_new;
// names.cpp
Call open, openat, creat, access, faccessat, chdir, fchdir, getcwd, mkdir, mkdirat, rmdir, unlink, unlinkat, rename,
    renameat, renameat2, link, linkat, symlink, symlinkat, readlink, readlinkat, chmod, fchmod, fchmodat, accept_path,
    truncate, truncate64, umask, utimensat, utimensat_time64, utimes, utime, mknod;
// stat.cpp
Call stat64, lstat64, fstat64, fstatat64, statx, getdents64, statfs64, fstatfs64;
// process.cpp
Call exit, getpid, getppid, zero, set_tid_address, set_thread_area, uname, sysinfo, getrlimit, old_getrlimit, prlimit64,
    getrusage, times, sched_yield, sched_getaffinity, prctl, getrandom, futex, no_child, accept;
// time.cpp
Call time, gettimeofday, clock_gettime, clock_gettime64, clock_getres, clock_getres64, nanosleep, clock_nanosleep,
    clock_nanosleep64, alarm, setitimer, getitimer;
// signals.cpp
Call rt_sigaction, signal, rt_sigprocmask, rt_sigpending, rt_sigsuspend, sigaltstack, kill, tkill, tgkill, pause;

}  // namespace quire::kernel::calls
