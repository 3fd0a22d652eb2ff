#include "athanor/clean/rules/model_scores.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/clean/bounds.h"

namespace athanor {

using nlohmann::json;

namespace {

std::string model_path(const json& options, const char* step) {
  std::string path = options.at("model");
  if (path.empty()) {
    throw Error(ErrorKind::kUsage, std::string(step) + " needs a model file", "",
                std::string("write {\"") + step + "\": {\"model\": \"PATH\"}}");
  }
  return path;
}

TextTokens tokens_of(const json& options, const char* where) {
  return TextTokens(text_cut(options.at("cut").get<std::string>(), where), options.at("lowercase"));
}

}  // namespace

Language::Language(const json& options)
    : model_(FastText::open(model_path(options, "language"))),
      keep_(options.at("keep").get<std::vector<std::string>>()),
      min_score_(options.at("min_score")) {
  const std::vector<std::string>& known = model_.labels();
  for (const std::string& language : keep_) {
    if (std::find(known.begin(), known.end(), language) == known.end()) {
      throw Error(ErrorKind::kUsage, "the model knows no language '" + language + "'", "", did_you_mean(language, known));
    }
  }
}

std::vector<StepOption> Language::options() {
  return {file_option("model", "", "a fastText classifier whose labels are languages"),
          threshold("keep", json::array(), "the languages to keep; empty: all"),
          threshold("min_score", 0.65, "a smaller probability of the likeliest language: dropped", 0, 1)};
}

std::vector<StepMetric> Language::metrics() {
  return {{"score", "probability of the likeliest language"}, {"label", "that language", MetricType::kText}};
}

void Language::measure(DocumentView& document, Measures& out) const {
  const std::vector<FastText::Prediction> best = model_.predict(document.text(), 1);
  out.add(best.empty() ? 0.0 : static_cast<double>(best[0].probability));
  out.add(best.empty() ? std::string() : best[0].label);
}

Verdict Language::decide(const Measures& measures) const {
  const double score = measures.numbers.at(0);
  if (!keep_.empty() && std::find(keep_.begin(), keep_.end(), measures.texts.at(0)) == keep_.end()) {
    return {false, "language", score};
  }
  return score < min_score_ ? Verdict{false, "language_uncertain", score} : Verdict{};
}

Classifier::Classifier(const json& options)
    : model_(FastText::open(model_path(options, "classifier"))),
      tokens_(tokens_of(options, "classifier.cut")),
      min_score_(options.at("min_score")),
      max_score_(options.at("max_score")) {
  const std::string label = options.at("label");
  const std::vector<std::string>& known = model_.labels();
  const auto found = std::find(known.begin(), known.end(), label);
  if (found == known.end()) {
    throw Error(ErrorKind::kUsage, "the model has no label '" + label + "'", "", did_you_mean(label, known));
  }
  label_ = static_cast<int32_t>(found - known.begin());
}

std::vector<StepOption> Classifier::options() {
  return {file_option("model", "", "a fastText classifier"),
          {"label", "", "the label whose probability is the score"},
          {"cut", "words", "how the model's tokens are cut: words, characters or mixed"},
          {"lowercase", false, "the model learned from lower-case text"},
          threshold("min_score", 0.5, "a smaller score: dropped", 0, 1),
          threshold("max_score", 1.0, "a larger score: dropped", 0, 1)};
}

std::vector<StepMetric> Classifier::metrics() {
  return {{"score", "the label's probability"}, {"label", "the likeliest label", MetricType::kText}};
}

void Classifier::measure(DocumentView& document, Measures& out) const {
  std::vector<FastText::Score> scores;
  std::string scratch;
  model_.predict(tokens_.cut(document.text(), scratch), 0, 0, scores);
  double score = 0;
  for (const FastText::Score& one : scores) {
    if (one.label == label_) {
      score = std::min(1.0, static_cast<double>(one.probability));
    }
  }
  out.add(score);
  out.add(scores.empty() ? std::string() : model_.labels()[static_cast<size_t>(scores[0].label)]);
}

Verdict Classifier::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_score_, max_score_, "classifier_score", "classifier_score"}};
  return check_bounds(measures, bounds);
}

Perplexity::Perplexity(const json& options)
    : model_(NgramModel::open(model_path(options, "perplexity"))),
      tokens_(tokens_of(options, "perplexity.cut")),
      min_(options.at("min")),
      max_(options.at("max")) {}

std::vector<StepOption> Perplexity::options() {
  return {file_option("model", "", "an n-gram model file"),
          {"cut", "words", "how the model's tokens are cut: words, characters or mixed"},
          {"lowercase", false, "the model learned from lower-case text"},
          threshold("min", 0.0, "smaller: dropped (text that repeats what the model knows)", 0),
          threshold("max", 1e308, "larger: dropped", 0)};
}

std::vector<StepMetric> Perplexity::metrics() {
  return {{"value", "perplexity per token"}, {"unknown", "tokens that the model does not know / tokens"}};
}

void Perplexity::measure(DocumentView& document, Measures& out) const {
  const NgramScore score = model_.score(document.text(), tokens_);
  out.add(score.num_tokens == 0 ? kDoesNotApply : score.perplexity());
  out.add(ratio(score.num_unknown, score.num_tokens));
}

Verdict Perplexity::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_, max_, "perplexity_low", "perplexity_high"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
