// Options of `fit`.
#pragma once

#include <string>
#include <vector>

#include "athanor/classic/fasttext_train.h"
#include "athanor/data/tables/table_schema.h"
#include "athanor/run/fields.h"

namespace athanor {

struct NgramFitOptions {
  int64_t order = 5;
  std::vector<double> prune;
  bool quantise = true;
  bool arpa = false;
  int64_t memory_mb = 1024;
  static void fields(Fields<NgramFitOptions>& f);
};

struct FitOptions {
  std::string kind = "fasttext";
  std::string label_field = "label";
  std::string tokens = "words";
  bool lowercase = false;
  FastTextTrainOptions fasttext;
  NgramFitOptions ngram;
  // Of tables.
  std::string task;
  nlohmann::json model = nlohmann::json::object();
  nlohmann::json features = nlohmann::json::array();
  nlohmann::json reduce = nlohmann::json::array();
  TableOptions table;
  std::string weight_field;
  nlohmann::json class_weights = "";
  int64_t folds = 5;
  double budget_seconds = 60;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<FitOptions>& f);
};

}  // namespace athanor
