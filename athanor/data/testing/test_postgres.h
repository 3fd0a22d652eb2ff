// For tests: a PostgreSQL server of their own, where its programs are installed: a database in a scratch folder, reached
// by a socket in it, without a network port.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "athanor/data/testing/test_scratch.h"

namespace athanor {

class LocalPostgres {
 public:
  LocalPostgres() : dir_(fs::path("/tmp") / ("athanor-pg-" + std::to_string(::getpid()))) {  // a socket's path is short
    const fs::path bin = programs();
    if (bin.empty()) {
      why_ = "no initdb: PostgreSQL is not installed";
      return;
    }
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    // The server refuses to run as root: then it runs as nobody.
    if (::geteuid() == 0) {
      as_ = "setpriv --reuid=65534 --regid=65534 --clear-groups ";
      run("chown 65534:65534 " + dir_.string());
    }
    pg_ctl_ = as_ + (bin / "pg_ctl").string() + " -D " + (dir_ / "data").string() + " -w -t 30 ";
    if (run(as_ + (bin / "initdb").string() + " -D " + (dir_ / "data").string() +
            " -A trust -U athanor --no-sync -E UTF8 --locale=C") != 0) {
      why_ = "initdb failed";
    } else if (run(pg_ctl_ + "-o \"-c listen_addresses='' -k " + dir_.string() + " -c fsync=off\" start") != 0) {
      why_ = "the server did not start";
    } else {
      started_ = true;
      psql_ = (bin / "psql").string();
    }
  }
  ~LocalPostgres() {
    if (started_) {
      run(pg_ctl_ + "-m immediate stop");
    }
    fs::remove_all(dir_);
  }
  LocalPostgres(const LocalPostgres&) = delete;
  LocalPostgres& operator=(const LocalPostgres&) = delete;

  const std::string& why_not() const { return why_; }  // empty: it runs
  std::string spec() const { return "postgres:host=" + dir_.string() + " dbname=postgres user=athanor"; }
  bool execute(const std::string& statement) const {
    return run(psql_ + " -q -v ON_ERROR_STOP=1 -h " + dir_.string() + " -U athanor -d postgres -c \"" + statement + "\"") == 0;
  }

 private:
  static fs::path programs() {
    std::vector<fs::path> folders = {"/usr/local/bin", "/usr/bin"};
    std::error_code code;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", code)) {
      folders.push_back(entry.path() / "bin");
    }
    for (const fs::path& folder : folders) {
      if (fs::exists(folder / "initdb", code) && fs::exists(folder / "pg_ctl", code) && fs::exists(folder / "psql", code)) {
        return folder;
      }
    }
    return {};
  }
  static int run(const std::string& command) { return std::system((command + " > /dev/null 2>&1").c_str()); }

  fs::path dir_;
  std::string as_, pg_ctl_, psql_, why_;
  bool started_ = false;
};

}  // namespace athanor
