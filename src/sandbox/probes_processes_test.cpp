// Attacks by processes and signals.
#include "sandbox/probe.h"

namespace cohort {
namespace {

constexpr auto C = ProbeKind::c, Shell = ProbeKind::shell;

constexpr Probe kProbes[] = {
    {"fork_bomb", "forks without end", C, "for (;;) fork();", kTimeout, kCpu},
    {"fork_bomb_shell", "the shell's fork bomb", Shell, "f() { f | f & }; f; f; sleep 1", kAnyEnd, nullptr},
    {"vfork_exec_loop", "starts itself again and again", C,
     "for (;;) if (vfork() == 0) { execl(words[0], words[0], words[1], 0); _exit(1); }", kTimeout, kCpu},
    {"exec_loop", "replaces itself without end", Shell, "exec sh main.sh \"$1\"", kTimeout, kCpu},
    {"thread_bomb", "thousands of threads", C,
     R"(pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 65536); pthread_t t; int n = 0;
        while (n < 100000 && pthread_create(&t, &a, (void* (*)(void*))pause, 0) == 0) ++n;
        printf("%s threads\n", n < 64 ? "few" : "ESCAPED");)",
     kEndsWell, "few threads"},
    {"zombie_flood", "children that nobody waits for", C,
     R"(int n = 0, pid; while (n < 100000 && (pid = fork()) >= 0) { if (pid == 0) _exit(0); ++n; }
        printf("%s zombies\n", n < 64 ? "few" : "ESCAPED");)",
     kEndsWell, "few zombies"},
    {"orphan_flood", "children of children, left to the first process", C,
     "for (;;) { int pid = fork(); if (pid == 0) { if (fork() == 0) pause(); _exit(0); } if (pid > 0) "
     "waitpid(pid, 0, 0); }",
     kTimeout, kCpu},
    {"endless_loop", "computes without end", C, "for (volatile long i = 0;; ++i);", kTimeout, kCpu},
    {"many_loops", "computes without end in many processes", C,
     "for (int i = 0; i < 16; ++i) fork(); for (;;);", kTimeout, kCpu},
    {"cpu_in_short_children", "spends CPU time in children that end before they are looked at", C,
     "for (;;) { int pid = fork(); if (pid == 0) { for (volatile int i = 0; i < 1000000; ++i); _exit(0); } "
     "waitpid(pid, 0, 0); }",
     kTimeout, kCpu},
    {"cpu_relay", "hands its CPU time on from orphan to orphan", C,
     "if (fork() == 0) for (;;) { for (volatile int i = 0; i < 10000000; ++i); if (fork() > 0) _exit(0); } "
     "pause();",
     kTimeout, kCpu},
    {"ignores_signals", "ignores every signal that it can", C,
     "for (int s = 1; s < 65; ++s) signal(s, SIG_IGN); for (;;);", kTimeout, kCpu},
    {"handles_xcpu", "goes on after SIGXCPU", C,
     "signal(SIGXCPU, SIG_IGN); signal(SIGTERM, SIG_IGN); signal(SIGINT, SIG_IGN); for (;;);", kTimeout,
     kCpu},
    {"blocks_signals", "blocks every signal", C,
     "sigset_t all; sigfillset(&all); sigprocmask(SIG_BLOCK, &all, 0); for (;;) pause();", kTimeout, kWall},
    {"sleeps", "sleeps to keep a worker busy", C, "sleep(1000);", kTimeout, kWall},
    {"stops_itself", "stops itself with SIGSTOP", C, "raise(SIGSTOP);", kTimeout, kWall},
    {"daemon", "leaves a daemon behind: double fork, new session", C,
     R"(if (fork() == 0) { setsid(); if (fork() == 0) { for (int i = 0; i < 1024; ++i) close(i); signal(SIGHUP, SIG_IGN); for (;;) sleep(1); } _exit(0); })",
     kEndsWell, "end"},
    {"daemon_with_output", "leaves a child that keeps the output open", C,
     "if (fork() == 0) { for (;;) sleep(1); }", kEndsWell, "end"},
    {"daemon_busy", "leaves children that compute", C,
     "for (int i = 0; i < 8; ++i) if (fork() == 0) for (;;);", kAnyEnd, nullptr},
    {"kill_parent", "kills its parent", C,
     "for (int s = 1; s < 65; ++s) if (s != SIGCHLD) kill(getppid(), s); kill(getppid(), SIGKILL); "
     "usleep(100000);",
     kEndsWell, "end"},
    {"stop_parent", "stops the process that watches it", C, "kill(1, SIGSTOP); kill(1, SIGTSTP); for (;;);",
     kTimeout, kCpu},
    {"kill_all", "kills everything that it may", C, "kill(-1, SIGTERM); kill(-1, SIGKILL); usleep(50000);",
     kAnyEnd, nullptr},
    {"kill_host", "kills processes of the host by number", C,
     "TRY(kill(host_pid, 0) == 0 && host_pid > 64 ? 0 : -1); for (int p = 64; p < 40000; ++p) TRY(kill(p, "
     "SIGKILL));",
     kEndsWell, "end"},
    {"signal_group", "signals its process group", C, "kill(0, SIGKILL); pause();", kCrash, nullptr},
    {"signal_hang_up", "a hang-up to the session", C, "setsid(); kill(0, SIGHUP); pause();", kCrash, nullptr},
    {"crash_loop", "crashes in many children", C,
     "for (int i = 0; i < 100; ++i) { int p = fork(); if (p == 0) abort(); waitpid(p, 0, 0); }", kEndsWell,
     "end"},
    {"deep_recursion", "recursion without end", C, "attack(count + 1, words); printf(\"%d\", count);", kCrash,
     nullptr},
    {"closes_stdio", "closes its input and output and goes on", C,
     "close(0); close(1); close(2); for (;;) pause();", kTimeout, kWall},
    {"reopens_output", "opens its output again to write past the limit", C,
     "for (;;) { int fd = open(\"/proc/self/fd/1\", O_WRONLY); if (fd < 0) fd = 1; char b[65536]; memset(b, "
     "'x', sizeof b); write(fd, b, sizeof b); close(fd); }",
     kFlood | kTimeout, nullptr},
    {"ptrace", "traces and reads other processes", C,
     R"(char b[8]; struct { void* p; size_t n; } v = {b, 8}; TRY(syscall(SYS_ptrace, 0, 0, 0, 0)); TRY(syscall(SYS_ptrace, 16, 1, 0, 0));
        TRY(syscall(SYS_process_vm_readv, 1, &v, 1, &v, 1, 0)); TRY(syscall(SYS_process_vm_writev, getppid(), &v, 1, &v, 1, 0));
        TRY(syscall(SYS_kcmp, 1, getpid(), 0, 0, 0)); TRY(syscall(SYS_pidfd_getfd, 3, 0, 0));)",
     kEndsWell, "end"},
    {"set_uid", "becomes root, by calls and by set-uid programs", C,
     R"(TRY(setuid(0)); TRY(setgid(0)); TRY(setreuid(0, 0)); TRY(setresuid(0, 0, 0)); TRY(setresgid(0, 0, 0)); TRY(setgroups(0, 0));
        chmod(words[0], 06755); if (geteuid() == 0 || getuid() == 0) puts("ESCAPED root");
        if (count == 2 && fork() == 0) { execl(words[0], words[0], "again", "again", 0); _exit(1); } wait(0);
        system("for p in /usr/bin/su /usr/bin/passwd /usr/bin/mount; do test -u $p && $p --version >/dev/null; done; test $(id -u) = 0 && echo ESCAPED");)",
     kEndsWell, "end"},
    {"capabilities", "takes capabilities back", C,
     R"(unsigned h[2] = {0x20080522, 0}, d[6] = {~0u, ~0u, ~0u, ~0u, ~0u, ~0u}; TRY(syscall(SYS_capset, h, d));
        TRY(prctl(PR_SET_SECUREBITS, 0)); TRY(prctl(PR_SET_KEEPCAPS, 1)); TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
        TRY(prctl(PR_SET_DUMPABLE, 1)); TRY(prctl(PR_SET_SECCOMP, 2, 0)); TRY(prctl(PR_SET_CHILD_SUBREAPER, 1));)",
     kEndsWell, "end"},
    {"capabilities_left", "uses capabilities that were not taken away", Shell,
     "grep '^Cap' /proc/self/status | grep -v 0000000000000000 && echo ESCAPED; grep -E "
     "'^(NoNewPrivs|Seccomp):' "
     "/proc/self/status | tr -d '\\n\\t'",
     kEndsWell, "NoNewPrivs:1Seccomp:2"},
    {"raise_limits", "raises its limits, or lowers those of its parent", C,
     R"(int r[] = {RLIMIT_NPROC, RLIMIT_CPU, RLIMIT_AS, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_STACK};
        for (int i = 0; i < 6; ++i) { struct rlimit l; getrlimit(r[i], &l); l.rlim_cur = l.rlim_max + 1; l.rlim_max = l.rlim_cur; TRY(setrlimit(r[i], &l)); }
        struct rlimit none = {0, 0}; TRY(prlimit(1, RLIMIT_CPU, &none, 0)); TRY(prlimit(getppid(), RLIMIT_NOFILE, &none, 0));
        TRY(setrlimit(RLIMIT_CORE, &none)); TRY(prlimit(0, RLIMIT_CORE, &none, 0));)",
     kEndsWell, "end"},
    {"priority", "takes the machine's time by priority, or its watcher's away", C,
     R"(struct sched_param p = {1}; TRY(setpriority(PRIO_PROCESS, 0, -20)); TRY(setpriority(PRIO_PROCESS, 1, 19)); TRY(sched_setscheduler(0, SCHED_FIFO, &p));
        TRY(sched_setscheduler(1, SCHED_IDLE, &p)); unsigned long m = 1; TRY(sched_setaffinity(1, sizeof m, (void*)&m)); TRY(syscall(SYS_ioprio_set, 1, 0, 0x2000));)",
     kEndsWell, "end"},
};

class ProcessProbes : public testing::TestWithParam<Probe> {};
TEST_P(ProcessProbes, Contained) { run_probe(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Attack, ProcessProbes, testing::ValuesIn(kProbes), probe_name);

}  // namespace
}  // namespace cohort
