// Documents to a token set: what encode does, and evaluate before it measures.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "athanor/base/file.h"
#include "athanor/data/documents/documents.h"
#include "athanor/run/verb.h"
#include "athanor/token/model/model.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

struct EncodeSettings {
  int threads = 0;
  token::Sampling sampling;  // zeros: the one encoding
  uint64_t seed = 1;         // of the sampling; with a document's id it decides
};

// Writes a token set into dir, marked with the SHA-256 of tokenizer.to_json(); gives {"documents", "tokens", "text_bytes",
// "bytes_per_token", "summary"}. Works in parts kept in context.run.state(), so that a kill loses a second or two. With
// context.shard only this process's parts are done, and the result is empty.
nlohmann::json encode_documents(StageContext& context, const Documents& documents, const Tokenizer& tokenizer,
                                const fs::path& dir, const EncodeSettings& settings);

}  // namespace athanor
