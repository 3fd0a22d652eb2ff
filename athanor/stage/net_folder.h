// A folder that finetune left, ready to be asked: what it reads by, and the network. Part of the torch unit.
#pragma once

#include <memory>
#include <optional>

#include "athanor/feature/inputs.h"
#include "athanor/model/nets/net.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

struct NetFolder {
  fs::path folder;
  NetConfig config;
  std::unique_ptr<Tokenizer> tokenizer;  // networks that read text
  std::unique_ptr<Inputs> inputs;

  // Error(kInput) for a folder that finetune did not leave, or that is damaged.
  static NetFolder open(const fs::path& folder);
};

}  // namespace athanor
