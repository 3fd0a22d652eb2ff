// Texts, or pairs of texts, as the rows that BERT and RoBERTa read:
//
//   bert     [CLS] text [SEP]          [CLS] text [SEP] second [SEP], whose second part has token type 1
//   roberta  <s> text </s>             <s> text </s></s> second </s>, one token type
//
// Examples.values holds for each bert pair where its second part begins (feature/examples.h). Of a pair that is too long the
// longer text loses tokens at its end until it fits, as HF's longest_first.
//
//   auto inputs = make_encoder_inputs({.family = "bert", .max_length = 128, .pair_field = "sentence2"}, &tokenizer, marks);
#pragma once

#include <memory>
#include <string>

#include "athanor/feature/inputs.h"

namespace athanor {

struct EncoderInputOptions {
  std::string family = "bert";
  int64_t max_length = 512;  // tokens of a row, special ones included
  std::string pair_field;    // key of meta that holds the second text; empty: one text alone
};

// Ids of the tokens that frame a text.
struct EncoderMarks {
  int32_t begin = -1;      // [CLS], <s>
  int32_t separator = -1;  // [SEP], </s>
};

// tokenizer outlives the object. Error(kUsage) where the tokenizer lacks a mark, or max_length leaves no room for a text.
std::unique_ptr<Inputs> make_encoder_inputs(const EncoderInputOptions& options, const Tokenizer* tokenizer,
                                            const EncoderMarks& marks);
// Of to_json(), with the family that the folder's config.json names. Error(kInput) with `where`.
EncoderInputOptions encoder_input_options(const nlohmann::json& json, const std::string& family, const std::string& where);

}  // namespace athanor
