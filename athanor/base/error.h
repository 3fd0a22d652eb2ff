// The one exception type. It ends the run; bad rows are values, never exceptions.
//
//   throw Error(ErrorKind::kInput, "cannot read the file: No such file or directory", "data/a.txt",
//               "check the path, or give source=PATH");
#pragma once

#include <stdexcept>
#include <string>

namespace athanor {

// The value is the process's exit code.
enum class ErrorKind {
  kUsage = 2,         // the recipe or the command line is wrong
  kInput = 3,         // an input is missing, unreadable, or has too many bad rows
  kResource = 4,      // memory, disk, a missing library
  kInternal = 70,     // our bug
  kBusy = 75,         // another process holds the run
  kInterrupted = 130  // Ctrl-C; state is kept
};

// Lower-case name for JSON: "usage", "input", "resource", "internal", "busy", "interrupted".
const char* name_of(ErrorKind kind);

class Error : public std::runtime_error {
 public:
  // what: one sentence without a final dot. where: recipe.yaml:14:3, shard:row, a path; may be empty.
  // hint: what to do next, as a command where there is one; may be empty.
  Error(ErrorKind kind, std::string what, std::string where = "", std::string hint = "");

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::string& where() const { return where_; }
  const std::string& hint() const { return hint_; }
  int exit_code() const { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
  std::string message_;
  std::string where_;
  std::string hint_;
};

}  // namespace athanor
