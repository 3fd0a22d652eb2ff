#include "athanor/classic/models/calibrated.h"

#include <algorithm>
#include <memory>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/models/calibration.h"
#include "athanor/classic/models/checks.h"

namespace athanor::classic {

namespace {

class Calibrated final : public ClassicModel {
 public:
  Calibrated(const CalibratedOptions& options, Task task) : options_(options), task_(task) {
    model_ = fresh();  // says now what is wrong with its options
    if (model_->kind() == "calibrated") {
      throw Error(ErrorKind::kUsage, "a calibrated model calibrates another kind", "of", "give the model inside");
    }
  }

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  bool gives_probabilities() const override { return true; }
  std::vector<double> importances(std::string* what) const override { return model_->model().importances(what); }
  nlohmann::json description(const std::vector<std::string>& names) const override {
    return {{"by", options_.by}, {"of", model_->kind()}, {"model", model_->model().description(names)}};
  }
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

 private:
  std::unique_ptr<Member> fresh() const { return std::make_unique<Member>(options_.of, task_, "of"); }
  // One score a class (two classes: one, of the second) or label.
  size_t num_calibrators() const { return task_ == Task::kClasses && labels_ == 2 ? 1 : labels_; }
  double score_of(const Matrix& scores, size_t row, size_t calibrator) const {
    return scores.at(row, task_ == Task::kClasses && labels_ == 2 ? 1 : calibrator);
  }
  bool is_yes(const Target& target, size_t row, size_t calibrator) const {
    if (task_ == Task::kMultiLabel) {
      return target.marks[row * labels_ + calibrator] != 0;
    }
    return target.classes[row] == static_cast<int32_t>(labels_ == 2 ? 1 : calibrator);
  }
  std::vector<uint32_t> fold_of_rows(const Target& target, uint64_t rows, FitContext& context) const;
  double calibrated(size_t calibrator, double score) const {
    return options_.by == "sigmoid" ? sigmoids_[calibrator].at(score) : isotonics_[calibrator].at(score);
  }

