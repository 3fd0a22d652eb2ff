// doctor: what this machine has, what is missing, and what to do about it.
#include <dlfcn.h>

#include <fstream>
#include <set>

#include "athanor/base/file.h"
#include "athanor/base/format.h"
#include "athanor/base/gpu.h"
#include "athanor/base/machine.h"
#include "athanor/base/process.h"
#include "athanor/base/version.h"
#include "athanor/stage/command.h"
#include "athanor/stage/doctor_run.h"
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

// One line a finding; not `good` makes the machine unhealthy.
class Rows {
 public:
  explicit Rows(Session& session) : session_(session) {}
  void add(bool good, const std::string& name, const std::string& value, const std::string& advice = "") {
    healthy_ &= good;
    session_.print(std::string(good ? "  ok    " : "  LOOK  ") + padded(name, 12) + value +
                   (good || advice.empty() ? "" : "\n        -> " + advice));
  }
  bool healthy() const { return healthy_; }

 private:
  Session& session_;
  bool healthy_ = true;
};

const char* meaning_of(const std::string& set) {
  return set == "amx-bf16"      ? "bf16 products run in the matrix unit: precision=bf16 is several times as fast as fp32"
         : set == "avx512-bf16" ? "bf16 has dot products of its own: precision=bf16 is faster than fp32"
         : set == "avx512"      ? "bf16 is widened in software: precision=fp32 is as fast or faster"
         : set == "avx2"        ? "bf16 is widened in software: precision=fp32 is faster"
                                : "no AVX2: training will be slow";
}

void look_at_gpus(Rows& rows, nlohmann::json& report) {
  const GpuReport gpus = list_gpus();
  report["gpus"] = nlohmann::json::array();
  report["driver"] = gpus.driver;
  if (gpus.driver.empty() && gpus.error.empty()) {
    rows.add(true, "gpu", "none (no NVIDIA driver): training runs on the CPU");
    return;
  }
  const bool unit = fs::exists(torch_unit_path().parent_path() / "libathanor_cuda.so");
  report["gpu_unit"] = unit;
  if (!gpus.error.empty()) {
    rows.add(false, "gpu", gpus.error, "is the driver's kernel module loaded, and may this user open /dev/nvidia*?");
  }
  for (const Gpu& gpu : gpus.gpus) {
    report["gpus"].push_back({{"name", gpu.name}, {"memory_bytes", gpu.memory_bytes}, {"free_bytes", gpu.free_bytes},
                              {"capability", std::to_string(gpu.major) + "." + std::to_string(gpu.minor)}});
    rows.add(true, "gpu", gpu.name + ", " + human_bytes(static_cast<double>(gpu.memory_bytes)) + ", " +
                              human_bytes(static_cast<double>(gpu.free_bytes)) + " free, driver " + gpus.driver + ", CUDA " +
                              gpus.cuda + (unit ? ", device=cuda trains on it" : " (this build has no GPU unit: docs/gpu.md)"));
  }
}

// What each step that is still to do would need, against what there is.
void look_at_recipe(Session& session, Rows& rows, nlohmann::json& report) {
  const PipelinePlan plan = resolve_arguments(session);
  uint64_t disk = 0;
  for (const StepPlan& step : plan.steps) {
    const nlohmann::json planned =
        step_state(step, session.store) == "done" ? nlohmann::json() : plan_of(step, plan, session.store, true);
    if (planned.is_null()) {
      continue;
    }
    report["steps"].push_back({{"step", step.label}, {"plan", planned}});
    std::string need;
    for (const auto& row : planned["rows"]) {
      need = row.value("name", "") == "memory in all" ? row.value("text", "") + ", " + row.value("note", "") : need;
    }
    if (!need.empty()) {
      rows.add(planned.value("fits", true), step.label, "memory: " + need, planned.value("advice", ""));
    }
    disk += planned.value("disk_bytes", uint64_t{0});
    const bool emulated = instruction_set() == "avx2" || instruction_set() == "avx512" || instruction_set() == "baseline";
    if (planned.value("precision", "") == "bf16" && emulated) {
      rows.add(false, step.label, "precision: bf16 is emulated on this processor", step.label + ".precision=fp32 is faster here");
    }
  }
  const uint64_t free = free_bytes(".");
  rows.add(disk < free, "disk", "checkpoints and models take up to " + human_bytes(static_cast<double>(disk)) + ", " +
                                    human_bytes(static_cast<double>(free)) + " are free",
           "free some, put runs=FOLDER on another disk, or set keep_last=1");
}

}  // namespace

int command_doctor(Session& session) {
  const auto& names = session.arguments.positional;
  if (!names.empty() && !fs::is_regular_file(names[0])) {
    return doctor_of_run(session, run_from_arguments(session));
  }
  nlohmann::json report = machine_json();
  report["version"] = kVersion;
  report["commit"] = kCommit;
  report["program"] = executable_path();
  report["torch"] = torch_unit_info();
  report["libraries"] = loaded_math_libraries();
  report["npm"] = find_program("npm").string();
  report["free_bytes"] = free_bytes(".");
  Rows rows(session);
  rows.add(true, "program", report["program"].get<std::string>() + " " + kVersion + " (" + kCommit + ")");
  rows.add(true, "cpu", report["cpu"].get<std::string>() + ", " + std::to_string(report["cores"].get<int>()) + " cores, " +
                       report["instruction_set"].get<std::string>() + ": " +
                       meaning_of(report["instruction_set"].get<std::string>()));
  rows.add(memory_bytes() > (uint64_t{2} << 30), "memory", human_bytes(static_cast<double>(memory_bytes())) + ", " +
               human_bytes(static_cast<double>(available_memory_bytes())) + " of it free",
      "training wants at least 2 GB");
  rows.add(free_bytes(".") > (uint64_t{2} << 30), "disk", human_bytes(static_cast<double>(free_bytes("."))) + " free here",
      "runs and checkpoints want a few GB");
  const bool torch = report["torch"].value("loaded", false);
  rows.add(torch, "LibTorch", torch ? report["torch"].value("version", "") + ", " + report["torch"].value("blas", "") : report["torch"].value("error", ""),
      report["torch"].value("hint", ""));
  const std::string npm = report["npm"];
  rows.add(!npm.empty(), "npm", npm.empty() ? "not found" : npm,
      "only npm: sources need it; source=PATH uses your own texts");
  for (const auto& library : report["libraries"]) {
    rows.add(true, "loaded", library.get<std::string>());
  }
  look_at_gpus(rows, report);
  if (!session.arguments.positional.empty()) {
    look_at_recipe(session, rows, report);
  }
  report["healthy"] = rows.healthy();
  session.print(rows.healthy() ? "all is well" : "see the lines marked LOOK");
  session.print_json(report);
  for (const auto& step : report.value("steps", nlohmann::json::array())) {
    refuse_what_does_not_fit(step["step"], step["plan"]);
  }
  return 0;
}

}  // namespace athanor
