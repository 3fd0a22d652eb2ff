// Any classifier with probabilities that mean what they say. `folds` models see all rows but a part of each class and score
// that part; on those scores a calibrator a class (or label) is fitted; the model that predicts sees all rows. More than two
// classes: one against the rest, then scaled to sum to 1. scikit-learn's CalibratedClassifierCV(ensemble=False).
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct CalibratedOptions {
  nlohmann::json of = "linear_svm";
  std::string by = "sigmoid";
  int64_t folds = 5;
  static void fields(Fields<CalibratedOptions>& f) {
    f.add("of", &CalibratedOptions::of, "the model: its name, or {kind: svm, c: 10}");
    f.add("by", &CalibratedOptions::by, "sigmoid (Platt: few rows) or isotonic (a thousand rows or more)")
        .choices({"sigmoid", "isotonic"});
    f.add("folds", &CalibratedOptions::folds, "parts that the training rows are cut into").range(2, 100);
  }
};
std::unique_ptr<ClassicModel> make_calibrated(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
