// Arrow IPC, files and streams.
#include <cstddef>
#include <cstdint>

#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  athanor::read_as("arrow", bytes);
  return 0;
}
