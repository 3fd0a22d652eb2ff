// A fastText classifier at work (Joulin et al. 2016): labels and probabilities as fastText's own `predict` gives them.
//
//   const FastText model = FastText::open("lid.176.ftz");
//   const auto best = model.predict("Wie spät ist es?");   // {{"de", 0.98}}
//
// Probabilities are fastText's to within float rounding, its 1e-5 inside the logarithm included (so they may exceed 1
// by that much). All const members are thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/classic/fasttext_format.h"

namespace athanor {

class FastText {
 public:
  // Error(kInput) for any damage; see fasttext_format.h.
  static FastText open(const fs::path& path);
  explicit FastText(FastTextModel model);
  ~FastText();
  FastText(FastText&&) noexcept;
  FastText& operator=(FastText&&) noexcept;

  struct Prediction {
    std::string label;  // without "__label__"
    float probability = 0;
  };
  struct Score {
    int32_t label = 0;  // index into labels()
    float probability = 0;
  };

  // The k likeliest labels with a probability of at least threshold, best first. k < 1: all. Newlines count as blanks.
  // An empty list when nothing in the text is known to the model.
  std::vector<Prediction> predict(std::string_view text, int k = 1, float threshold = 0) const;
  // The same by number; `out` is cleared first.
  void predict(std::string_view text, int k, float threshold, std::vector<Score>& out) const;

  // Rows of the input matrix that the text names: words, character and word n-grams, in fastText's order.
  void row_ids(std::string_view text, std::vector<int32_t>& out) const;

  const std::vector<std::string>& labels() const;  // without "__label__", most frequent first
  int32_t dim() const;
  const FastTextArgs& args() const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace athanor
