// A tiktoken rank file from outside: read with a named family, and written again, or it says why not.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/token/file/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::token::Json json =
        athanor::token::read_tiktoken({reinterpret_cast<const char*>(data), size}, "fuzz", "cl100k");
    athanor::token::write_tiktoken(json, "fuzz");
  } catch (const athanor::Error&) {
  }
  return 0;
}
