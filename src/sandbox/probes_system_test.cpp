// Attacks on files, the network and the kernel.
#include "sandbox/probe.h"

namespace cohort {
namespace {

constexpr auto C = ProbeKind::c, Shell = ProbeKind::shell;

constexpr Probe kProbes[] = {
    {"read_host", "reads files of the host", C,
     R"(const char* paths[] = {host_file, "/etc/shadow", "/etc/hostname", "/etc/hosts", "/etc/machine-id", "/root", "/root/.ssh", "/home", "/var/log", "/run", "/boot", "/sys",
                               "/sys/kernel", "/mnt", "/opt", "/srv", "/.host", "/.host/etc/shadow", "/.proc/1", "/tmp/..data", "/dev/shm/../../../root"};
        for (int i = 0; i < sizeof paths / sizeof *paths; ++i) TRY(open(paths[i], O_RDONLY));
        system("ls -A / /.proc | grep -q canary && echo ESCAPED; find / -xdev -name 'canary*' 2>/dev/null");)",
     kEndsWell, "end"},
    {"find_secret", "looks for the expected answer wherever it may read", Shell,
     "read s; printf %s \"$s\" | grep -rslF -f - /job/tmp /dev/shm /etc /proc/*/environ /proc/*/cmdline "
     "/proc/*/maps && "
     "echo ESCAPED; env | grep -F -- \"$s\"; echo end",
     kEndsWell, "end"},
    {"environment", "reads the environment", C,
     "extern char** environ; for (char** e = environ; *e; ++e) puts(*e); TRY(getenv(\"COHORT_CANARY\") ? 0 : "
     "-1); TRY(open(\"/proc/1/environ\", O_RDONLY)); TRY(getenv(\"LD_LIBRARY_PATH\") ? 0 : -1);",
     kEndsWell, "PATH=/usr"},
    {"descriptors_of_parent", "uses descriptors that its parent had open", C,
     "char b[256]; for (int i = 3; i < 4096; ++i) { TRY(fcntl(i, F_GETFD)); TRY(pread(i, b, 255, 0)); }",
     kEndsWell, "end"},
    {"write_outside", "writes outside its folder", C,
     R"(const char* paths[] = {host_file, "/x", "/usr/x", "/usr/bin/x", "/etc/x", "/etc/passwd", "/bin/sh", "/lib/x", "/dev/x", "/proc/x", "/usr/bin/env", "/.proc/x", "/etc/ld.so.preload"};
        for (int i = 0; i < sizeof paths / sizeof *paths; ++i) { TRY(open(paths[i], O_WRONLY | O_CREAT, 0600)); TRY(unlink(paths[i])); TRY(chmod(paths[i], 0777)); TRY(rename(paths[i], "/job/work/y")); }
        TRY(mkdir("/usr/y", 0700)); TRY(rmdir("/job")); TRY(rename("/job", "/job2")); TRY(utimensat(0, "/dev/null", 0, 0)); TRY(truncate("/usr/bin/env", 0));)",
     kEndsWell, "end"},
    {"mounts", "changes what is mounted", C,
     R"(TRY(mount("x", "/job/tmp", "tmpfs", 0, "")); TRY(mount("/usr", "/job/tmp", 0, MS_BIND, 0)); TRY(mount(0, "/usr", 0, MS_REMOUNT | MS_BIND, 0)); TRY(umount2("/proc", MNT_DETACH));
        TRY(umount2("/usr", MNT_DETACH)); TRY_SYSCALL(SYS_pivot_root, "/job", "/job/work"); TRY(chroot("/job")); TRY_SYSCALL(428, -100, "/usr", 1); TRY_SYSCALL(430, "proc", 0);
        TRY_SYSCALL(442, -100, "/usr", 0, words, 32); TRY_SYSCALL(429, -100, "/proc", -100, "/job/tmp", 0);)",
     kEndsWell, "end"},
    {"namespaces", "makes or enters namespaces", C,
     R"(int kinds[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, 0x02000000, 0x80};
        for (int i = 0; i < 8; ++i) { TRY(unshare(kinds[i])); if (i == 7) break; long p = syscall(SYS_clone, kinds[i] | SIGCHLD, 0, 0, 0, 0); if (p == 0) _exit(0); TRY(p); }
        long a[11] = {CLONE_NEWUSER}; a[4] = SIGCHLD; long p = syscall(435, a, sizeof a); if (p == 0) _exit(0); TRY(p);
        int fd = open("/proc/self/ns/user", O_RDONLY); TRY(setns(fd, 0)); TRY(open("/proc/1/ns/mnt", O_RDONLY)); TRY(open("/proc/self/uid_map", O_WRONLY) >= 0 ? write(open("/proc/self/uid_map", O_WRONLY), "0 0 1", 5) : -1);)",
     kEndsWell, "end"},
    {"symbolic_links", "links to files of the host", C,
     R"(char b[64]; TRY(symlink(host_file, "l") == 0 ? open("l", O_RDONLY) : -1); TRY(symlink("/proc/1/root/etc/shadow", "m") == 0 ? open("m", O_RDONLY) : -1);
        TRY(symlink("../../../../../../../root", "n") == 0 ? open("n", O_RDONLY) : -1); TRY(symlink("/proc/1/cwd", "o") == 0 ? open("o", O_RDONLY) : -1); symlink("p", "p"); TRY(open("p", 0));)",
     kEndsWell, "end"},
    {"hard_links", "hard links to files that are not its own", C,
     "TRY(link(\"/usr/bin/env\", \"l\")); TRY(link(\"/etc/passwd\", \"m\")); TRY(linkat(-100, "
     "\"/proc/self/exe\", -100, \"/usr/n\", AT_SYMLINK_FOLLOW)); TRY(link(host_file, \"o\"));",
     kEndsWell, "end"},
    {"proc_of_init", "reads and writes its watcher through /proc", C,
     R"(const char* names[] = {"mem", "maps", "environ", "cmdline", "root", "cwd", "exe", "fd", "fdinfo", "task", "status", "stat", "auxv", "ns/pid", "oom_score_adj", "map_files"}; char p[64];
        for (int i = 0; i < 16; ++i) { sprintf(p, "/proc/1/%s", names[i]); TRY(open(p, O_RDONLY)); TRY(open(p, O_RDWR)); sprintf(p, "/proc/%d/%s", host_pid, names[i]); TRY(open(p, O_RDONLY)); })",
     kEndsWell, "end"},
    {"proc_of_kernel", "the kernel's switches in /proc", C,
     R"(const char* paths[] = {"/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/vm/drop_caches", "/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/cmdline", "/proc/version",
                               "/proc/meminfo", "/proc/timer_list", "/proc/keys", "/proc/config.gz", "/proc/acpi", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/net", "/sys/kernel/uevent_helper"};
        for (int i = 0; i < sizeof paths / sizeof *paths; ++i) { TRY(open(paths[i], O_RDONLY)); TRY(open(paths[i], O_WRONLY)); })",
     kEndsWell, "end"},
    {"proc_of_itself", "its own entries in /proc", C,
     R"(TRY(open("/proc/self/exe", O_WRONLY)); int fd = open("/proc/self/oom_score_adj", O_WRONLY); TRY(write(fd, "-1000", 5)); TRY(write(open("/proc/self/setgroups", O_WRONLY), "allow", 5));
        TRY(write(open("/proc/self/gid_map", O_WRONLY), "0 0 1", 5)); TRY(write(open("/proc/self/attr/current", O_WRONLY), "x", 1));)",
     kEndsWell, "end"},
    {"other_processes", "looks at processes of the host", Shell,
     "ls /proc | grep '^[0-9]' | while read p; do test $p -lt 100 || echo ESCAPED $p; done; ps aux "
     "2>/dev/null | grep -c root; echo end",
     kEndsWell, "end"},
    {"devices", "opens or makes devices", C,
     R"(const char* paths[] = {"/dev/vda", "/dev/sda", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/tty", "/dev/console", "/dev/ptmx", "/dev/pts", "/dev/kvm", "/dev/fuse", "/dev/net/tun", "/dev/nvidia0", "/dev/loop-control"};
        for (int i = 0; i < sizeof paths / sizeof *paths; ++i) TRY(open(paths[i], O_RDONLY));
        TRY(mknod("disk", S_IFBLK | 0600, (254 << 8))); TRY(mknod("mem", S_IFCHR | 0600, (1 << 8) | 1)); TRY(mknod("/dev/disk", S_IFBLK | 0600, (254 << 8)));)",
     kEndsWell, "end"},
    {"terminal", "puts words into a terminal", C,
     R"(char c = 'x'; TRY(ioctl(0, TIOCSTI, &c)); TRY(ioctl(1, TIOCSTI, &c)); TRY(ioctl(2, TIOCSCTTY, 1)); TRY(ioctl(0, 0x541C, &c)); TRY(ioctl(0, TIOCNOTTY)); TRY(vhangup());
        int fd = open("f", O_CREAT | O_RDWR, 0600), flags = 16; TRY(ioctl(fd, 0x40086602, &flags)); TRY(ioctl(open("/usr", O_RDONLY), 0x40086602, &flags)); TRY(ioctl(fd, 0xC0185879, &flags));)",
     kEndsWell, "end"},
    {"tcp", "a TCP connection to the host", C,
     R"(struct sockaddr_in a = {AF_INET, htons(host_port)}; a.sin_addr.s_addr = htonl(0x7f000001); int fd = socket(AF_INET, SOCK_STREAM, 0); TRY(fd); TRY(connect(fd, (void*)&a, sizeof a));
        fd = socket(AF_INET6, SOCK_STREAM, 0); TRY(fd); TRY(listen(fd, 1)); TRY(bind(fd, (void*)&a, sizeof a));)",
     kEndsWell, "end"},
    {"udp_and_raw", "UDP, raw, netlink and other sockets", C,
     R"(TRY(socket(AF_INET, SOCK_DGRAM, 0)); TRY(socket(AF_INET, SOCK_RAW, 1)); TRY(socket(AF_NETLINK, SOCK_RAW, 0)); TRY(socket(AF_PACKET, SOCK_RAW, 0)); TRY(socket(40, SOCK_STREAM, 0)); TRY(socket(38, SOCK_SEQPACKET, 0));
        int p[2]; TRY(socketpair(AF_INET, SOCK_STREAM, 0, p)); TRY(socketpair(30, SOCK_STREAM, 0, p));)",
     kEndsWell, "end"},
    {"names", "looks up a name", Shell,
     "getent hosts example.com && echo ESCAPED; cat /etc/resolv.conf && echo ESCAPED; echo end", kEndsWell,
     "end"},
    {"network_of_shell", "bash's network files", Shell,
     "command -v bash >/dev/null && bash -c 'echo x > /dev/tcp/127.0.0.1/80 && echo ESCAPED'; ip a "
     "2>/dev/null | grep -q UP && echo ESCAPED; echo end",
     kEndsWell, "end"},
    {"unix_sockets", "sockets of the host in the file system and in the abstract", C,
     R"(struct sockaddr_un a = {AF_UNIX}; int fd = socket(AF_UNIX, SOCK_STREAM, 0); TRY(fd); strcpy(a.sun_path, host_socket); TRY(connect(fd, (void*)&a, sizeof a));
        sprintf(a.sun_path + 1, "cohort-%d", host_pid); a.sun_path[0] = 0; TRY(connect(fd, (void*)&a, 3 + strlen(a.sun_path + 1))); int p[2]; socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
        TRY(connect(p[0], (void*)&a, 3 + strlen(a.sun_path + 1))); TRY(sendto(p[0], "x", 1, 0, (void*)&a, 3 + strlen(a.sun_path + 1))); TRY(bind(p[0], (void*)&a, sizeof a));)",
     kEndsWell, "end"},
    {"pass_descriptors", "passes descriptors through sockets, to hold more than it may", C,
     "int p[2]; socketpair(AF_UNIX, SOCK_STREAM, 0, p); struct msghdr m = {0}; TRY(sendmsg(p[0], &m, 0)); "
     "TRY(recvmsg(p[1], &m, 0));",
     kEndsWell, "end"},
    {"keys", "the kernel's keys", C,
     "TRY_SYSCALL(SYS_keyctl, 0, -3, 1); TRY_SYSCALL(SYS_add_key, \"user\", \"x\", \"y\", 1, -3); "
     "TRY_SYSCALL(SYS_request_key, \"user\", \"x\", 0, -3); TRY_SYSCALL(SYS_keyctl, 1, 0);",
     kEndsWell, "end"},
    {"kernel_programs", "BPF, io_uring, perf and userfaultfd, where holes are found", C,
     "char z[256] = {0}; TRY_SYSCALL(SYS_bpf, 0, z, 128); TRY_SYSCALL(425, 8, z); "
     "TRY_SYSCALL(SYS_perf_event_open, z, 0, -1, -1, 0); TRY_SYSCALL(SYS_userfaultfd, 1); TRY_SYSCALL(427, "
     "0, 0, 0, 0);"
     "TRY_SYSCALL(SYS_io_setup, 8, z); TRY_SYSCALL(SYS_vmsplice, 1, z, 0, 0); TRY_SYSCALL(SYS_splice, 0, 0, "
     "1, 0, 1, 0); TRY_SYSCALL(SYS_add_key, z, z, "
     "z, 1, -1); TRY_SYSCALL(444, 0, 0, 1);",
     kEndsWell, "end"},
    {"handles", "opens files by handles, past all paths", C,
     "char h[256] = {128}; int id; TRY(name_to_handle_at(-100, \"/usr\", (void*)h, &id, 0)); "
     "TRY(open_by_handle_at(0, (void*)h, 0)); TRY_SYSCALL(SYS_lookup_dcookie, 1, h, 1);",
     kEndsWell, "end"},
    {"machine", "modules, clocks, names, swap, accounting, the log, restarts", C,
     R"(char z[256] = {0}; struct timespec t = {0}; TRY_SYSCALL(SYS_init_module, z, 1, z); TRY_SYSCALL(SYS_finit_module, 0, z, 0); TRY_SYSCALL(SYS_delete_module, z, 0); TRY_SYSCALL(SYS_kexec_load, 0, 0, 0, 0);
        TRY_SYSCALL(SYS_reboot, 0xfee1dead, 672274793, 0, 0); TRY_SYSCALL(SYS_swapon, "f", 0); TRY_SYSCALL(SYS_acct, "f"); TRY_SYSCALL(SYS_syslog, 3, z, 256); TRY_SYSCALL(SYS_clock_settime, 0, &t);
        TRY_SYSCALL(SYS_settimeofday, z, 0); TRY_SYSCALL(SYS_adjtimex, z); TRY_SYSCALL(SYS_sethostname, "x", 1); TRY_SYSCALL(SYS_setdomainname, "x", 1); TRY_SYSCALL(SYS_quotactl, 0, 0, 0, 0); TRY_SYSCALL(SYS_personality, 0x0400000);)",
     kEndsWell, "end"},
