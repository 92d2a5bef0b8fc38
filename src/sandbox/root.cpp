#include "sandbox/root.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/check.h"
#include "sandbox/user.h"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr char kHost[] = "/.host";  // the old root, while the new one is built
constexpr char kHostProc[] =
    "/.proc";  // the kernel lets a namespace mount /proc only where it already has one
constexpr int64_t kFilesPerJob = 4096;

void make_folder(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) fail_errno("mkdir " + path);
}

void make_file(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) fail_errno("create " + path);
  const ssize_t n = write(fd, text.data(), text.size());
  close(fd);
  if (n != static_cast<ssize_t>(text.size())) fail_errno("write " + path);
}

void make_link(const char* to, const char* path) {
  if (symlink(to, path) != 0) fail_errno(fmt::format("symlink {}", path));
}

void restrict(const std::string& path, uint64_t attributes, bool below) {
  mount_attr attr{};
  attr.attr_set = attributes;
  if (syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), below ? AT_RECURSIVE : 0, &attr, sizeof attr) != 0)
    fail_errno("mount_setattr " + path, errno == ENOSYS ? "needs Linux 5.12" : "");
}

// The host's `path` under the same name in the new root. Symbolic links are made again, not followed.
void show(const std::string& path, uint64_t attributes) {
  const std::string host = kHost + path;
  struct stat info;
  if (lstat(host.c_str(), &info) != 0) fail_errno("reading " + path);
  fs::path parent = "/";
  for (const fs::path& part : fs::path(path).parent_path().relative_path()) make_folder((parent /= part));
  if (S_ISLNK(info.st_mode)) return make_link(fs::read_symlink(host).c_str(), path.c_str());
  if (S_ISDIR(info.st_mode))
    make_folder(path);
  else
    make_file(path, "");
  if (mount(host.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
    fail_errno("bind mount of " + path);
  restrict(path, attributes, true);
}

bool on_host(const std::string& path) {
  struct stat info;
  return lstat((kHost + path).c_str(), &info) == 0;
}

}  // namespace

void enter_private_root(std::span<const std::string> read_only) {
  umask(022);
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail_errno("making mounts private");
  const char* base = "/tmp";
  if (mount("sandbox", base, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0755") != 0)
    fail_errno("mounting a tmpfs");
  if (mkdir(fmt::format("{}{}", base, kHost).c_str(), 0755) != 0) fail_errno("mkdir");
  if (chdir(base) != 0 || syscall(SYS_pivot_root, ".", kHost + 1) != 0) fail_errno("pivot_root");
  if (chdir("/") != 0) fail_errno("chdir");

  const uint64_t kSystem = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  show("/usr", kSystem);
  for (const char* path : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives",
                           "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime"})
    if (on_host(path)) show(path, kSystem);
  for (const std::string& path : read_only) {
    const fs::path normal = fs::path(path).lexically_normal();
    if (!normal.is_absolute() || normal == "/")
      fail("a folder that jobs may read: expected an absolute path, found \"{}\"", path);
    const std::string first = *++normal.begin();
    for (const char* own : {"job", "tmp", "dev", "proc"})
      if (first == own)
        fail("a folder that jobs may read: {} lies in /{}, and jobs have one of their own", path, own);
    show(normal.string(), kSystem);
  }
  // Devices: neither their contents nor their owners and times can be changed; writing to them is what they
  // are for.
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
    if (on_host(path)) show(path, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  make_link("/proc/self/fd", "/dev/fd");
  make_link("fd/0", "/dev/stdin");
  make_link("fd/1", "/dev/stdout");
  make_link("fd/2", "/dev/stderr");
  make_link("/job/shm", "/dev/shm");
  make_link("/job/tmp", "/tmp");
  make_file("/etc/passwd", fmt::format("user:x:{}:{}::{}:/bin/sh\n", kInsideId, kInsideId, "/job/work"));
  make_file("/etc/group", fmt::format("user:x:{}:\n", kInsideId));
  for (const char* path : {"/job", "/proc", kHostProc}) make_folder(path);
  if (mount(fmt::format("{}/proc", kHost).c_str(), kHostProc, nullptr, MS_BIND | MS_REC, nullptr) != 0)
    fail_errno("bind mount of /proc");

  if (umount2(kHost, MNT_DETACH) != 0) fail_errno("unmounting the old root");
  if (rmdir(kHost) != 0) fail_errno("rmdir");
  restrict("/", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, false);
}

int mount_job_folders(int64_t disk) {
  const char* const hint = "a container that hides parts of its own /proc forbids it";
  const int context = fsopen("proc", FSOPEN_CLOEXEC);
  if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "subset", "pid", 0) != 0 ||
      fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    fail_errno("making a /proc", hint);
  const int proc = fsmount(context, FSMOUNT_CLOEXEC,
                           MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  if (proc < 0) fail_errno("mounting /proc", hint);
  close(context);
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2,subset=pid") != 0)
    fail_errno("mounting /proc", hint);
  if (umount2(kHostProc, MNT_DETACH) != 0) fail_errno("unmounting the old /proc");
  const std::string options = fmt::format("size={},nr_inodes={},mode=0700", disk, kFilesPerJob);
  if (mount("job", "/job", "tmpfs", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
    fail_errno("mounting the job's folder");
  for (const char* path : {"/job/work", "/job/tmp", "/job/shm"}) make_folder(path);
  return proc;
}

}  // namespace cohort
