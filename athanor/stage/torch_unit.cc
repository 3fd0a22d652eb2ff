#include "athanor/stage/torch_unit.h"

#include <dlfcn.h>

#include <cstdlib>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/machine.h"

namespace athanor {

fs::path torch_unit_path() {
  const fs::path program = executable_path();
  const fs::path beside = program.parent_path() / "libathanor_torch.so";
  return fs::exists(beside) ? beside : program.parent_path().parent_path() / "lib/athanor/libathanor_torch.so";
}

namespace {

const TorchUnit& load_unit() {
  const fs::path library = torch_unit_path();
  // OpenMP threads that wait for each other in a loop lose the core to other programs while they do: with two cores
  // shared among builds, small models trained at a seventh of their speed. After about 1000 turns they sleep. Read once,
  // when libgomp is loaded; what the user has set stays.
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    ::setenv("GOMP_SPINCOUNT", "1000", 0);
  }
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    throw Error(ErrorKind::kResource, std::string("cannot load the LibTorch part: ") + ::dlerror(), library.string(),
                "run scripts/setup and make build again, or see athanor doctor");
  }
  void* symbol = ::dlsym(handle, "athanor_torch_unit");
  if (symbol == nullptr) {
    throw Error(ErrorKind::kResource, "is not Athanor's LibTorch part", library.string(), "run make build again");
  }
  TorchUnitFunction function = nullptr;
  std::memcpy(&function, &symbol, sizeof(function));
  return *function();
}

const TorchUnit& unit() {
  static const TorchUnit& loaded = load_unit();
  return loaded;
}

}  // namespace

const TorchEntry& torch_entry(const std::string& verb) {
  for (const TorchEntry* entry = unit().entries; entry->verb != nullptr; ++entry) {
    if (verb == entry->verb) {
      return *entry;
    }
  }
  throw Error(ErrorKind::kInternal, "the LibTorch part has no verb '" + verb + "'", "", "run make build again");
}

void open_devices(const std::vector<std::string>& names) {
  if (!names.empty()) {
    unit().open_devices(names);
  }
}

std::unique_ptr<Ranks> open_ranks(const Launch& launch) {
  // c10d warns on stderr of each connection that breaks; what matters of that is in our own errors.
  ::setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
  return unit().ranks(launch);
}

nlohmann::json torch_unit_info() {
  try {
    auto info = unit().info();
    info["loaded"] = true;
    return info;
  } catch (const Error& error) {
    return {{"loaded", false}, {"error", error.message()}, {"hint", error.hint()}};
  }
}

}  // namespace athanor
