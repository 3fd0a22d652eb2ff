// Pre-tokenizers of tokenizer.json beyond those that are one hand-written scanner (split/split.h). Each type is one
// function that reads its fields and gives a step, and one line in the table of pre_tokenizer.cc.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/token/file/json_field.h"
#include "athanor/token/pipeline/aligned.h"

namespace athanor::token {

// A stretch of the text: an added token, or what the model will see.
struct Piece {
  size_t begin, end;   // bytes of Pieces::text
  int32_t added = -1;  // index of an added token
  bool at_start = false;  // begins where the original text begins
};

struct Pieces {
  Aligned text;
  std::vector<Piece> pieces;  // in order; what a step removed lies between
};

struct PreTokenizerStep {
  std::string type;
  std::function<void(Pieces&)> apply;
};

struct PreTokenizerChain {
  std::vector<PreTokenizerStep> steps;
  bool byte_level = false;      // the vocabulary is in GPT-2's spelling of bytes
  bool mapped = false;          // ... and so is the text after the last step, since steps came after ByteLevel
  bool needs_start = false;     // a step asks for at_start
};

// The steps, Sequences taken apart. Error(kInput) naming the field for what is not supported.
PreTokenizerChain read_pre_tokenizer_chain(const Field& field);

std::string pre_tokenizer_types();

// Text in GPT-2's spelling back to bytes; pieces and spans follow.
void unmap_bytes(Pieces& pieces);
// ... and into it.
void map_bytes(Pieces& pieces);

}  // namespace athanor::token
