// A tokenizer.json from outside: loads or says why not; what loads encodes, decodes and saves.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/token/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::Tokenizer tokenizer =
        athanor::Tokenizer::from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::vector<int32_t> ids;
    tokenizer.encode("Some text, 123 here's\n\n \xE4\xBD\xA0 \xFF", ids);
    tokenizer.decode(ids);
    athanor::Tokenizer::from_json(tokenizer.to_json(), "again");
  } catch (const athanor::Error&) {
  }
  return 0;
}
