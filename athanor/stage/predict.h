// predict: what its two kinds of judges share, estimators (above the torch line) and language models (below it).
#pragma once

#include <string>
#include <vector>

#include "athanor/run/fields.h"
#include "athanor/run/verb.h"
#include "athanor/stage/column_parts.h"

namespace athanor {

struct PredictOptions {
  std::string model;
  std::string as = "predicted";
  double threshold = 0;
  bool probabilities = false;
  bool explain = false;
  int64_t sequence_length = 0;
  int64_t batch_size = 16;
  std::string precision = "fp32";
  int64_t threads = 0;
  static void fields(Fields<PredictOptions>& f);
};

struct DocumentJudge {
  std::string kind;                  // "fasttext", "ngram", "language_model"
  std::vector<std::string> strings;  // columns, without the prefix: first those of text, ...
  std::vector<std::string> numbers;  // ... then those of numbers; "perplexity" gets a column of buckets beside it
  uint64_t part_bytes;               // text of about a second's work
  ColumnParts::Judge judge;
};

// Judges documents in parts, writes the columns and gives the run's result.
nlohmann::json predict_documents(StageContext& context, const PredictOptions& options, const DocumentJudge& judge);

}  // namespace athanor