#if defined(__x86_64__)
    {"ports", "the machine's ports and segments", C,
     "TRY_SYSCALL(SYS_iopl, 3); TRY_SYSCALL(SYS_ioperm, 0, 8, 1); TRY_SYSCALL(SYS_modify_ldt, 0, words, 1);",
     kEndsWell, "end"},
    {"x32_calls", "system calls by the numbers of another interface", C,
     "syscall(0x40000000 + 39); puts(\"ESCAPED\");", kCrash, nullptr},
    {"i386_calls", "32-bit system calls, which a filter for 64 bits does not know", C,
     "long r; asm volatile(\"int $0x80\" : \"=a\"(r) : \"a\"(20L)); if (r > 0) puts(\"ESCAPED\");", kCrash,
     nullptr},
#endif
};

class SystemProbes : public testing::TestWithParam<Probe> {};
TEST_P(SystemProbes, Contained) { run_probe(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Attack, SystemProbes, testing::ValuesIn(kProbes), probe_name);

// Catches: one run that sees what another, at the same time, has in its folders, processes or shared memory.
TEST(Isolation, JobsAtTheSameTimeSeeNothingOfOneAnother) {
  SandboxPool pool;
  REQUIRE_SANDBOX(pool.support());
  Job hides, looks;
  hides.argv = {"sh", "-c", "for d in . /tmp /dev/shm; do echo secret > $d/hidden; done; sleep 0.6",
                "hidden-argument"};
  looks.argv = {"sh", "-c",
                "sleep 0.3; find / -name hidden 2>/dev/null; grep -l 'hidden-argumen[t]' /proc/*/cmdline; "
                "set -- /proc/[0-9]*; echo $#"};
  const std::vector<JobResult> results = pool.run(std::vector<Job>{hides, looks});
  EXPECT_EQ(results[0].outcome, JobOutcome::ok) << results[0].reason;
  EXPECT_EQ(results[1].out, "1\n") << "its own process, and nothing found";
}

}  // namespace
}  // namespace cohort
