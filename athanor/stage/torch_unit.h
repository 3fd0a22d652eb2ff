// The second link unit: libathanor_torch.so, opened when a verb first needs LibTorch, so that everything else
// starts in milliseconds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "athanor/run/verb.h"

namespace athanor {

struct TorchEntry {
  const char* verb = nullptr;  // null ends the table
  ExecuteFunction execute = nullptr;
  PlanFunction plan = nullptr;
  bool ranks = false;  // several processes of one launch may share it (StageContext::ranks)
};

// The table's row for a verb. Error(kResource) when the unit or LibTorch cannot be loaded.
const TorchEntry& torch_entry(const std::string& verb);

// Beside the program in a build folder, in lib/athanor/ in an installed tree.
fs::path torch_unit_path();

// {"loaded": bool, "path", "version", "parallel", ...}: for doctor.
nlohmann::json torch_unit_info();

// Opens the devices that these words name (tensor/device/device.h), once and for the process: LibTorch fixes the devices that
// autograd knows at its first backward, and whether there is CUDA when it is first asked, so that a GPU must be open before any
// step computes. Error as open_device's.
void open_devices(const std::vector<std::string>& names);

// Meets the other processes of this launch. Error(kResource) that names who did not come.
std::unique_ptr<Ranks> open_ranks(const Launch& launch);

// What the unit exports.
struct TorchUnit {
  const TorchEntry* entries = nullptr;
  nlohmann::json (*info)() = nullptr;
  std::unique_ptr<Ranks> (*ranks)(const Launch& launch) = nullptr;
  void (*open_devices)(const std::vector<std::string>& names) = nullptr;
};
using TorchUnitFunction = const TorchUnit* (*)();  // extern "C" athanor_torch_unit

}  // namespace athanor
