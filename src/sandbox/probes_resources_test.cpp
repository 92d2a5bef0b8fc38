// Attacks on memory, disk, descriptors, output and the compiler.
#include "sandbox/probe.h"

namespace cohort {
namespace {

constexpr auto C = ProbeKind::c, Shell = ProbeKind::shell, Compiler = ProbeKind::compiler;

constexpr Probe kProbes[] = {
    {"memory_bomb", "takes memory until none is left", C,
     "for (;;) { char* p = malloc(1 << 20); if (p) memset(p, 1, 1 << 20); }", kMemory, nullptr},
    {"memory_in_children", "takes memory in many processes, each below the limit", C,
     "for (int i = 0; i < 16; ++i) if (fork() == 0) { char* p = malloc(48 << 20); memset(p, 1, 48 << 20); "
     "pause(); } pause();",
     kMemory, nullptr},
    {"memory_after_main", "takes memory in a thread when the first has ended", C,
     R"(void* f(void* x) { usleep(20000); for (int i = 0; i < 30; ++i) { char* p = malloc(16 << 20); if (p) memset(p, 1, 16 << 20); usleep(10000); } for (;;) pause(); }
        pthread_t t; pthread_create(&t, 0, f, 0); pthread_exit(0);)",
     kMemory, nullptr},
    {"memory_shared", "takes shared memory", C,
     "for (int i = 0; i < 30; ++i) { char* p = mmap(0, 16 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0); if "
     "(p != MAP_FAILED) memset(p, 1, 16 << 20); usleep(10000); } pause();",
     kMemory, nullptr},
    {"memory_reserved", "reserves more than there is", C,
     "for (int i = 0; i < 64; ++i) TRY(mmap(0, 1UL << 40, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, "
     "-1, 0) == MAP_FAILED ? -1 : 0);",
     kEndsWell, "end"},
    {"memory_locked", "locks memory", C,
     "char* p = malloc(1 << 20); TRY(mlock(p, 1 << 20)); TRY(mlockall(3));", kEndsWell, "end"},
    {"memory_from_kernel", "memory that no limit of a process counts: memfd, System V, queues", C,
     R"(TRY_SYSCALL(SYS_memfd_create, "x", 0); TRY_SYSCALL(SYS_shmget, 0, 1 << 20, 01600); TRY_SYSCALL(SYS_semget, 0, 100, 01600); TRY_SYSCALL(SYS_msgget, 0, 01600);
        TRY_SYSCALL(SYS_mq_open, "x", 0102, 0600, 0); TRY_SYSCALL(447, 0);)",
     kEndsWell, "end"},
    {"exec_from_memory", "runs a program that stands in no file", C,
     R"(int fd = syscall(SYS_memfd_create, "x", 0); TRY(fd); TRY_SYSCALL(SYS_execveat, fd < 0 ? 0 : fd, "", words, 0, 0x1000);)",
     kEndsWell, "end"},
    {"disk_filler", "fills its disk", C,
     R"(char* b = calloc(1, 1 << 20); int fd = open("x", O_CREAT | O_WRONLY, 0600), n = 0; signal(SIGXFSZ, SIG_IGN); while (n < 1000 && write(fd, b, 1 << 20) == 1 << 20) ++n;
        fd = open("/tmp/y", O_CREAT | O_WRONLY, 0600); while (n < 1000 && write(fd, b, 1 << 20) == 1 << 20) ++n;
        printf("%s\n", n <= 16 ? "full" : "ESCAPED");)",
     kEndsWell, "full"},
    {"file_flood", "as many files as it can", C,
     R"(char name[32]; int n = 0; for (;;) { sprintf(name, "f%d", n); int fd = open(name, O_CREAT | O_WRONLY, 0600); if (fd < 0 || ++n > 100000) break; close(fd); }
        printf("%s\n", n < 5000 ? "full" : "ESCAPED");)",
     kEndsWell, "full"},
    {"deep_folders", "folders within folders without end", C,
     "for (int i = 0; i < 100000; ++i) if (mkdir(\"d\", 0700) || chdir(\"d\")) break;", kEndsWell, "end"},
    {"sparse_file", "a file of a terabyte that takes no room", C,
     "signal(SIGXFSZ, SIG_IGN); int fd = open(\"x\", O_CREAT | O_RDWR, 0600); TRY(ftruncate(fd, 1L << 40)); "
     "TRY(pwrite(fd, \"x\", 1, 1L << 40));",
     kEndsWell, "end"},
    {"fallocate", "reserves disk without writing", C,
     "signal(SIGXFSZ, SIG_IGN); int fd = open(\"x\", O_CREAT | O_RDWR, 0600); TRY(fallocate(fd, 0, 0, 1L << "
     "30)); TRY(fallocate(fd, 0, 0, 17L << 20));",
     kEndsWell, "end"},
    {"shm_filler", "fills /dev/shm", Shell,
     "head -c 100m /dev/zero > /dev/shm/x && echo ESCAPED; test $(stat -c %s /dev/shm/x) -lt 20000000 && "
     "echo full",
     kAnyEnd, nullptr},
    {"output_flood", "floods its output", Shell, "yes \"$(head -c 4000 /dev/zero | tr '\\0' x)\"", kFlood,
     nullptr},
    {"error_flood", "floods its error output", Shell, "yes >&2", kFlood, nullptr},
    {"output_by_many", "floods its output from many processes", C,
     "for (int i = 0; i < 4; ++i) fork(); char b[65536]; memset(b, 'x', sizeof b); for (;;) write(1, b, "
     "sizeof b);",
     kFlood, nullptr},
    {"descriptors", "opens files until none is left", C,
     "int n = 0; while (n < 100000 && open(\"/dev/null\", 0) >= 0) ++n; printf(\"%s\\n\", n <= 64 ? \"few\" "
     ": \"ESCAPED\");",
     kEndsWell, "few"},
    {"pipes", "fills pipes and socket pairs", C,
     R"(char b[65536]; for (int i = 0; i < 100; ++i) { int p[2]; if (i % 2 ? pipe(p) : socketpair(AF_UNIX, SOCK_STREAM, 0, p)) break; fcntl(p[1], F_SETFL, O_NONBLOCK); fcntl(p[1], F_SETPIPE_SZ, 1 << 24); while (write(p[1], b, sizeof b) > 0); })",
     kEndsWell, "end"},
    {"timers", "timers and signals without end", C,
     "timer_t t; int n = 0; struct sigevent e = {0}; e.sigev_notify = SIGEV_NONE; while (n < 1000000 && "
     "timer_create(0, &e, &t) == 0) ++n; printf(\"%s\\n\", n < 1000 ? \"few\" : \"ESCAPED\");",
     kEndsWell, "few"},
    {"watches", "inotify and fanotify, whose limits are the user's", C,
     "TRY_SYSCALL(SYS_inotify_init1, 0); TRY_SYSCALL(SYS_fanotify_init, 0, 0);", kEndsWell, "end"},
    {"core_dump", "a huge core dump", C,
     "char* p = malloc(100 << 20); memset(p, 1, 100 << 20); struct rlimit l = {~0UL, ~0UL}; "
     "TRY(setrlimit(RLIMIT_CORE, &l)); abort();",
     kCrash, nullptr},
    {"fifo", "opens a fifo that nobody writes to", Shell, "mkfifo p; cat p", kTimeout, kWall},
    {"waits_for_input", "reads more input than there is", Shell,
     "cat >/dev/null; cat; cat /dev/stdin >/dev/null; echo end", kEndsWell, "end"},
    {"sync", "makes the host write its disks", C, "TRY_SYSCALL(SYS_sync); TRY_SYSCALL(SYS_syncfs, 0);",
     kEndsWell, "end"},
    {"binary_output", "output that is no text", Shell,
     "printf '\\377\\376\\000\\300\\200\\033[2J'; head -c 1000 /dev/urandom; echo end", kEndsWell, "end"},

    {"include_zero", "includes a file without end", Compiler, "#include \"/dev/zero\"\nint main() {}",
     kAnyEnd & ~kEndsWell, nullptr},
    {"include_random", "includes noise without end", Compiler, "#include \"/dev/urandom\"\nint main() {}",
     kAnyEnd & ~kEndsWell, nullptr},
    {"include_input", "includes the compiler's input", Compiler, "#include \"/dev/stdin\"\nint main() {}",
     kEndsWell | kFails, nullptr},
    {"include_itself", "includes itself without end", Compiler,
     "#include \"main.cpp\"\n#include \"main.cpp\"\nint main() {}", kAnyEnd & ~kEndsWell, nullptr},
    {"include_secrets", "the compiler's errors tell a file of the host's", Compiler,
     "#include \"/etc/shadow\"\n#include \"/proc/1/environ\"\nint main() {}", kFails, "fatal error"},
    {"incbin", "the assembler reads a file of the host's", Compiler,
     "asm(\".incbin \\\"/etc/shadow\\\"\");\nint main() {}", kFails, nullptr},
    {"template_bomb", "templates without end", Compiler,
     "template <int N, int M> struct F { static const long v = F<N - 1, M>::v + F<N - 1, M + 1>::v; "
     "};\ntemplate <int M> struct F<0, M> { static const long v = M; };\nint main() { return F<3000, 0>::v; "
     "}",
     kAnyEnd & ~kEndsWell, nullptr},
    {"constexpr_loop", "a constant that takes forever", Compiler,
     "constexpr long f() { long s = 0; for (long i = 0; i < 1L << 50; ++i) s += i; return s; }\nconstexpr "
     "long x = f();\nint main() {}",
     kAnyEnd & ~kEndsWell, nullptr},
    {"macro_bomb", "macros that double", Compiler,
     "#define A(x) x,x,x,x,x,x,x,x\n#define B(x) A(A(A(A(x))))\n#define D(x) B(B(B(x)))\nint a[] = "
     "{D(1)};\nint main() {}",
     kAnyEnd & ~kEndsWell, nullptr},
    {"huge_array", "a program of a terabyte", Compiler, "char a[1L << 40] = {1};\nint main() {}",
     kAnyEnd & ~kEndsWell, nullptr},
};

class ResourceProbes : public testing::TestWithParam<Probe> {};
TEST_P(ResourceProbes, Contained) { run_probe(GetParam()); }
INSTANTIATE_TEST_SUITE_P(Attack, ResourceProbes, testing::ValuesIn(kProbes), probe_name);

}  // namespace
}  // namespace cohort
