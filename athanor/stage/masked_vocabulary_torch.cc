#include "athanor/stage/masked_vocabulary.h"

#include <algorithm>

namespace athanor {

namespace {

int32_t first_of(const Tokenizer& tokenizer, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (const auto id = tokenizer.token_to_id(name)) {
      return *id;
    }
  }
  return -1;
}

// Letters and digits that words are made of without spaces between: ASCII, and two-byte UTF-8 (Latin, Greek, Cyrillic,
// Hebrew, Arabic). A trail byte is the rest of a character that was cut.
bool goes_on_with(unsigned char lead) {
  return (lead >= '0' && lead <= '9') || (lead >= 'A' && lead <= 'Z') || (lead >= 'a' && lead <= 'z') ||
         (lead >= 0x80 && lead < 0xE0);
}

}  // namespace

MaskedVocabulary masked_vocabulary(const Tokenizer& tokenizer) {
  MaskedVocabulary vocabulary;
  vocabulary.vocab_size = tokenizer.vocab_size();
  vocabulary.begin = first_of(tokenizer, {"[CLS]", "<s>"});
  vocabulary.separator = first_of(tokenizer, {"[SEP]", "</s>"});
  vocabulary.mask = first_of(tokenizer, {"[MASK]", "<mask>"});
  vocabulary.padding = std::max(0, first_of(tokenizer, {"[PAD]", "<pad>"}));
  const auto size = static_cast<size_t>(vocabulary.vocab_size);
  vocabulary.special.resize(size);
  vocabulary.continues.resize(size);
  // In a WordPiece vocabulary the marked tokens are those that go on; elsewhere those without a space before them are.
  bool marked = false;
  for (int32_t id = 0; id < vocabulary.vocab_size && !marked; ++id) {
    marked = tokenizer.token_bytes(id).starts_with("##") && tokenizer.token_bytes(id).size() > 3;
  }
  for (int32_t id = 0; id < vocabulary.vocab_size; ++id) {
    const std::string& bytes = tokenizer.token_bytes(id);
    const auto index = static_cast<size_t>(id);
    vocabulary.special[index] = tokenizer.is_special(id) || bytes.empty();
    vocabulary.continues[index] =
        marked ? bytes.starts_with("##") : !bytes.empty() && goes_on_with(static_cast<unsigned char>(bytes[0]));
  }
  return vocabulary;
}

}  // namespace athanor
