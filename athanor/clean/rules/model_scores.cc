#include "athanor/clean/rules/model_scores.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/classic/estimator.h"
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

// The model's file and its tokens. cut: "" where it is not given.
EstimatorFile find_model(const std::string& path, const std::string& step, const std::string& cut, bool lowercase) {
  EstimatorFile found = find_estimator(path);
  if (found.kind.empty()) {
    found.tokens = TextTokens(text_cut(cut.empty() ? "words" : cut, step + ".cut"), lowercase);
  } else if ((!cut.empty() && cut != found.tokens.name()) || (lowercase && !found.tokens.lowercase())) {
    throw Error(ErrorKind::kUsage,
                "cut or lowercase are not what the model was trained with: " + found.tokens.name() +
                    (found.tokens.lowercase() ? ", lower case" : ", case as it stands"),
                "", "leave them out: they are read from the model's estimator.json");
  }
  return found;
}

// What opens it when it is first wanted; the options are checked by then only, but for the name of a cut.
template <typename Model>
std::function<ScoringModel<Model>()> opens(const std::string& path, const std::string& step, const json& options) {
  const std::string cut = options.value("cut", "");
  if (!cut.empty()) {
    text_cut(cut, step + ".cut");
  }
  return [=, lowercase = options.value("lowercase", false)]() -> ScoringModel<Model> {
    const EstimatorFile found = find_model(path, step, cut, lowercase);
    return {Model::open(found.file), found.tokens};
  };
}

std::vector<std::string> paths_beside(const std::string& path) {
  std::vector<std::string> paths;
  for (const fs::path& file : files_beside(path)) {
    paths.push_back(file.string());
  }
  return paths;
}

int32_t index_of(const std::string& label, const std::vector<std::string>& known, const char* what) {
  const auto found = std::find(known.begin(), known.end(), label);
  if (found == known.end()) {
    throw Error(ErrorKind::kUsage, std::string("the model has no ") + what + " '" + label + "'", "",
                did_you_mean(label, known));
  }
  return static_cast<int32_t>(found - known.begin());
}

}  // namespace

Language::Language(const json& options)
    : path_(model_path(options, "language")),
      keep_(options.at("keep").get<std::vector<std::string>>()),
      min_score_(options.at("min_score")),
      model_(opens<FastText>(path_, "language", options)) {}

void Language::open() const { model_.get(); }

void Language::check_thresholds() const {
  for (const std::string& language : keep_) {
    index_of(language, model_.get().model.labels(), "language");
  }
}

std::vector<std::string> Language::more_files() const { return paths_beside(path_); }

std::vector<StepOption> Language::options() {
  return {file_option("model", "", "a fastText classifier whose labels are languages: a file, or a folder that fit made"),
          threshold("keep", json::array(), "the languages to keep; empty: all"),
          threshold("min_score", 0.65, "a smaller probability of the likeliest language: dropped", 0, 1)};
}

std::vector<StepMetric> Language::metrics() {
  return {{"score", "probability of the likeliest language"}, {"label", "that language", MetricType::kText}};
}

void Language::measure(DocumentView& document, Measures& out) const {
  std::string scratch;
  const auto& [model, tokens] = model_.get();
  const std::vector<FastText::Prediction> best = model.predict(tokens.cut(document.text(), scratch), 1);
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
    : path_(model_path(options, "classifier")),
      min_score_(options.at("min_score")),
      max_score_(options.at("max_score")),
      model_([open = opens<FastText>(path_, "classifier", options), label = options.at("label").get<std::string>()] {
        Opened opened{open(), 0};
        opened.label = index_of(label, opened.scoring.model.labels(), "label");
        return opened;
      }) {}

void Classifier::open() const { model_.get(); }

std::vector<std::string> Classifier::more_files() const { return paths_beside(path_); }

std::vector<StepOption> Classifier::options() {
  return {file_option("model", "", "a fastText classifier: a file, or a folder that fit made"),
          {"label", "", "the label whose probability is the score"},
          {"cut", "", "words, characters or mixed; empty: as the model's estimator.json says, else words"},
          {"lowercase", false, "the model learned from lower-case text; estimator.json says it by itself"},
          threshold("min_score", 0.5, "a smaller score: dropped", 0, 1),
          threshold("max_score", 1.0, "a larger score: dropped", 0, 1)};
}

std::vector<StepMetric> Classifier::metrics() {
  return {{"score", "the label's probability"}, {"label", "the likeliest label", MetricType::kText}};
}

void Classifier::measure(DocumentView& document, Measures& out) const {
  std::vector<FastText::Score> scores;
  std::string scratch;
  const auto& [scoring, label] = model_.get();
  scoring.model.predict(scoring.tokens.cut(document.text(), scratch), 0, 0, scores);
  double score = 0;
  for (const FastText::Score& one : scores) {
    if (one.label == label) {
      score = std::min(1.0, static_cast<double>(one.probability));
    }
  }
  out.add(score);
  out.add(scores.empty() ? std::string() : scoring.model.labels()[static_cast<size_t>(scores[0].label)]);
}

Verdict Classifier::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_score_, max_score_, "classifier_score", "classifier_score"}};
  return check_bounds(measures, bounds);
}

Perplexity::Perplexity(const json& options)
    : path_(model_path(options, "perplexity")),
      min_(options.at("min")),
      max_(options.at("max")),
      model_(opens<NgramModel>(path_, "perplexity", options)) {}

void Perplexity::open() const { model_.get(); }

std::vector<std::string> Perplexity::more_files() const { return paths_beside(path_); }

std::vector<StepOption> Perplexity::options() {
  return {file_option("model", "", "an n-gram model: a file, or a folder that fit made"),
          {"cut", "", "words, characters or mixed; empty: as the model's estimator.json says, else words"},
          {"lowercase", false, "the model learned from lower-case text; estimator.json says it by itself"},
          threshold("min", 0.0, "smaller: dropped (text that repeats what the model knows)", 0),
          threshold("max", 1e308, "larger: dropped", 0)};
}

std::vector<StepMetric> Perplexity::metrics() {
  return {{"value", "perplexity per token"}, {"unknown", "tokens that the model does not know / tokens"}};
}

void Perplexity::measure(DocumentView& document, Measures& out) const {
  const auto& [model, tokens] = model_.get();
  const NgramScore score = model.score(document.text(), tokens);
  out.add(score.num_tokens == 0 ? kDoesNotApply : score.perplexity());
  out.add(ratio(score.num_unknown, score.num_tokens));
}

Verdict Perplexity::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_, max_, "perplexity_low", "perplexity_high"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
