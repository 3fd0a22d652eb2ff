// The `estimator` artifact: a folder with estimator.json and the model it names.
//
//   {"schema": 1, "kind": "fasttext", "file": "model.bin", "tokens": "mixed", "lowercase": true,
//    "options": {...}, "trained_on": {"documents": 19746, ...}}
//
// Who takes the model out of its folder takes the way of cutting with it: find_estimator() below.
//
//   auto estimator = open_estimator("runs/fit-1a2b3c4d/out");    // or a bare .bin, .ftz, .arpa or .ngram file
//   EstimatorColumns columns;
//   estimator->predict(texts, columns);
//
// kind fasttext gives columns label and score (the label's probability), kind ngram perplexity and log10_p.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/classic/fasttext.h"
#include "athanor/classic/ngram_model.h"
#include "athanor/classic/text_tokens.h"

namespace athanor {

// One value a text, or nothing at all of what the estimator does not give.
struct EstimatorColumns {
  std::vector<std::string> label;
  std::vector<double> score;
  std::vector<double> perplexity;
  std::vector<double> log10_p;
};

class Estimator {
 public:
  virtual ~Estimator() = default;
  virtual std::string kind() const = 0;  // "fasttext", "ngram"
  // What a person wants to know of it: labels, order, sizes.
  virtual nlohmann::json description() const = 0;
  // Replaces the columns. Any bytes are a text. Thread-safe. A text in which a classifier knows nothing gets the label
  // "" and the score 0; one without tokens the perplexity 1.
  virtual void predict(std::span<const std::string_view> texts, EstimatorColumns& out) const = 0;
};

// Error(kInput) that names the file for anything damaged or unknown.
std::unique_ptr<Estimator> open_estimator(const fs::path& folder_or_file);

// A model's file, and the way in which its tokens are cut.
struct EstimatorFile {
  fs::path file;
  std::string kind;  // empty when no estimator.json says it
  TextTokens tokens;
};

// path: an estimator's folder, or a model's file; estimator.json beside the file (same name but for the extension) says
// how its tokens are cut, else they are words. Opens no model. Error(kInput) for a damaged estimator.json.
EstimatorFile find_estimator(const fs::path& path);
// The files other than `path` itself that find_estimator(path) reads, where path is a file: to be pinned with it.
std::vector<fs::path> files_beside(const fs::path& path);

// Error(kInput) that names dir/estimator.json where it says a schema that this program does not know; none: nothing.
void check_estimator_schema(const fs::path& dir);

// What is stored beside a model.
struct EstimatorInfo {
  TextTokens tokens;
  nlohmann::json options = nlohmann::json::object();
  nlohmann::json trained_on = nlohmann::json::object();
};

// Writes model.bin (model.ftz when quantised), estimator.json, and tokenizer.json where tokens are a tokenizer's.
void save_estimator(const fs::path& dir, const FastTextModel& model, const EstimatorInfo& info);
// Writes model.ngram, and model.arpa when asked.
void save_estimator(const fs::path& dir, const NgramTables& tables, bool quantise, bool with_arpa, const EstimatorInfo& info);

}  // namespace athanor
