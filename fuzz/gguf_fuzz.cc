// A GGUF file from outside: its metadata, its tensors and its vocabulary are read or it says why not.
#include <cstddef>
#include <cstdint>
#include <string>

#include "athanor/base/error.h"
#include "athanor/data/gguf.h"
#include "athanor/token/file/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::GgufFile file =
        athanor::GgufFile::from_bytes(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    athanor::token::read_gguf_vocabulary(file);
  } catch (const athanor::Error&) {
  }
  return 0;
}
