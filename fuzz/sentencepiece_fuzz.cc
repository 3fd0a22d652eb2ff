// A SentencePiece model from outside: it becomes a tokenizer.json, and what does is written again, or it says why not.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/token/file/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::token::Json json =
        athanor::token::read_sentencepiece({reinterpret_cast<const char*>(data), size}, "fuzz");
    athanor::token::write_sentencepiece_model(json, "fuzz");
  } catch (const athanor::Error&) {
  }
  return 0;
}
