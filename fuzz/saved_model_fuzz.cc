// A stored classical model from outside (saved.json, a zero byte, arrays.safetensors): loads and predicts finite numbers, or
// says why not.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "athanor/classic/models/saved_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const athanor::fs::path dir = [] {
    auto path = athanor::fs::temp_directory_path() / ("athanor-saved-model-" + std::to_string(::getpid()));
    athanor::fs::create_directories(path);
    return path;
  }();
  if (!athanor::survives_opening({reinterpret_cast<const char*>(data), size}, dir)) {
    std::abort();
  }
  return 0;
}
