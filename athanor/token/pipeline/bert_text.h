// BertNormalizer for a text alone, without alignment, at memory speed for ASCII; and BERT's whole path: normalise a
// few KiB, cut them, look them up, while they are in the first cache.
#pragma once

#include <array>
#include <atomic>

#include "athanor/token/pipeline/bert_normalizer.h"
#include "athanor/token/pipeline/text_encoder.h"
#include "athanor/token/split/bert.h"

namespace athanor::token {

class BertText {
 public:
  // exact: the normalizer, which is asked once for each character outside ASCII, and for the rare text in which
  // combining characters that stay have to be put in order.
  BertText(const BertOptions& options, TextFunction exact) : options_(options), exact_(std::move(exact)) {}
  ~BertText();
  BertText(const BertText&) = delete;
  BertText& operator=(const BertText&) = delete;

  // Appends the normalised text to out. text is well-formed UTF-8 and begins and ends at a space or at an end of the
  // input.
  void append(std::string_view text, std::string& out) const;

 private:
  struct Page {  // 256 characters
    std::array<uint16_t, 257> ends;  // in text; ends[0] is 0
    std::array<bool, 256> reorders;  // the result has a combining class, so neighbours matter
    std::string text;
  };

  const Page& page(char32_t code) const;
  bool append_outside(const char*& p, const char* end, std::string& out) const;

  BertOptions options_;
  TextFunction exact_;
  mutable std::array<std::atomic<const Page*>, 0x1100> pages_{};  // made when first needed
};

class BertEncoder : public TextEncoder {
 public:
  BertEncoder(const BertOptions& options, TextFunction exact, const TokenModel& model)
      : text_(options, std::move(exact)), model_(model), pieces_(&bert_scan, model_) {}

  void encode(std::string_view text, bool first, std::vector<int32_t>& ids) const override;
  void encode_normal(std::string_view text, bool first, std::vector<int32_t>& ids) const override;

 private:
  BertText text_;
  SpacedModel model_;
  PieceEncoder pieces_;
};

}  // namespace athanor::token
