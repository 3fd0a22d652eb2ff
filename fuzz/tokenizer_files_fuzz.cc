// The text files of tokenizers. The first byte says which: vocab.txt, vocab.json and merges.txt (a NUL between them),
// tokenizer_config.json, special_tokens_map.json, added_tokens.json.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/token/file/formats.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace athanor::token;
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  try {
    TokenizerConfig config;
    if (data[0] == 'v') {
      write_vocab_txt(read_vocab_txt(text, config, "fuzz"), "fuzz");
    } else if (data[0] == 'g') {
      const size_t cut = std::min(text.find('\0'), text.size());
      write_gpt2(read_gpt2(text.substr(0, cut), text.substr(std::min(cut + 1, text.size())), "fuzz"), "fuzz");
    } else {
      config.read(data[0] == 'c'   ? "tokenizer_config.json"
                  : data[0] == 's' ? "special_tokens_map.json"
                                   : "added_tokens.json",
                  text, "fuzz");
      Json json = read_vocab_txt("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n<s>\n</s>\na\n", config, "fuzz");
      apply_config(config, json, "fuzz");
    }
  } catch (const athanor::Error&) {
  }
  return 0;
}
