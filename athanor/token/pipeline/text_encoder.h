// Whole pipelines of known shape, from text to ids in one go: BERT's (BertNormalizer, BertPreTokenizer) and those of
// SentencePiece (spaces become U+2581, with Metaspace or with Replace and no cut). They give what the general chain of
// normalizer, pre-tokenizer and model gives, at the speed of the piece cache.
//
//   TextPath path = make_text_path(root, steps, model, vocabulary);
//   if (path.encoder != nullptr) { apply the first path.normalizers_left steps; path.encoder->encode(text, true, ids); }
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/model/model.h"
#include "athanor/token/piece_encoder.h"
#include "athanor/token/pipeline/ascii_aware.h"
#include "athanor/token/pipeline/normalizer.h"

namespace athanor::token {

class TextEncoder {
 public:
  virtual ~TextEncoder() = default;
  // Appends the ids of text. first: it stands at the beginning of the input (prepend_scheme "first"). Thread-safe.
  virtual void encode(std::string_view text, bool first, std::vector<int32_t>& ids) const = 0;
  // Whether text, up to `encode`, keeps its first character in its place, which prepend_scheme "first" asks for.
  virtual bool keeps_front(std::string_view) const { return false; }
  // The same for a text that went through all steps of the normalizer.
  virtual void encode_normal(std::string_view text, bool first, std::vector<int32_t>& ids) const = 0;
};

struct TextPath {
  std::unique_ptr<TextEncoder> encoder;  // null: the pipeline has no such shape
  size_t normalizers_left = 0;           // steps of the normalizer that are the caller's: the first so many
};

// root: the tokenizer.json, already found to be sound; steps: its normalizer. model and vocabulary outlive the path.
TextPath make_text_path(const Field& root, const std::vector<NormalizerStep>& steps, const TokenModel& model,
                        const Vocabulary& vocabulary);

}  // namespace athanor::token
