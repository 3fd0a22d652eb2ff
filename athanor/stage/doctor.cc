// doctor: what this machine has, what is missing, and what to do about it.
#include <dlfcn.h>

#include <fstream>
#include <set>

#include "athanor/base/file.h"
#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/process.h"
#include "athanor/base/version.h"
#include "athanor/stage/command.h"
#include "athanor/stage/torch_unit.h"

namespace athanor {

namespace {

// Every BLAS and OpenMP library that this process has mapped: two of a kind fight for threads.
std::vector<std::string> loaded_math_libraries() {
  std::set<std::string> found;
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    const size_t at = line.find('/');
    if (at == std::string::npos) {
      continue;
    }
    const std::string name = fs::path(line.substr(at)).filename().string();
    for (const char* part : {"gomp", "libomp", "iomp", "blas", "mkl", "torch_cpu", "arrow", "parquet"}) {
      if (name.find(part) != std::string::npos) {
        found.insert(line.substr(at));
      }
    }
  }
  return {found.begin(), found.end()};
}

}  // namespace

int command_doctor(Session& session) {
  nlohmann::json report = machine_json();
  report["version"] = kVersion;
  report["commit"] = kCommit;
  report["program"] = executable_path();
  report["torch"] = torch_unit_info();
  report["libraries"] = loaded_math_libraries();
  report["npm"] = find_program("npm").string();
  report["free_bytes"] = free_bytes(".");
  bool healthy = true;
  const auto row = [&](bool good, const std::string& name, const std::string& value, const std::string& advice = "") {
    healthy &= good;
    session.print(std::string(good ? "  ok    " : "  LOOK  ") + padded(name, 12) + value + (good || advice.empty() ? "" : "\n        -> " + advice));
  };
  row(true, "program", report["program"].get<std::string>() + " " + kVersion + " (" + kCommit + ")");
  row(true, "cpu", report["cpu"].get<std::string>() + ", " + std::to_string(report["cores"].get<int>()) + " cores, " +
                       report["instruction_set"].get<std::string>());
  row(memory_bytes() > (uint64_t{2} << 30), "memory", human_bytes(static_cast<double>(memory_bytes())),
      "training wants at least 2 GB");
  row(free_bytes(".") > (uint64_t{2} << 30), "disk", human_bytes(static_cast<double>(free_bytes("."))) + " free here",
      "runs and checkpoints want a few GB");
  const bool torch = report["torch"].value("loaded", false);
  row(torch, "LibTorch", torch ? report["torch"].value("version", "") + ", " + report["torch"].value("blas", "") : report["torch"].value("error", ""),
      report["torch"].value("hint", ""));
  const std::string npm = report["npm"];
  row(!npm.empty(), "npm", npm.empty() ? "not found" : npm,
      "only npm: sources need it; source=PATH uses your own texts");
  for (const auto& library : report["libraries"]) {
    row(true, "loaded", library.get<std::string>());
  }
  report["healthy"] = healthy;
  session.print(healthy ? "all is well" : "see the lines marked LOOK");
  session.print_json(report);
  return 0;
}

}  // namespace athanor
