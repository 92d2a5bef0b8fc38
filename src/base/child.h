// A program that runs beside this one, spoken to by lines on its standard input and output.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace cohort {

class Child {
 public:
  // Started by exec without copying this process, in a process group of its own; descriptors other than the three
  // standard ones are not passed on where they are close-on-exec. Throws Error where it cannot be started.
  explicit Child(const std::vector<std::string>& words);
  ~Child();  // kills the whole group
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  // To be written as the program reads, while read_line waits.
  void send(std::string text);

  enum class Read { line, silent, ended, too_long };
  // The next line without its newline; silent: none within `seconds`; ended: it closed its output.
  Read read_line(double seconds, size_t longest, std::string& line);

  // Ends it, and says how: "ended with status 1", "was killed by signal 9".
  std::string wait();

 private:
  pid_t pid_ = -1;
  int in_ = -1, out_ = -1;  // its standard input and output
  std::string unsent_, unread_;
};

}  // namespace cohort
