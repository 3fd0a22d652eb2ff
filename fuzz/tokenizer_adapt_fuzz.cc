// Any bytes as a tokenizer.json that is extended and pruned: Error or a tokenizer, nothing else.
#include <cstdint>
#include <string>

#include "athanor/base/error.h"
#include "athanor/token/train/adapt.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const athanor::TokenizerExtender extender(text, "fuzz");
    athanor::token::PieceCounter counter;
    extender.count("a few words, a few more words", counter);
    extender.extend(
        [&](const athanor::CountVisitor& visit) {
          for (const auto& entry : counter.entries()) {
            visit(entry.piece, entry.count);
          }
        },
        10);
  } catch (const athanor::Error&) {
  }
  try {
    athanor::prune_tokenizer(text, "fuzz", {1, 0, 3}, 2);
  } catch (const athanor::Error&) {
  }
  return 0;
}
