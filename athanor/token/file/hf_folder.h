// What a Hugging Face folder says of its tokenizer beside tokenizer.json: without it transformers chooses a class by the
// model's type, and that class may replace the normalizer and the pre-tokenizer by its own.
#pragma once

#include "athanor/base/file.h"
#include "athanor/token/file/tokenizer_config.h"

namespace athanor::token {

// Writes tokenizer.json as it is, tokenizer_config.json and, where config has a chat template, chat_template.jinja.
// config: of the tokenizer that this one comes from, where there is one. Named tokens (bos_token, ...) that this tokenizer
// has not among its added tokens are left out; those that config does not name are told by how they are usually spelt.
//   write_hf_folder(tokenizer.to_json(), TokenizerConfig::load(model_folder), out);
void write_hf_folder(const std::string& tokenizer_json, const TokenizerConfig& config, const fs::path& folder);

}  // namespace athanor::token
