// The transform `select`: the best features by a score of each (filter), by a model's importances,
// or by taking the least important away again and again (recursive elimination, Guyon et al. 2002).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/select/scores.h"

namespace athanor {

namespace {

struct SelectOptions {
  std::string by = "anova";
  int64_t keep = 0;
  double share = 0;
  double above = 0;
  int64_t neighbors = 3;
  nlohmann::json model;
  double step = 0.1;
  static void fields(Fields<SelectOptions>& f) {
    f.add("by", &SelectOptions::by,
          "variance; correlation, spearman: with the target; chi2; anova: F; mutual_information; "
          "model: its importances; "
          "elimination: its least important features go, again and again")
        .choices({"variance", "correlation", "spearman", "chi2", "anova", "mutual_information",
                  "model", "elimination"});
    f.add("keep", &SelectOptions::keep, "how many features stay; 0: as share or above say")
        .range(0, 1e9);
    f.add("share", &SelectOptions::share, "which share of them stays").range(0, 1);
    f.add("above", &SelectOptions::above,
          "those with a score above this (when neither keep nor share is given)")
        .range(0, 1e300);
    f.add("neighbors", &SelectOptions::neighbors,
          "mutual_information: of the estimator for numbers")
        .range(1, 100);
    f.add("model", &SelectOptions::model,
          "model, elimination: {NAME: {OPTION: VALUE}}, such as {forest: {trees: 100}}");
    f.add("step", &SelectOptions::step, "elimination: which share of the features goes at once")
        .range(0.001, 0.9);
  }
};

class Select : public Transform {
 public:
  explicit Select(SelectOptions options) : options_(std::move(options)) {
    if (by_model() && (!options_.model.is_object() || options_.model.size() != 1)) {
      throw Error(ErrorKind::kUsage, "selection by a model wants one", "select.model",
                  "model: {forest: {trees: 100}}");
    }
    if (options_.by == "elimination" && options_.keep == 0 && options_.share == 0) {
      throw Error(ErrorKind::kUsage, "elimination wants keep or share", "select.keep");
    }
  }

  Matrix fit(Matrix x, const Target* target, FitContext& context) override {
    expect_no_gaps(x, "select");
    if (options_.by != "variance" && (target == nullptr || target->rows() != x.rows)) {
      throw Error(ErrorKind::kUsage, "selection by " + options_.by + " needs a target", "select.by",
                  "take by: variance");
    }
    columns_ = x.columns;
    if (options_.by == "elimination") {
      eliminate(x, *target, context);
    } else {
      scores_ = scores_of(x, target, context);
      if (static_cast<uint64_t>(options_.keep) > columns_) {
        context.warn("select keeps " + std::to_string(options_.keep) + " features, and there are " + std::to_string(columns_) +
                     ": all stay");
      }
      choose();
    }
    if (chosen_.empty()) {
      throw Error(ErrorKind::kInput,
                  "no feature has a score above " + std::to_string(options_.above), "select.above");
    }
    return take_columns(x);
  }

  Matrix apply(Matrix x, ThreadPool&) const override {
    expect_columns(x, columns_, "select");
    return take_columns(x);
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    out.put("chosen", std::span<const int64_t>(chosen_));
    out.put("scores", scores_);
  }

  void load(const SavedReader& in) override {
    columns_ = in.get<uint64_t>("columns");
    const auto chosen = in.int64s("chosen");
    const auto scores = in.doubles("scores", columns_);
    chosen_.assign(chosen.begin(), chosen.end());
    scores_.assign(scores.begin(), scores.end());
    int64_t last = -1;
    for (const int64_t column : chosen_) {
      if (column <= last || static_cast<uint64_t>(column) >= columns_) {
        in.fail("a chosen column is out of range");
      }
      last = column;
    }
  }

 private:
  bool by_model() const { return options_.by == "model" || options_.by == "elimination"; }

  static std::vector<double> ask_model(const Matrix& x, const Target& target,
                                       const nlohmann::json& model, FitContext& context) {
    if (!context.importances) {
      throw Error(ErrorKind::kUsage, "no model can be asked here", "select.by",
                  "take a score such as anova or mutual_information");
    }
    std::vector<double> importances = context.importances(x, target, model, context);
    if (importances.size() != x.columns) {
      throw Error(ErrorKind::kUsage, "the model says nothing of the importance of features",
                  "select.model", "take a forest, boosting or a linear model");
    }
    return importances;
  }

