// Text for small tokenizers of every model: the ids of the real encoder are those of the plain reference.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/reference/token_differential.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const athanor::reference::Differential differential;
  if (size == 0 || size > 400) {  // the reference takes cubic time
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string difference = differential.difference(data[0] % differential.size(), text);
  if (!difference.empty()) {
    std::fprintf(stderr, "%s\n", difference.c_str());
    std::abort();
  }
  return 0;
}
