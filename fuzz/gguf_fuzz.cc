// A GGUF file from outside: its metadata, its tensors and its vocabulary are read or it says why not.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/data/gguf.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::GgufFile file =
        athanor::GgufFile::from_bytes(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    const athanor::token::Json json = athanor::token::read_gguf_vocabulary(file);
    const athanor::Tokenizer tokenizer = athanor::Tokenizer::from_json(json.dump(), "fuzz");
    std::vector<int32_t> ids;
    tokenizer.encode("Some text, 123 here's\n\n \xE4\xBD\xA0 \xFF", ids);
  } catch (const athanor::Error&) {
  }
  return 0;
}
