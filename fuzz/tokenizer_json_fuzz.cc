// A tokenizer.json from outside: loads or says why not; what loads encodes, decodes and saves.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/token/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const athanor::Tokenizer tokenizer =
        athanor::Tokenizer::from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string_view text = "Some text, 123 here's\n\n \xE4\xBD\xA0 \xFF <s> e\xCC\x81\xEF\xAC\x81  [MASK]";
    std::vector<int32_t> ids;
    tokenizer.encode(text, athanor::AddedTokens::kAll, ids);
    if (tokenizer.decode(ids).size() > (size_t{1} << 30)) {
      std::abort();
    }
    athanor::StreamDecoder stream(tokenizer);
    std::string streamed;
    for (const int32_t id : ids) {
      streamed += stream.push(id);
    }
    if (streamed + stream.finish() != tokenizer.decode(ids)) {
      std::abort();
    }
    const std::string again = tokenizer.to_json();
    if (athanor::Tokenizer::from_json(again, "again").to_json() != again) {
      std::abort();
    }
    tokenizer.encode_full(text);
    tokenizer.encode_full(text, "and a pair");
  } catch (const athanor::Error&) {
  }
  return 0;
}
