#include "sandbox/syscalls.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

namespace cohort {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "the sandbox's list of system calls knows x86-64 and 64-bit Arm"
#endif

constexpr long kAllowed[] = {
    // files and folders
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_openat, SYS_close, SYS_close_range, SYS_lseek, SYS_fstat, SYS_newfstatat,
    SYS_statx, SYS_statfs, SYS_fstatfs, SYS_faccessat, SYS_faccessat2, SYS_getdents64, SYS_getcwd, SYS_chdir,
    SYS_fchdir, SYS_mkdirat, SYS_mknodat, SYS_unlinkat, SYS_linkat, SYS_symlinkat, SYS_readlinkat,
    SYS_renameat, SYS_renameat2, SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_umask,
    SYS_truncate, SYS_ftruncate, SYS_fallocate, SYS_fadvise64, SYS_readahead, SYS_fsync, SYS_fdatasync,
    SYS_flock, SYS_copy_file_range, SYS_sendfile, SYS_dup, SYS_dup3, SYS_fcntl, SYS_pipe2, SYS_getxattr,
    SYS_lgetxattr, SYS_fgetxattr, SYS_listxattr, SYS_llistxattr, SYS_flistxattr,
    // memory
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_msync, SYS_mincore, SYS_mlock,
    SYS_munlock, SYS_get_mempolicy, SYS_membarrier,
    // processes, threads and signals, all of the job's own
    SYS_execve, SYS_exit, SYS_exit_group, SYS_wait4, SYS_waitid, SYS_kill, SYS_tkill, SYS_tgkill, SYS_getpid,
    SYS_getppid, SYS_gettid, SYS_getpgid, SYS_setpgid, SYS_getsid, SYS_setsid, SYS_getuid, SYS_geteuid,
    SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups, SYS_setuid, SYS_setgid,
    SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_getrusage, SYS_getrlimit, SYS_getpriority,
    SYS_capget, SYS_set_tid_address, SYS_set_robust_list, SYS_get_robust_list, SYS_futex, SYS_rseq,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_sched_getscheduler, SYS_sched_getparam,
    SYS_sched_get_priority_max, SYS_sched_get_priority_min, SYS_getcpu, SYS_rt_sigaction, SYS_rt_sigprocmask,
    SYS_rt_sigreturn, SYS_rt_sigpending, SYS_rt_sigsuspend, SYS_rt_sigtimedwait, SYS_rt_sigqueueinfo,
    SYS_sigaltstack, SYS_restart_syscall,
    // waiting and time
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_signalfd4,
    SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_nanosleep, SYS_clock_nanosleep,
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_times, SYS_getitimer, SYS_setitimer,
    SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun, SYS_timer_delete,
    // on a socketpair
    SYS_sendto, SYS_recvfrom, SYS_shutdown, SYS_getsockname, SYS_getpeername, SYS_getsockopt,
    // the system
    SYS_uname, SYS_sysinfo, SYS_getrandom};

// Older forms, which 64-bit Arm never had.
#if defined(__x86_64__)
constexpr long kOlder[] = {
    SYS_open,    SYS_creat,    SYS_stat,  SYS_lstat,   SYS_access,    SYS_mkdir,        SYS_rmdir,
    SYS_mknod,   SYS_unlink,   SYS_link,  SYS_symlink, SYS_readlink,  SYS_rename,       SYS_chmod,
    SYS_chown,   SYS_lchown,   SYS_utime, SYS_utimes,  SYS_futimesat, SYS_getdents,     SYS_dup2,
    SYS_pipe,    SYS_fork,     SYS_vfork, SYS_poll,    SYS_select,    SYS_epoll_create, SYS_epoll_wait,
    SYS_eventfd, SYS_signalfd, SYS_alarm, SYS_pause,   SYS_time,      SYS_getpgrp,      SYS_arch_prctl};
#else
constexpr std::initializer_list<long> kOlder;
#endif

constexpr long kTerminalQuestions[] = {TCGETS,  TIOCGWINSZ, TIOCGPGRP, FIONREAD,
                                       FIONBIO, FIOCLEX,    FIONCLEX,  FIOASYNC};
constexpr long kOwnProcessOptions[] = {
    PR_SET_NAME,     PR_GET_NAME,         PR_SET_PDEATHSIG, PR_GET_PDEATHSIG, PR_GET_DUMPABLE,
    PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,   PR_SET_VMA,       PR_GET_SECUREBITS};

constexpr uint32_t kReturnAllow = SECCOMP_RET_ALLOW, kReturnKill = SECCOMP_RET_KILL_PROCESS;
constexpr uint32_t return_error(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

class Filter {
 public:
  Filter() {
    load(offsetof(seccomp_data, arch));
    jump(BPF_JEQ, kArchitecture, 1, 0);
    answer(kReturnKill);
    load(offsetof(seccomp_data, nr));
#if defined(__x86_64__)
    jump(BPF_JGE, 0x40000000, 0, 1);  // x32
    answer(kReturnKill);
#endif
  }
  void allow(long call) {
    jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 1);
    answer(kReturnAllow);
  }
  void refuse(long call, int error) {
    jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 1);
    answer(return_error(error));
  }
  // Allowed where the low 32 bits of the argument (all that the kernel looks at in these calls) are one of
  // `values`.
  template <class Values>
  void allow_argument(long call, int argument, const Values& values, int error) {
    const auto count = static_cast<uint8_t>(std::size(values));
    jump(BPF_JEQ, static_cast<uint32_t>(call), 0, static_cast<uint8_t>(2 * count + 2));
    load_argument(argument);
    for (const long value : values) {
      jump(BPF_JEQ, static_cast<uint32_t>(value), 0, 1);
      answer(kReturnAllow);
    }
    answer(return_error(error));
  }
  void allow_without_bits(long call, int argument, uint32_t bits, int error) {
    jump(BPF_JEQ, static_cast<uint32_t>(call), 0, 4);
    load_argument(argument);
    jump(BPF_JSET, bits, 1, 0);
    answer(kReturnAllow);
    answer(return_error(error));
  }
  // For limits: only of the calling process (where the call names one), and never that of core dumps, for the
  // kernel starts the host's crash reporter unless that limit stays at 1.
  void allow_limits(long call, int resource_argument, bool names_process) {
    jump(BPF_JEQ, static_cast<uint32_t>(call), 0, static_cast<uint8_t>(names_process ? 7 : 4));
    if (names_process) {
      load_argument(0);
      jump(BPF_JEQ, 0, 1, 0);
      answer(return_error(EPERM));
    }
    load_argument(resource_argument);
    jump(BPF_JEQ, RLIMIT_CORE, 1, 0);
    answer(kReturnAllow);
    answer(return_error(EPERM));
  }
  std::vector<sock_filter> finish() {
    answer(return_error(ENOSYS));
    return std::move(code_);
  }