  CalibratedOptions options_;
  Task task_;
  std::unique_ptr<Member> model_;
  size_t labels_ = 0;
  std::vector<Sigmoid> sigmoids_;
  std::vector<Isotonic> isotonics_;
};

// Rows of each class in turn, in an order of the seed's, so that every part has the same share of each.
std::vector<uint32_t> Calibrated::fold_of_rows(const Target& target, uint64_t rows, FitContext& context) const {
  std::vector<uint64_t> order(rows);
  for (uint64_t r = 0; r < rows; ++r) {
    order[r] = permute(r, rows, mix64(context.seed + 1));
  }
  std::vector<uint64_t> sizes(task_ == Task::kClasses ? labels_ : 1, 0);
  std::vector<uint64_t> place(rows);
  for (const uint64_t r : order) {
    if (target.weight(r) > 0) {
      place[r] = sizes[task_ == Task::kClasses ? static_cast<size_t>(target.classes[r]) : 0]++;
    }
  }
  auto folds = static_cast<uint64_t>(options_.folds);
  for (const uint64_t size : sizes) {
    folds = size > 0 ? std::min(folds, size) : folds;
  }
  if (folds < 2) {
    throw Error(ErrorKind::kInput, "a class has one row: there is none left to calibrate on", "calibrated",
                "drop that class, or take the model without calibration");
  }
  if (folds < static_cast<uint64_t>(options_.folds)) {
    context.warn("calibrated: only " + std::to_string(folds) + " folds, the smallest class has no more rows");
  }
  std::vector<uint32_t> fold(rows);
  for (uint64_t r = 0; r < rows; ++r) {
    fold[r] = static_cast<uint32_t>(place[r] % folds);
  }
  return fold;
}

void Calibrated::fit(const Matrix& x, const Target& target, FitContext& context) {
  check_training(x, target, /*finite=*/false);  // the model inside may know what to do with missing values
  labels_ = target.labels.size();
  if (labels_ == 0) {
    throw Error(ErrorKind::kInput, "the target has no classes", "", "give a target column with at least two values");
  }
  const auto fold = fold_of_rows(target, x.rows, context);
  const uint32_t folds = *std::max_element(fold.begin(), fold.end()) + 1;
  std::vector<std::vector<double>> scores(num_calibrators(), std::vector<double>(x.rows));
  for (uint32_t part = 0; part < folds; ++part) {
    std::vector<uint64_t> seen;
    std::vector<uint64_t> held;
    for (uint64_t r = 0; r < x.rows; ++r) {
      (fold[r] == part ? held : seen).push_back(r);
    }
    FitContext inner = context.part(context.seed, [&](double done) { context.progress((part + done) / (folds + 1)); });
    inner.warn = [](const std::string&) {};
    const auto model = fresh();
    model->fit(take_rows(x, seen), take_rows(target, seen), inner);
    const Matrix found = model->predict(take_rows(x, held), context.pool);
    for (size_t c = 0; c < scores.size(); ++c) {
      for (size_t i = 0; i < held.size(); ++i) {
        scores[c][held[i]] = score_of(found, i, c);
      }
    }
  }
  sigmoids_.clear();
  isotonics_.clear();
  for (size_t c = 0; c < scores.size(); ++c) {
    std::vector<uint8_t> yes(x.rows);
    for (uint64_t r = 0; r < x.rows; ++r) {
      yes[r] = is_yes(target, r, c) ? 1 : 0;
    }
    if (options_.by == "sigmoid") {
      sigmoids_.push_back(fit_sigmoid(scores[c], yes, target.weights));
    } else {
      isotonics_.push_back(fit_isotonic(scores[c], std::vector<double>(yes.begin(), yes.end()), target.weights));
    }
  }
  FitContext inner = context.part(context.seed, [&](double done) { context.progress((folds + done) / (folds + 1)); });
  model_ = fresh();
  model_->fit(x, target, inner);
}

Matrix Calibrated::predict(const Matrix& x, ThreadPool& pool) const {
  const Matrix scores = model_->predict(x, pool);
  if (scores.columns != labels_) {
    throw Error(ErrorKind::kInput, "the model inside gives " + std::to_string(scores.columns) + " scores, not " +
                                       std::to_string(labels_), "calibrated", "fit the estimator again");
  }
  Matrix out = Matrix::dense(x.rows, labels_);
  for (size_t r = 0; r < x.rows; ++r) {
    double sum = 0;
    for (size_t c = 0; c < num_calibrators(); ++c) {
      const double p = calibrated(c, score_of(scores, r, c));
      out.at(r, num_calibrators() == labels_ ? c : 1) = p;
      sum += p;
    }
    if (num_calibrators() < labels_) {
      out.at(r, 0) = 1 - out.at(r, 1);
    } else if (task_ == Task::kClasses) {
      for (size_t k = 0; k < labels_; ++k) {
        out.at(r, k) = sum > 0 ? out.at(r, k) / sum : 1 / static_cast<double>(labels_);
      }
    }
  }
  check_result(out.values, "a probability");
  return out;
}

void Calibrated::save(SavedWriter& out) const {
  out.json()["labels"] = labels_;
  model_->save(out.part("model"));
  std::vector<double> x;
  std::vector<double> y;
  std::vector<int64_t> ends;
  for (const auto& one : isotonics_) {
    x.insert(x.end(), one.x.begin(), one.x.end());
    y.insert(y.end(), one.y.begin(), one.y.end());
    ends.push_back(static_cast<int64_t>(x.size()));
  }
  for (const auto& one : sigmoids_) {
    x.push_back(one.a);
    y.push_back(one.b);
    ends.push_back(static_cast<int64_t>(x.size()));
  }
  out.put("x", std::span<const double>(x));
  out.put("y", std::span<const double>(y));
  out.put("ends", std::span<const int64_t>(ends));
}

void Calibrated::load(const SavedReader& in) {
  labels_ = static_cast<size_t>(read_count(in, "labels", 1, kMaxClasses));
  model_ = fresh();
  model_->load(in.part("model"));
  const auto ends = in.int64s("ends", num_calibrators());
  const auto x = read_finite(in, "x", SavedReader::kAny);
  const auto y = read_finite(in, "y", x.size());
  sigmoids_.clear();
  isotonics_.clear();
  size_t begin = 0;
  for (const int64_t stored : ends) {
    const auto end = static_cast<size_t>(stored);
    if (stored < 0 || end <= begin || end > x.size() || (options_.by == "sigmoid" && end != begin + 1)) {
      in.fail("a calibrator's end is out of range");
    }
    if (options_.by == "sigmoid") {
      sigmoids_.push_back({x[begin], y[begin]});
    } else {
      isotonics_.push_back({{x.begin() + static_cast<ptrdiff_t>(begin), x.begin() + static_cast<ptrdiff_t>(end)},
                            {y.begin() + static_cast<ptrdiff_t>(begin), y.begin() + static_cast<ptrdiff_t>(end)}});
      const auto& own = isotonics_.back().x;
      for (size_t i = 1; i < own.size(); ++i) {
        if (!(own[i] > own[i - 1])) {
          in.fail("the points of a calibrator do not ascend");
        }
      }
    }
    begin = end;
  }
}

}  // namespace

std::unique_ptr<ClassicModel> make_calibrated(const nlohmann::json& options, Task task) {
  return std::make_unique<Calibrated>(load_options<CalibratedOptions>(options), task);
}

}  // namespace athanor::classic
