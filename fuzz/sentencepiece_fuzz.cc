// A SentencePiece model from outside: it becomes a tokenizer.json, and what does is written again, or it says why not.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::token::Json json =
        athanor::token::read_sentencepiece({reinterpret_cast<const char*>(data), size}, "fuzz");
    const athanor::Tokenizer tokenizer = athanor::Tokenizer::from_json(json.dump(), "fuzz");
    std::vector<int32_t> ids;
    tokenizer.encode("Some  \xEF\xBC\xA1 text,e\xCC\x81 <s> 123 here's\n\n \xE4\xBD\xA0 \xFF", ids);
    athanor::token::write_sentencepiece_model(json, "fuzz");
  } catch (const athanor::Error&) {
  }
  return 0;
}
