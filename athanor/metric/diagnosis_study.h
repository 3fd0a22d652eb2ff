// What a finished study of `tune` and a cross-validation say, beside their best number: the best at the edge of a range, a
// space too wide or of no effect, too few trials, many that failed; folds that differ, or tell too little.
//
//   for (const Finding& finding : diagnose_study(facts)) { finding.name, finding.evidence, finding.advice; }
//
// Thresholds stand in diagnosis_study.cc, each with its reason. Values of trials that came to their end only: one that was
// paused or pruned is not worse by its own fault.
#pragma once

#include "athanor/metric/diagnosis.h"

namespace athanor {

struct StudyFacts {
  struct Field {
    std::string name;
    double low = std::nan("");         // of a range; NaN: choices
    double high = std::nan("");
    double importance = std::nan("");  // share of the differences between trials
    // Of each trial that came to its end: the place in the range (0..1, on its own scale); NaN: not in this trial.
    std::vector<double> places;
    double best = std::nan("");        // the best trial's value
    // Changes that would try it, as key=value: the range longer at its lower or upper end, and the part that was good.
    std::string wider_below;
    std::string wider_above;
    std::string narrower;
  };
  std::string metric;
  bool higher_is_better = true;
  std::vector<double> values;  // of trials that came to their end, in the order in which they were asked for
  uint64_t trials = 0;         // all of them
  uint64_t failed = 0;
  std::string error;           // of one that failed
  std::vector<Field> fields;
};

// The same metric over the folds of a cross-validation.
struct FoldFacts {
  std::string name;    // of the recipe and what varies in it; empty: one alone
  std::string metric;
  std::vector<double> values;
  double low = std::nan("");  // the interval of the mean
  double high = std::nan("");
  uint64_t repeats = 1;
  bool drawn = true;          // the folds, so that they can be drawn again; not those by time
};

// "many failed", "too few trials", "at the edge", "space too wide", "no effect", "one parameter"
std::vector<Finding> diagnose_study(const StudyFacts& facts);
// "odd fold", "uncertain"
std::vector<Finding> diagnose_folds(const FoldFacts& facts);

}  // namespace athanor
