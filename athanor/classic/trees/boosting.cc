#include "athanor/classic/trees/boosting.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/boosting_rounds.h"
#include "athanor/classic/trees/tree_kinds.h"

namespace athanor {

namespace {

constexpr uint64_t kValidSalt = 0x76616c6964;

// 1 for a row that is held out of training. Of classes the share of each, rare ones together; the first row of a class is
// always learnt from.
std::vector<uint8_t> held_out_rows(const Target& target, uint64_t rows, double share, uint64_t seed) {
  std::vector<uint8_t> held(rows, 0);
  if (target.task != Task::kClasses) {
    for (uint64_t r = 0; r < rows; ++r) {
      held[r] = to_unit(random_at(seed, kValidSalt, r)) < share ? 1 : 0;
    }
    return held;
  }
  std::vector<std::vector<std::pair<uint64_t, uint64_t>>> of_class(target.labels.size());  // a row's place in a draw, the row
  for (uint64_t r = 0; r < rows; ++r) {
    of_class[static_cast<size_t>(target.classes[r])].emplace_back(random_at(seed, kValidSalt, r), r);
  }
  double due = 0.5;
  for (auto& drawn : of_class) {
    std::sort(drawn.begin(), drawn.end());
    for (size_t i = 1; i < drawn.size(); ++i) {
      due += share;
      held[drawn[i].second] = due >= 1 ? 1 : 0;
      due -= due >= 1 ? 1 : 0;
    }
  }
  return held;
}

}  // namespace

void BoostingOptions::fields(Fields<BoostingOptions>& f) {
  f.add("loss", &BoostingOptions::loss,
        "what is minimised; auto: squared, logistic or softmax by the target")
      .choices({"auto", "squared", "absolute", "huber", "poisson", "logistic", "softmax"});
  f.add("rounds", &BoostingOptions::rounds, "rounds; each adds a tree (a class, with softmax)")
      .range(1, 1'000'000);
  f.add("learning_rate", &BoostingOptions::learning_rate, "share of each tree's step that is taken")
      .range(1e-9, 10);
  f.add("max_leaves", &BoostingOptions::max_leaves, "leaves of a tree at most").range(1, 1 << 20);
  f.add("max_depth", &BoostingOptions::max_depth, "splits on a path at most; 0: no limit but 512")
      .range(0, kMaxTreeDepth);
  f.add("bins", &BoostingOptions::bins, "bins a feature, by quantiles; missing values are one more")
      .range(2, kMaxValueBins);
  f.add("min_samples_leaf", &BoostingOptions::min_samples_leaf, "rows of a leaf at least")
      .range(1, 1e9);
  f.add("min_child_weight", &BoostingOptions::min_child_weight,
        "sum of second derivatives of a leaf at least")
      .range(0, 1e300);
  f.add("min_gain", &BoostingOptions::min_gain, "what a split must win at least").range(0, 1e300);
  f.add("l1", &BoostingOptions::l1, "penalty on the size of a leaf's value").range(0, 1e300);
  f.add("l2", &BoostingOptions::l2, "penalty on the square of a leaf's value").range(0, 1e300);
  f.add("rows", &BoostingOptions::rows, "share of rows that a round learns from").range(1e-6, 1);
  f.add("columns", &BoostingOptions::columns, "share of features that a round may split")
      .range(1e-6, 1);
  f.add("early_stopping", &BoostingOptions::early_stopping,
        "stop after so many rounds in which the loss of the rows of fit's `valid`, or of held-out ones, was not lower; 0: never")
      .range(0, 1'000'000);
  f.add("valid_share", &BoostingOptions::valid_share, "share of rows held out for early stopping where fit has no `valid`")
      .range(0.001, 0.9);
  f.add("huber_delta", &BoostingOptions::huber_delta,
        "distance from which huber counts linearly; 0: 1.345 times the target's spread about its "
        "median")
      .range(0, 1e300);
  f.add("monotone", &BoostingOptions::monotone,
        "features whose effect only rises (1) or falls (-1): {name: 1, ...}; not with absolute or softmax");
  f.add("categories", &BoostingOptions::categories,
        "features whose numbers are codes of categories (encode: ordinal), split by sets of them: [workclass, ...]; auto: the "
        "table's categories, where `features` is left out and all models split numbers");
}

Boosting::Boosting(const BoostingOptions& options, Task task) : options_(options), task_(task) {
  const std::string& loss = options_.loss;
  const bool of_values =
      loss == "squared" || loss == "absolute" || loss == "huber" || loss == "poisson";
  const bool of_classes = loss == "logistic" || loss == "softmax";
  const bool wrong = (task == Task::kRegression && of_classes) ||
                     (task != Task::kRegression && of_values) ||
                     (task == Task::kMultiLabel && loss == "softmax");
  if (wrong) {
    throw Error(ErrorKind::kUsage, "the loss '" + loss + "' does not fit " + name_of(task), "loss",
                task == Task::kRegression ? "one of squared, absolute, huber, poisson"
                                          : "leave it at auto");
  }
  if (!options_.monotone.is_object()) {
    throw Error(ErrorKind::kUsage, "'monotone' is a map of feature names to 1 or -1", "monotone",
                "{income: 1}");
  }
  if (options_.categories != "auto" && !options_.categories.is_array()) {
    throw Error(ErrorKind::kUsage, "'categories' is a list of feature names", "categories",
                "[workclass, occupation]");
  }
  if (options_.categories.is_array() && !options_.categories.empty() && !options_.monotone.empty()) {
    throw Error(ErrorKind::kUsage, "monotone features and categories do not go together", "categories",
                "give one of them");
  }
}

std::vector<uint8_t> Boosting::category_columns(const Matrix& x, const std::vector<std::string>& known) const {
  std::vector<uint8_t> out;
  const auto mark = [&](const std::string& name) {
    const auto found = std::find(x.names.begin(), x.names.end(), name);
    if (found != x.names.end()) {
      out.resize(x.columns, 0);
      out[static_cast<size_t>(found - x.names.begin())] = 1;
    }
    return found != x.names.end();
  };
  if (options_.categories == "auto") {
    for (const auto& name : options_.monotone.empty() ? known : std::vector<std::string>{}) {
      mark(name);  // a model inside another may see only some features
    }
    return out;
  }
  for (const auto& given : options_.categories) {
    const std::string name = given.is_string() ? given.get<std::string>() : given.dump();
    if (!mark(name)) {
      throw Error(ErrorKind::kUsage, "there is no feature '" + name + "'", "categories", did_you_mean(name, x.names));
    }
  }
  return out;
}

void Boosting::watch(const Matrix* x, const Target* target) {
  watched_x_ = x;
  watched_target_ = target;
}

std::vector<int8_t> Boosting::monotone_columns(const Matrix& x) const {
  std::vector<int8_t> ways(options_.monotone.empty() ? 0 : x.columns, 0);
  for (const auto& [name, way] : options_.monotone.items()) {
    const auto found = std::find(x.names.begin(), x.names.end(), name);
    if (found == x.names.end()) {
      throw Error(ErrorKind::kUsage, "there is no feature '" + name + "'", "monotone",
                  did_you_mean(name, x.names));
    }
    if (!way.is_number_integer() || (way != 1 && way != -1 && way != 0)) {
      throw Error(ErrorKind::kUsage, "a monotone feature is 1, -1 or 0, not " + way.dump(),
                  "monotone." + name);
    }
    ways[static_cast<size_t>(found - x.names.begin())] = way.get<int8_t>();
  }
  if (!ways.empty() && (loss_ == "softmax" || loss_ == "absolute")) {
    throw Error(ErrorKind::kUsage, "monotone features and the loss '" + loss_ + "' do not go together", "monotone",
                loss_ == "absolute" ? "loss: huber minds outliers as little" : "");
  }
  return ways;
}

void Boosting::fit(const Matrix& all_x, const Target& all_target, FitContext& context) {
  const FitRows given(all_x, all_target);
  labels_ = given.target().labels.size();
  loss_ = options_.loss == "auto" ? usual_loss(given.target()) : options_.loss;
  if (loss_ == "logistic" && task_ == Task::kClasses && labels_ > 2) {
    throw Error(ErrorKind::kUsage,
                "the loss 'logistic' is for two classes, these are " + std::to_string(labels_),
                "loss", "use softmax, or leave it at auto");
  }
  Matrix train_x, valid_x;
  Target train_target, valid_target;
  const Matrix* x = &given.x();
  const Target* target = &given.target();
  const bool stops = options_.early_stopping > 0;
  if (stops && watched_x_ == nullptr) {
    std::vector<uint64_t> train_rows, valid_rows;
    const auto held = held_out_rows(*target, x->rows, options_.valid_share, context.seed);
    for (uint64_t r = 0; r < x->rows; ++r) {
      (held[r] != 0 ? valid_rows : train_rows).push_back(r);
    }
    if (train_rows.empty() || valid_rows.empty()) {
      throw Error(ErrorKind::kInput, "too few rows to hold some out for early stopping",
                  "valid_share", "set early_stopping: 0");
    }
    train_x = take_rows(*x, train_rows);
    valid_x = take_rows(*x, valid_rows);
    train_target = take_rows(*target, train_rows);
    valid_target = take_rows(*target, valid_rows);
    x = &train_x;
    target = &train_target;
  }
  const Matrix* judged_x = watched_x_ != nullptr ? watched_x_ : &valid_x;
  const Target* judged_target = watched_x_ != nullptr ? watched_target_ : &valid_target;
  const BinCuts cuts = BinCuts::learn(*x, static_cast<uint32_t>(options_.bins), context.pool,
                                      category_columns(*x, context.categories),
                                      static_cast<uint64_t>(options_.min_samples_leaf));
  const LossSpec spec{loss_, options_.huber_delta};
  BoostingData train{cuts.apply(*x, context.pool), target, make_loss(spec, *target), {}};
  BoostingData valid;
  stopping_ = nullptr;
  if (stops) {
    stopping_ = {{"trained_rows", x->rows}, {"judged_rows", judged_x->rows}, {"judged_by", watched_x_ != nullptr ? "valid" : "held out"}};
    valid = {
        cuts.apply(*judged_x, context.pool), judged_target, make_loss(spec, *judged_target), {}};
  }
  trees_ = TreeSet{};
  trees_.columns = x->columns;
  trees_.groups = train.loss->outputs();
  trees_.gain_unit = loss_ == "squared" ? gain_unit_of(*target, 2) : loss_ == "poisson" ? gain_unit_of(*target, 1) : 1;
  base_ = train.loss->start();
  valid_losses_.clear();
  run_boosting_rounds(options_, cuts, train, stops ? &valid : nullptr, monotone_columns(*x), base_,
                      trees_, valid_losses_, context);
  watched_x_ = nullptr;
  watched_target_ = nullptr;
}

Matrix Boosting::raw_scores(const Matrix& x, ThreadPool& pool) const {
  return sum_of_trees(trees_, x, 1, base_, pool);
}

Matrix Boosting::predict(const Matrix& x, ThreadPool& pool) const {
  return scores_to_predictions(loss_, task_, labels_, raw_scores(x, pool));
}

nlohmann::json Boosting::description(const std::vector<std::string>& names) const {
  nlohmann::json out = trees_description(names);
  out["loss"] = loss_;
  out["rounds"] = trees_.trees() / trees_.groups;
  if (!valid_losses_.empty()) {
    out["valid_loss"] = *std::min_element(valid_losses_.begin(), valid_losses_.end());
  }
  if (!stopping_.is_null()) {
    out["early_stopping"] = stopping_;
  }
  return out;
}

void Boosting::save(SavedWriter& out) const {
  out.json()["loss"] = loss_;
  out.json()["labels"] = labels_;
  out.put("base", std::span<const double>(base_));
  out.put("valid_losses", std::span<const double>(valid_losses_));
  if (!stopping_.is_null()) {
    out.json()["early_stopping"] = stopping_;
  }
  SavedWriter part = out.part("trees");
  trees_.save(part);
}

void Boosting::load(const SavedReader& in) {
  loss_ = in.get<std::string>("loss");
  labels_ = in.get<uint64_t>("labels");
  stopping_ = in.json().value("early_stopping", nlohmann::json());
  trees_.load(in.part("trees"));
  const bool known = loss_ == "squared" || loss_ == "absolute" || loss_ == "huber" ||
                     loss_ == "poisson" || loss_ == "logistic" || loss_ == "softmax";
  const uint64_t outputs = loss_ == "softmax" || task_ == Task::kMultiLabel ? labels_ : 1;
  if (!known || trees_.width != 1 || trees_.groups != outputs || labels_ > INT32_MAX ||
      (loss_ == "logistic" && task_ == Task::kClasses && labels_ > 2)) {
    in.fail("'loss', 'labels' and the trees do not go together");
  }
  const auto base = in.doubles("base", outputs);
  const auto losses = in.doubles("valid_losses");
  base_.assign(base.begin(), base.end());
  valid_losses_.assign(losses.begin(), losses.end());
  for (const double value : base_) {
    if (!std::isfinite(value)) {
      in.fail("a base score is not finite");
    }
  }
}

ModelKind boosting_kind() {
  return {"boosting",
          "gradient boosting of trees over histograms: the first to try on a table",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          true,
          true,
          schema_of<BoostingOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<Boosting>(load_options<BoostingOptions>(options), task);
          }};
}

}  // namespace athanor
