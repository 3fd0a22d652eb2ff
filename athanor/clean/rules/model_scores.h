// Filters by small models that are read from a file (room classic), their scores kept as metrics:
//
//   - language: {model: lid.176.ftz, keep: [en, zh], min_score: 0.65}      # a fastText classifier of languages
//   - classifier: {model: quality.bin, label: hq, min_score: 0.5}          # any fastText classifier
//   - perplexity: {model: zh.ngram, max: 1200}                             # a backoff n-gram model, per token
//
// Reasons: language (the likeliest one is not among keep), language_uncertain (below min_score; FineWeb has 0.65),
// classifier_score (the label's probability below min_score or above max_score), perplexity_high, perplexity_low.
// cut and lowercase must be what the model was trained with (text_cut.h): words for a published model.
// A text in which a model knows nothing has the score 0 and no language; one without tokens has no perplexity.
#pragma once

#include "athanor/classic/fasttext.h"
#include "athanor/classic/ngram_model.h"
#include "athanor/clean/step.h"

namespace athanor {

class Language : public CleanStep {
 public:
  explicit Language(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  FastText model_;
  std::vector<std::string> keep_;
  double min_score_;
};

class Classifier : public CleanStep {
 public:
  explicit Classifier(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  FastText model_;
  TextTokens tokens_;
  int32_t label_;  // an index of the model's labels
  double min_score_, max_score_;
};

class Perplexity : public CleanStep {
 public:
  explicit Perplexity(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  NgramModel model_;
  TextTokens tokens_;
  double min_, max_;
};

}  // namespace athanor
