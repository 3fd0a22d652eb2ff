// Normalizers of tokenizer.json. Each type is one function that reads its fields and gives a step, and one line in
// the table of normalizer.cc.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"
#include "athanor/token/pipeline/aligned.h"

namespace athanor::token {

struct NormalizerStep {
  std::string type;
  std::function<void(Aligned&)> apply;
  // The same for a text alone, where that is faster; may be empty.
  std::function<std::string(std::string_view)> plain;
  bool keeps_bytes = false;  // ill-formed bytes come through as they are
};

// The steps of a normalizer, Sequences taken apart. Error(kInput) naming the field for what is not supported.
std::vector<NormalizerStep> read_normalizers(const Field& field);

// The names in the table, for messages and docs.
std::string normalizer_types();

// Normal forms as HF tokenizers has them, by Unicode 9: characters that came later are left as they are.
std::string hf_nfc(std::string_view text);
void apply_normal_form(Aligned& text, bool compose, bool compatible);

}  // namespace athanor::token
