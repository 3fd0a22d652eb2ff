// HF's config.json: whatever the bytes, a configuration that survives being written and read again, or an Error.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const nlohmann::json json = nlohmann::json::parse(data, data + size, nullptr, false);
  if (json.is_discarded()) {
    return 0;
  }
  athanor::ModelConfig config;
  try {
    config = athanor::from_hf_config(json, "fuzz");
  } catch (const athanor::Error&) {
    return 0;
  }
  if (config.num_layers > 4096) {
    return 0;  // written out layer by layer
  }
  const nlohmann::json written = athanor::to_hf_config(config);
  if (athanor::to_hf_config(athanor::from_hf_config(written, "again")) != written) {
    std::abort();
  }
  return 0;
}
