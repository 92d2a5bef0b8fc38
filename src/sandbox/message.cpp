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

namespace {

// What a message holds, in order: one list for both directions, so that they cannot differ. `fields` is a Packer and
// the message constant, or an Unpacker.
template <class T, class Message>
concept Is = std::is_same_v<std::remove_const_t<T>, Message>;

template <class Fields, Is<Job> T>
void visit(Fields& fields, T& job) {
  fields.list(job.argv, [&](auto& word) { fields.field(word); });
  fields.list(job.files, [&](auto& file) {
    fields.field(file.name);
    fields.field(file.bytes);
  });
  fields.field(job.input);
  fields.field(job.fetch);
  auto& l = job.limits;
  fields.field(l.cpu_seconds);
  fields.field(l.wall_seconds);
  fields.field(l.memory);
  fields.field(l.disk);
  fields.field(l.output);
  fields.field(l.processes);
  fields.field(l.open_files);
}

template <class Fields, Is<JobResult> T>
void visit(Fields& fields, T& r) {
  fields.field(r.outcome);
  fields.field(r.reason);
  fields.field(r.exit_code);
  fields.field(r.signal);
  fields.field(r.out);
  fields.field(r.err);
  fields.field(r.fetched);
  fields.field(r.seconds);
  fields.field(r.cpu_seconds);
  fields.field(r.peak_memory);
}

template <class T>
std::string packed(const T& value) {
  Packer p;
  visit(p, value);
  return p.bytes();
}

template <class T>
T unpacked(std::string_view bytes) {
  Unpacker u(bytes);
  T value;
  visit(u, value);
  return value;
}

}  // namespace

std::string pack(const Job& job) { return packed(job); }
Job unpack_job(std::string_view bytes) { return unpacked<Job>(bytes); }
std::string pack(const JobResult& result) { return packed(result); }
JobResult unpack_result(std::string_view bytes) { return unpacked<JobResult>(bytes); }

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
