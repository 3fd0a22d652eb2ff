// What the curves and scores of a finished run say: underfit, overfit, leak, a rate too high or too low, too little data, dead
// units, imbalance, drift; each with the evidence and what to try. Silent on what looks healthy.
//
//   for (const Finding& finding : diagnose(facts)) { finding.name, finding.evidence, finding.advice; }
//
// Thresholds stand in diagnosis.cc, each with its reason; planted faults and healthy runs are tests/golden/doctor.test.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

struct CurvePoint {
  double step = 0;
  double value = 0;  // NaN: the run said so
};

// What is known of a run; what is not stays empty or NaN.
struct RunFacts {
  bool finished = true;                 // false: what only an end tells (no score, still falling) is not said

  // Of training by steps.
  std::vector<CurvePoint> train_loss;
  std::vector<CurvePoint> valid_loss;
  std::vector<CurvePoint> gradient_norm;
  struct Spike {
    double step = 0;
    std::string action;                 // "skip", "rollback", "ignore", "stop"
    std::vector<std::string> documents;
  };
  std::vector<Spike> spikes;
  double valid_error = std::nan("");    // standard error of the last validation loss
  double chance_loss = std::nan("");    // of an answer that knows only how often each label or token comes
  double epochs = std::nan("");         // how often each example was seen
  double warmup_steps = std::nan("");   // of the learning rate, as the recipe has it
  double update_ratio = std::nan("");   // update over weight, the middle one of all parameters, at the look where it was largest
  bool balanced = false;                // the loss weighs labels as if they were equally frequent
  struct Layer {
    std::string name;
    double dead = 0;                    // share of its units that give 0 whatever comes in
  };
  std::vector<Layer> layers;

  // Of scores.
  std::string metric;                   // "accuracy", "r2", "f1 macro" (several labels a row)
  double train_score = std::nan("");
  double valid_score = std::nan("");
  double valid_low = std::nan("");      // its interval
  double valid_high = std::nan("");
  double chance_score = std::nan("");
  double perfect_score = 1;
  bool weighted = false;                // classes of a table: labels have weights
  double train_balanced = std::nan(""); // accuracy as if labels were equally frequent: what weighted or lopsided fits are judged by
  double valid_balanced = std::nan("");
  double balanced_low = std::nan("");   // its interval in validation
  double balanced_high = std::nan("");
  double auc = std::nan("");            // of two labels: in validation, else in training
  uint64_t train_rows = 0;
  uint64_t valid_rows = 0;
  uint64_t features = 0;
  // How much at least of what the model leaves unexplained a small tree can explain, on rows that neither saw.
  double residual_gain = std::nan("");
  // The score of a model that can express more, over the same folds: from a ladder.
  std::string richer_kind;
  double richer_gain = std::nan("");    // its lead, in units of the standard error of the difference
  struct Label {
    std::string name;
    uint64_t rows = 0;
    double recall = std::nan("");
  };
  std::vector<Label> labels;
  struct Field {
    std::string name;
    double alone = std::nan("");        // share of what is to be known that this column tells by itself: 1 = all
    double drift = std::nan("");        // population stability index, training against validation
  };
  std::vector<Field> fields;
  double silhouette = std::nan("");     // of clusters: in validation, else in training
  double clusters = std::nan("");
  double noise_rows = std::nan("");     // in no cluster
  double overlap = std::nan("");        // share of validation rows that stand, the same in all, among the training rows
  double more_data_gain = std::nan(""); // by doubling the training rows, of the distance to a perfect score
};

struct Finding {
  std::string name;      // "overfit", "underfit", "leak", "rate too high", "rate too low", "too little data", "dead units",
                         // "imbalance", "drift", "learns nothing", "loss spikes", "warm-up too long"
  std::string evidence;  // with numbers
  std::string advice;
  std::string change;    // a field to change, as key=value without the step's name: "optimizer.lr=0.0003"; may be empty
  bool grave = true;     // false: worth a look
};

// lr: the run's learning rate where it has one (for the change that is advised), else NaN.
std::vector<Finding> diagnose(const RunFacts& facts, double lr = std::nan(""));

// Population stability index of two histograms over the same bins (Lewis 1994); empty bins count as half a row.
double stability_index(const std::vector<double>& before, const std::vector<double>& after);

}  // namespace athanor
