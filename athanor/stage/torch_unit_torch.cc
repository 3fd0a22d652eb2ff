// The table that libathanor_torch.so exports.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/util/Exception.h>
#include <torch/headeronly/version.h>

#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/host_memory.h"

namespace athanor {

namespace {

constexpr TorchEntry kEntries[] = {
    {"pretrain", &execute_pretrain, &plan_pretrain, true},
    {"finetune", &execute_finetune, &plan_finetune, true},
    {"evaluate", &execute_evaluate, nullptr},
    {"generate", &execute_generate, nullptr},
    {"predict", &execute_predict_model, nullptr},
    {"chat", &execute_chat, nullptr},
    {nullptr, nullptr, nullptr},
};

nlohmann::json info() {
  const std::string mkl = at::get_mkl_version();
  const std::string onednn = at::get_mkldnn_version();
  return {{"version", TORCH_VERSION},
          {"blas", mkl.substr(0, mkl.find(" Product"))},
          {"onednn", onednn},
          {"threads", at::get_num_threads()},
          {"capability", at::get_cpu_capability()}};
}

void open_all(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    open_device(name);
  }
}

constexpr TorchUnit kUnit{kEntries, &info, &ranks_over_store, &open_all};

}  // namespace

}  // namespace athanor

extern "C" __attribute__((visibility("default"))) const athanor::TorchUnit* athanor_torch_unit() {
  athanor::keep_freed_memory();
  return &athanor::kUnit;
}
