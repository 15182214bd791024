#include "kernel/syscall/dispatch.hpp"

#include <asm/unistd_32.h>

#include <array>

#include "kernel/console/log.hpp"
#include "kernel/process/process.hpp"
#include "kernel/syscall/calls.hpp"

namespace quire::kernel {

namespace {

constexpr std::size_t kCalls = 460;

using Call = calls::Call;

/// By number: a jump into an array is all that stands between the trap and the call.
constexpr std::array<Call*, kCalls> make_table() {
    std::array<Call*, kCalls> table{};
    using namespace calls;
    table[__NR_brk] = brk;
    table[__NR_mmap] = old_mmap;
    table[__NR_mmap2] = mmap2;
    table[__NR_munmap] = munmap;
    table[__NR_mprotect] = mprotect;
    table[__NR_madvise] = madvise;
    table[__NR_mincore] = mincore;
    table[__NR_msync] = accept_range;
    table[__NR_mlock] = accept_range;
    table[__NR_munlock] = accept_range;

    table[__NR_read] = calls::read;
    table[__NR_write] = calls::write;
    table[__NR_readv] = readv;
    table[__NR_writev] = writev;
    table[__NR_pread64] = pread64;
    table[__NR_pwrite64] = pwrite64;
    table[__NR_lseek] = lseek;
    table[__NR__llseek] = llseek;
    table[__NR_close] = calls::close;
    table[__NR_dup] = calls::dup;
    table[__NR_dup2] = dup2;
    table[__NR_dup3] = dup3;
    table[__NR_fcntl] = fcntl;
    table[__NR_fcntl64] = fcntl;
    table[__NR_ioctl] = ioctl;
    table[__NR_pipe] = calls::pipe;
    table[__NR_pipe2] = pipe2;
    table[__NR_sendfile] = sendfile;
    table[__NR_sendfile64] = sendfile64;
    table[__NR_ftruncate] = ftruncate;
    table[__NR_ftruncate64] = ftruncate64;
    table[__NR_fsync] = fsync;
    table[__NR_fdatasync] = fsync;
    table[__NR_poll] = poll;
    table[__NR_select] = select_old;
    table[__NR__newselect] = select_new;

    table[__NR_open] = calls::open;
    table[__NR_openat] = openat;
    table[__NR_creat] = creat;
    table[__NR_access] = access;
    table[__NR_faccessat] = faccessat;
    table[__NR_faccessat2] = faccessat;
    table[__NR_chdir] = chdir;
    table[__NR_fchdir] = fchdir;
    table[__NR_getcwd] = getcwd;
    table[__NR_mkdir] = mkdir;
    table[__NR_mkdirat] = mkdirat;
    table[__NR_rmdir] = rmdir;
    table[__NR_unlink] = unlink;
    table[__NR_unlinkat] = unlinkat;
    table[__NR_rename] = calls::rename;
    table[__NR_renameat] = renameat;
    table[__NR_renameat2] = renameat2;
    table[__NR_link] = link;
    table[__NR_linkat] = linkat;
    table[__NR_symlink] = symlink;
    table[__NR_symlinkat] = symlinkat;
    table[__NR_readlink] = readlink;
    table[__NR_readlinkat] = readlinkat;
    table[__NR_chmod] = chmod;
    table[__NR_fchmod] = fchmod;
    table[__NR_fchmodat] = fchmodat;
    table[__NR_chown] = accept_path;
    table[__NR_chown32] = accept_path;
    table[__NR_lchown] = accept_path;
    table[__NR_lchown32] = accept_path;
    table[__NR_fchown] = fsync;
    table[__NR_fchown32] = fsync;
    table[__NR_truncate] = truncate;
    table[__NR_truncate64] = truncate64;
    table[__NR_umask] = umask;
    table[__NR_utimensat] = utimensat;
    table[__NR_utimensat_time64] = utimensat_time64;
    table[__NR_utimes] = utimes;
    table[__NR_utime] = utime;
    table[__NR_mknod] = mknod;

    table[__NR_stat64] = stat64;
    table[__NR_lstat64] = lstat64;
    table[__NR_fstat64] = fstat64;
    table[__NR_fstatat64] = fstatat64;
    table[__NR_statx] = statx;
    table[__NR_getdents64] = getdents64;
    table[__NR_statfs64] = statfs64;
    table[__NR_fstatfs64] = fstatfs64;

    table[__NR_exit] = calls::exit;
    table[__NR_exit_group] = calls::exit;
    table[__NR_getpid] = getpid;
    table[__NR_gettid] = getpid;
    table[__NR_getppid] = getppid;
    table[__NR_getpgrp] = getpid;
    table[__NR_getpgid] = getpid;
    table[__NR_getsid] = getpid;
    table[__NR_setsid] = getpid;
    table[__NR_setpgid] = accept;
    for (const auto number : {__NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid, __NR_getuid32, __NR_geteuid32,
                              __NR_getgid32, __NR_getegid32, __NR_getgroups, __NR_getgroups32}) {
        table[static_cast<std::size_t>(number)] = zero;
    }
    for (const auto number : {__NR_setuid, __NR_setgid, __NR_setuid32, __NR_setgid32, __NR_setgroups32,
                              __NR_setresuid32, __NR_setresgid32, __NR_set_robust_list, __NR_personality,
                              __NR_setpriority, __NR_sync, __NR_mlockall, __NR_munlockall, __NR_setrlimit}) {
        table[static_cast<std::size_t>(number)] = accept;
    }
    table[__NR_getpriority] = zero;
    table[__NR_set_tid_address] = set_tid_address;
    table[__NR_set_thread_area] = set_thread_area;
    table[__NR_uname] = uname;
    table[__NR_sysinfo] = sysinfo;
    table[__NR_ugetrlimit] = getrlimit;
    table[__NR_getrlimit] = old_getrlimit;
    table[__NR_prlimit64] = prlimit64;
    table[__NR_getrusage] = getrusage;
    table[__NR_times] = times;
    table[__NR_sched_yield] = sched_yield;
    table[__NR_sched_getaffinity] = sched_getaffinity;
    table[__NR_prctl] = prctl;
    table[__NR_getrandom] = getrandom;
    table[__NR_futex] = futex;
    table[__NR_wait4] = no_child;
    table[__NR_waitpid] = no_child;

    table[__NR_time] = calls::time;
    table[__NR_gettimeofday] = gettimeofday;
    table[__NR_clock_gettime] = clock_gettime;
    table[__NR_clock_gettime64] = clock_gettime64;
    table[__NR_clock_getres] = clock_getres;
    table[__NR_clock_getres_time64] = clock_getres64;
    table[__NR_nanosleep] = nanosleep;
    table[__NR_clock_nanosleep] = clock_nanosleep;
    table[__NR_clock_nanosleep_time64] = clock_nanosleep64;
    table[__NR_alarm] = alarm;
    table[__NR_setitimer] = setitimer;
    table[__NR_getitimer] = getitimer;

    table[__NR_rt_sigaction] = rt_sigaction;
    table[__NR_signal] = calls::signal;
    table[__NR_rt_sigprocmask] = rt_sigprocmask;
    table[__NR_rt_sigpending] = rt_sigpending;
    table[__NR_rt_sigsuspend] = rt_sigsuspend;
    table[__NR_sigaltstack] = sigaltstack;
    table[__NR_kill] = calls::kill;
    table[__NR_tkill] = tkill;
    table[__NR_tgkill] = tgkill;
    table[__NR_pause] = pause;
    return table;
}

constexpr auto kTable = make_table();

/// Once for each number: a program that tries a newer call first would fill the log.
void report_unknown(const Process& process, std::uint32_t number) {
    static constinit std::array<std::uint32_t, 16> reported{};
    for (std::uint32_t& slot : reported) {
        if (slot == number + 1) return;
        if (slot != 0) continue;
        slot = number + 1;
        log("{} ({}): system call {} is not implemented", process.name_view(), process.id, number);
        return;
    }
}

std::uint32_t call(std::uint32_t number, const TrapFrame& frame) {
    Call* const function = number < kCalls ? kTable[number] : nullptr;
    if (function == nullptr) {
        report_unknown(current_process(), number);
        return static_cast<std::uint32_t>(-static_cast<std::int32_t>(Errno::enosys));
    }
    const CallResult result = function({frame.ebx, frame.ecx, frame.edx, frame.esi, frame.edi, frame.ebp});
    return result ? *result : static_cast<std::uint32_t>(-static_cast<std::int32_t>(result.error()));
}

}  // namespace

void dispatch_system_call(TrapFrame& frame) {
    const std::uint32_t number = frame.eax;
    ++current_process().statistics.system_calls;
    if (number == __NR_rt_sigreturn || number == __NR_sigreturn) {
        return_from_signal(frame, number == __NR_rt_sigreturn);  // the whole frame is the result
        return;
    }
    frame.eax = call(number, frame);
}

}  // namespace quire::kernel