 private:
  void load(size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)));
  }
  void load_argument(int i) {
    load(offsetof(seccomp_data, args) + sizeof(uint64_t) * static_cast<size_t>(i));
  }
  void jump(uint16_t test, uint32_t value, uint8_t yes, uint8_t no) {
    code_.push_back(BPF_JUMP(static_cast<uint16_t>(BPF_JMP | test | BPF_K), value, yes, no));
  }
  void answer(uint32_t value) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, value)); }
  std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> syscall_filter() {
  Filter filter;
  for (const long call : kAllowed) filter.allow(call);
  for (const long call : kOlder) filter.allow(call);
  const uint32_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                              CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE | CLONE_PIDFD;
  filter.allow_without_bits(SYS_clone, 0, namespaces,
                            EPERM);  // clone3 cannot be looked into: ENOSYS, libc falls back
  filter.allow_argument(SYS_socketpair, 0, std::initializer_list<long>{AF_UNIX}, EPERM);
  filter.refuse(SYS_socket, EPERM);
  filter.allow_argument(SYS_ioctl, 1, kTerminalQuestions, ENOTTY);
  filter.allow_argument(SYS_prctl, 0, kOwnProcessOptions, EINVAL);
  filter.allow_argument(SYS_personality, 0, std::initializer_list<long>{0xffffffffL}, EPERM);
  filter.allow_argument(SYS_sched_setaffinity, 0, std::initializer_list<long>{0}, EPERM);
  filter.allow_limits(SYS_prlimit64, 1, true);
  filter.allow_limits(SYS_setrlimit, 0, false);
  return filter.finish();
}

bool install_filter(const std::vector<sock_filter>& filter) {
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           const_cast<sock_filter*>(filter.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0;
}

}  // namespace cohort
