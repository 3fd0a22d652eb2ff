// A zip archive from outside, read down to its members' documents.
#include <cstddef>
#include <cstdint>

#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  athanor::read_as("zip", {reinterpret_cast<const char*>(data), size});
  return 0;
}
