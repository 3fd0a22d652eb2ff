// Filters by small models that are read from a file (room classic), their scores kept as metrics:
//
//   - language: {model: lid.176.ftz, keep: [en, zh], min_score: 0.65}      # a fastText classifier of languages
//   - classifier: {model: quality.bin, label: hq, min_score: 0.5}          # any fastText classifier
//   - perplexity: {model: zh.ngram, max: 1200}                             # a backoff n-gram model, per token
//
// Reasons: language (the likeliest one is not among keep), language_uncertain (below min_score; FineWeb has 0.65),
// classifier_score (the label's probability below min_score or above max_score), perplexity_high, perplexity_low.
// How tokens are cut is what the model was trained with: as its own estimator.json says (model: an estimator's folder, or
// a file in it), else by the options cut and lowercase (text_cut.h), words for a published model. Options that contradict
// an estimator.json are an error. Files are opened at the first document (or by open()), once.
// A text in which a model knows nothing has the score 0 and no language; one without tokens has no perplexity.
#pragma once

#include "athanor/classic/fasttext.h"
#include "athanor/classic/ngram_model.h"
#include "athanor/classic/text_tokens.h"
#include "athanor/clean/on_first_use.h"
#include "athanor/clean/step.h"

namespace athanor {

// A model and the way in which its tokens are cut.
template <typename Model>
struct ScoringModel {
  Model model;
  TextTokens tokens;
};

class Language : public CleanStep {
 public:
  explicit Language(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override;
  void check_thresholds() const override;
  std::vector<std::string> more_files() const override;
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  std::string path_;
  std::vector<std::string> keep_;
  double min_score_;
  OnFirstUse<ScoringModel<FastText>> model_;
};

class Classifier : public CleanStep {
 public:
  explicit Classifier(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override;
  std::vector<std::string> more_files() const override;
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  struct Opened {
    ScoringModel<FastText> scoring;
    int32_t label;  // an index of the model's labels
  };
  std::string path_;
  double min_score_, max_score_;
  OnFirstUse<Opened> model_;
};

class Perplexity : public CleanStep {
 public:
  explicit Perplexity(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override;
  std::vector<std::string> more_files() const override;
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  std::string path_;
  double min_, max_;
  OnFirstUse<ScoringModel<NgramModel>> model_;
};

}  // namespace athanor
