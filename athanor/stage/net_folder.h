// A folder that finetune left, ready to be asked: what it reads by, and the network. Part of the torch unit.
#pragma once

#include <memory>
#include <optional>

#include "athanor/feature/inputs.h"
#include "athanor/model/nets/net.h"
#include "athanor/token/tokenizer.h"
#include "athanor/train/loading/encoder_inputs.h"

namespace athanor {

struct NetFolder {
  fs::path folder;
  NetConfig config;
  std::unique_ptr<Tokenizer> tokenizer;  // networks that read text
  std::unique_ptr<Inputs> inputs;

  // An encoder's that transformers or pretrain wrote is taken too; the labels may then be empty. Error(kInput) for any
  // other folder, and for a damaged one.
  static NetFolder open(const fs::path& folder);
};

// The tokens that frame a text; -1 where the tokenizer has none.
EncoderMarks encoder_marks(const Tokenizer& tokenizer);

// How an encoder reads its texts.
std::unique_ptr<Inputs> encoder_inputs(const EncoderInputOptions& options, const Tokenizer* tokenizer);

}  // namespace athanor
