#include "sandbox/message.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/check.h"

namespace cohort {

std::string_view Unpacker::take(uint64_t count) {
  if (count > bytes_.size())
    fail("sandbox: a message ends early: {} bytes wanted, {} there", count, bytes_.size());
  const std::string_view out = bytes_.substr(0, count);
  bytes_.remove_prefix(count);
  return out;
}

std::string pack(const Job& job) {
  Packer p;
  p.number<uint64_t>(job.argv.size());
  for (const std::string& word : job.argv) p.text(word);
  p.number<uint64_t>(job.files.size());
  for (const JobFile& file : job.files) {
    p.text(file.name);
    p.text(file.bytes);
  }
  p.text(job.input);
  p.text(job.fetch);
  const JobLimits& l = job.limits;
  p.number(l.cpu_seconds);
  p.number(l.wall_seconds);
  p.number(l.memory);
  p.number(l.disk);
  p.number(l.output);
  p.number(l.processes);
  p.number(l.open_files);
  return p.bytes();
}

Job unpack_job(std::string_view bytes) {
  Unpacker u(bytes);
  Job job;
  for (uint64_t n = u.number<uint64_t>(); n > 0; --n) job.argv.push_back(u.text());
  for (uint64_t n = u.number<uint64_t>(); n > 0; --n) {
    std::string name = u.text();
    job.files.push_back({std::move(name), u.text()});
  }
  job.input = u.text();
  job.fetch = u.text();
  JobLimits& l = job.limits;
  l.cpu_seconds = u.number<double>();
  l.wall_seconds = u.number<double>();
  l.memory = u.number<int64_t>();
  l.disk = u.number<int64_t>();
  l.output = u.number<int64_t>();
  l.processes = u.number<int32_t>();
  l.open_files = u.number<int32_t>();
  return job;
}

std::string pack(const JobResult& r) {
  Packer p;
  p.number(static_cast<uint8_t>(r.outcome));
  p.text(r.reason);
  p.number(r.exit_code);
  p.number(r.signal);
  p.text(r.out);
  p.text(r.err);
  p.text(r.fetched);
  p.number(r.seconds);
  p.number(r.cpu_seconds);
  p.number(r.peak_memory);
  return p.bytes();
}

JobResult unpack_result(std::string_view bytes) {
  Unpacker u(bytes);
  JobResult r;
  r.outcome = static_cast<JobOutcome>(u.number<uint8_t>());
  r.reason = u.text();
  r.exit_code = u.number<int32_t>();
  r.signal = u.number<int32_t>();
  r.out = u.text();
  r.err = u.text();
  r.fetched = u.text();
  r.seconds = u.number<double>();
  r.cpu_seconds = u.number<double>();
  r.peak_memory = u.number<int64_t>();
  return r;
}

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == ENOTSOCK) n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

bool receive_all(int fd, char* to, size_t count) {
  while (count > 0) {
    const ssize_t n = read(fd, to, count);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    count -= static_cast<size_t>(n);
  }
  return true;
}

constexpr uint64_t kLargestMessage = uint64_t{1} << 32;

}  // namespace

bool send_message(int fd, std::string_view bytes) {
  const uint64_t size = bytes.size();
  return send_all(fd, {reinterpret_cast<const char*>(&size), sizeof size}) && send_all(fd, bytes);
}

std::optional<std::string> receive_message(int fd) {
  uint64_t size = 0;
  if (!receive_all(fd, reinterpret_cast<char*>(&size), sizeof size) || size > kLargestMessage)
    return std::nullopt;
  std::string bytes(size, '\0');
  if (!receive_all(fd, bytes.data(), size)) return std::nullopt;
  return bytes;
}

const char* job_outcome_name(JobOutcome outcome) {
  switch (outcome) {
    case JobOutcome::ok:
      return "ok";
    case JobOutcome::nonzero_exit:
      return "nonzero exit";
    case JobOutcome::timeout:
      return "time-out";
    case JobOutcome::memory:
      return "memory";
    case JobOutcome::crash:
      return "crash";
    case JobOutcome::output_limit:
      return "output limit";
    case JobOutcome::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace cohort
