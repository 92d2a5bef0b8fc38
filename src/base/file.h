// Files: whole reads, read-only maps, writes that are atomic, and append-only logs that a resume can cut.
// Every error names the file and the system's reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace cohort {

std::string read_file(const std::filesystem::path& path);

// Calls `take` with the file's bytes in parts of 1 MB (the last may be shorter): nothing of the file stays in
// memory.
void read_parts(const std::filesystem::path& path, const std::function<void(std::string_view)>& take);

// A device or a pipe, such as /dev/null or /dev/stdout: written to, and never replaced by a file.
bool is_stream(const std::filesystem::path& path);

// Written aside (path + ".tmp"), synced, renamed over `path`, and the folder synced: a reader sees the old
// bytes or the new.
void write_file(const std::filesystem::path& path, std::string_view bytes);

// For a file that stands in a folder nobody reads yet (a checkpoint being written): written and synced, no
// rename.
void write_new_file(const std::filesystem::path& path, std::string_view bytes);

// Syncs a folder's entries (after a rename inside it).
void sync_folder(const std::filesystem::path& folder);

// Renames and syncs the parent folder. `to` must not exist or be an empty folder or a file.
void rename_synced(const std::filesystem::path& from, const std::filesystem::path& to);

// A read-only memory map. An empty file maps to an empty view.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(int fd, const std::filesystem::path& name);  // of an open file, which may be closed thereafter
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept { swap(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    swap(other);
    return *this;
  }
  std::string_view bytes() const { return {static_cast<const char*>(data_), size_}; }
  // Takes the pages that lie wholly in bytes [begin, end) out of this process's memory: they are read from the file again where
  // they are asked for.
  void release(size_t begin, size_t end) const;

 private:
  void swap(MappedFile& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* data_ = nullptr;
  size_t size_ = 0;
};

// An append-only log. Opening cuts the file to `length` bytes (what a checkpoint recorded; 0 for a fresh
// run), which must not exceed the file's size.
class AppendLog {
 public:
  AppendLog() = default;
  AppendLog(const std::filesystem::path& path, int64_t length);
  ~AppendLog();
  AppendLog(AppendLog&& other) noexcept { swap(other); }
  AppendLog& operator=(AppendLog&& other) noexcept {
    swap(other);
    return *this;
  }
  void append(std::string_view bytes);
  void sync();
  int64_t length() const { return length_; }  // bytes written so far

 private:
  void swap(AppendLog& other) {
    std::swap(fd_, other.fd_);
    std::swap(length_, other.length_);
    std::swap(path_, other.path_);
  }
  int fd_ = -1;
  int64_t length_ = 0;
  std::filesystem::path path_;
};

// Bytes of a log of rows up to its last newline, for a row torn by a kill is to be cut away; 0 where there is no file.
int64_t whole_rows(const std::filesystem::path& path);

}  // namespace cohort