  std::vector<double> scores_of(const Matrix& x, const Target* target, FitContext& context) const {
    const std::string& by = options_.by;
    if (by == "variance") {
      return variance_scores(x);
    }
    if (by == "chi2" && target->task == Task::kRegression) {
      throw Error(ErrorKind::kUsage, "chi2 is for classes", "select.by",
                  "take anova, correlation or mutual_information");
    }
    return by == "chi2"    ? chi2_scores(x, *target)
           : by == "anova" ? anova_scores(x, *target)
           : by == "mutual_information"
               ? mutual_information_scores(x, *target, options_.neighbors, context.seed, context.pool)
           : by == "model" ? ask_model(x, *target, options_.model, context)
                           : correlation_scores(x, *target, by == "spearman", context.pool);
  }

  size_t wanted() const {
    const auto all = static_cast<size_t>(columns_);
    const auto count =
        options_.keep > 0
            ? static_cast<size_t>(options_.keep)
            : static_cast<size_t>(std::ceil(options_.share * static_cast<double>(columns_)));
    return std::min(all, std::max<size_t>(1, count));
  }

  // The best by score, of equal ones the first; in the order of columns.
  void choose() {
    chosen_.resize(columns_);
    std::iota(chosen_.begin(), chosen_.end(), 0);
    const auto score = [&](int64_t column) {
      const double value = scores_[static_cast<size_t>(column)];
      return std::isnan(value) ? -1.0 : value;
    };
    if (options_.keep == 0 && options_.share == 0) {
      std::erase_if(chosen_, [&](int64_t column) { return !(score(column) > options_.above); });
      return;
    }
    std::stable_sort(chosen_.begin(), chosen_.end(),
                     [&](int64_t a, int64_t b) { return score(a) > score(b); });
    chosen_.resize(wanted());
    std::sort(chosen_.begin(), chosen_.end());
  }

  // scores_: the round in which a feature went; those that stay have the highest.
  void eliminate(const Matrix& x, const Target& target, FitContext& context) {
    scores_.assign(columns_, 0);
    chosen_.resize(columns_);
    std::iota(chosen_.begin(), chosen_.end(), 0);
    double round = 0;
    while (chosen_.size() > wanted()) {
      const std::vector<double> importances =
          ask_model(take_columns(x), target, options_.model, context);
      std::vector<size_t> order(chosen_.size());
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(),
                       [&](size_t a, size_t b) { return importances[a] < importances[b]; });
      const auto step =
          static_cast<size_t>(std::max(1.0, options_.step * static_cast<double>(chosen_.size())));
      const size_t going = std::min(step, chosen_.size() - wanted());
      ++round;
      std::vector<bool> goes(chosen_.size(), false);
      for (size_t i = 0; i < going; ++i) {
        goes[order[i]] = true;
        scores_[static_cast<size_t>(chosen_[order[i]])] = round;
      }
      std::vector<int64_t> left;
      for (size_t i = 0; i < chosen_.size(); ++i) {
        if (!goes[i]) {
          left.push_back(chosen_[i]);
        }
      }
      chosen_ = std::move(left);
      context.progress(static_cast<double>(columns_ - chosen_.size()) /
                       static_cast<double>(columns_ - wanted()));
    }
    for (const int64_t column : chosen_) {
      scores_[static_cast<size_t>(column)] = round + 1;
    }
  }

  Matrix take_columns(const Matrix& x) const {
    Matrix out;
    out.rows = x.rows;
    out.columns = chosen_.size();
    out.is_sparse = x.is_sparse;
    std::vector<int64_t> place(x.columns, -1);
    for (size_t i = 0; i < chosen_.size(); ++i) {
      place[static_cast<size_t>(chosen_[i])] = static_cast<int64_t>(i);
    }
    if (!x.is_sparse) {
      out.values.resize(out.rows * out.columns);
    }
    for (uint64_t row = 0; row < x.rows; ++row) {
      if (!x.is_sparse) {
        for (size_t i = 0; i < chosen_.size(); ++i) {
          out.at(row, i) = x.at(row, static_cast<uint64_t>(chosen_[i]));
        }
        continue;
      }
      x.for_each_in_row(row, [&](uint32_t column, double value) {
        if (place[column] >= 0) {
          out.sparse.indices.push_back(static_cast<uint32_t>(place[column]));
          out.sparse.values.push_back(value);
        }
      });
      out.sparse.offsets.push_back(out.sparse.indices.size());
    }
    for (size_t i = 0; i < chosen_.size() && !x.names.empty(); ++i) {
      out.names.push_back(x.name_of(static_cast<uint64_t>(chosen_[i])));
    }
    return out;
  }

  SelectOptions options_;
  uint64_t columns_ = 0;
  std::vector<int64_t> chosen_;
  std::vector<double> scores_;
};

}  // namespace

TransformKind select_kind() {
  return make_transform_kind<Select, SelectOptions>(
      "select", "the best features, by a score, a model or elimination");
}

}  // namespace athanor
