// The tokens that an estimator sees of a text: cut at blanks, by characters, mixed, or a tokenizer's ids. The way is
// stored beside the model (estimator.json), so that training and prediction cannot disagree.
//
//   TextTokens tokens(TextCut::kMixed, true);
//   std::string out;
//   tokens.cut("我爱NLP", out);   // "我 爱 nlp"
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/classic/text_cut.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

class TextTokens {
 public:
  TextTokens() = default;  // words, as they stand
  explicit TextTokens(TextCut cut, bool lowercase = false) : cut_(cut), lowercase_(lowercase) {}
  explicit TextTokens(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  // The tokens of text parted by single blanks. Either text itself or, written to it, scratch. Thread-safe.
  std::string_view cut(std::string_view text, std::string& scratch) const {
    if (tokenizer_) {
      std::vector<int32_t> ids;
      tokenizer_->encode(text, ids);
      scratch.clear();
      for (const int32_t id : ids) {
        scratch += std::to_string(id);
        scratch += ' ';
      }
      return scratch;
    }
    if (cuts_nothing(cut_, lowercase_)) {
      return text;
    }
    cut_text(text, cut_, lowercase_, scratch);
    return scratch;
  }

  TextCut kind() const { return cut_; }
  bool lowercase() const { return lowercase_; }
  const Tokenizer* tokenizer() const { return tokenizer_.get(); }
  // "words", "characters", "mixed" or "tokenizer"
  std::string name() const { return tokenizer_ ? "tokenizer" : name_of(cut_); }

 private:
  TextCut cut_ = TextCut::kWords;
  bool lowercase_ = false;
  std::shared_ptr<const Tokenizer> tokenizer_;
};

}  // namespace athanor
