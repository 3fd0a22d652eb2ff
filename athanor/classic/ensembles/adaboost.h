// What the two AdaBoosts share: of classes (adaboost.cc) and of values (adaboost_values.cc).
#pragma once

#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/run/fields.h"

namespace athanor {

struct AdaBoostOptions {
  nlohmann::json of = "";
  int64_t times = 50;
  double learning_rate = 1;
  std::string loss = "linear";

  static void fields(Fields<AdaBoostOptions>& f);
};

// of: a model, not empty.
std::unique_ptr<ClassicModel> make_adaboost_of_values(const AdaBoostOptions& options);

// The rows that a model of values learns from: as many as there are, each drawn by weight; a pure function of key.
std::vector<uint64_t> rows_by_weight(const std::vector<double>& weights, uint64_t key);

}  // namespace athanor
