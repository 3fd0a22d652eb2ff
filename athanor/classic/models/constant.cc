#include "athanor/classic/models/constant.h"

#include <algorithm>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"

namespace athanor::classic {

namespace {

// Where half of the weight lies below: the mean of two values when it lies between them.
double weighted_median(const Target& target) {
  std::vector<size_t> order;
  double total = 0;
  for (size_t r = 0; r < target.values.size(); ++r) {
    if (target.weight(r) > 0) {
      order.push_back(r);
      total += target.weight(r);
    }
  }
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::pair(target.values[a], a) < std::pair(target.values[b], b);
  });
  double below = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    below += target.weight(order[i]);
    if (2 * below > total || i + 1 == order.size()) {
      return target.values[order[i]];
    }
    if (2 * below == total) {
      return target.values[order[i]] + (target.values[order[i + 1]] - target.values[order[i]]) / 2;
    }
  }
  return 0;
}

class Constant final : public ClassicModel {
 public:
  Constant(const ConstantOptions& options, Task task) : by_(options.by), task_(task) {
    const bool for_numbers = by_ == "mean" || by_ == "median";
    if (by_ != "prior" && for_numbers != (task == Task::kRegression)) {
      throw Error(ErrorKind::kUsage, "constant by '" + by_ + "' does no " + name_of(task), "by",
                  task == Task::kRegression ? "take mean or median" : "take prior or majority");
    }
  }

  void fit(const Matrix& x, const Target& target, FitContext&) override {
    check_training(x, target, /*finite=*/false);
    const size_t width = task_ == Task::kRegression ? 1 : target.labels.size();
    answer_.assign(width, 0.0);
    if (width == 0) {
      throw Error(ErrorKind::kInput, "the target has no classes", "", "give a target column with values");
    }
    if (by_ == "median") {
      answer_[0] = weighted_median(target);
      return;
    }
    double total = 0;
    for (size_t r = 0; r < x.rows; ++r) {
      total += target.weight(r);
    }
    for (size_t r = 0; r < x.rows; ++r) {
      const double share = target.weight(r) / total;
      if (task_ == Task::kRegression) {
        answer_[0] += share * target.values[r];
      } else if (task_ == Task::kClasses) {
        answer_[static_cast<size_t>(target.classes[r])] += share;
      }
      for (size_t k = 0; task_ == Task::kMultiLabel && k < width; ++k) {
        answer_[k] += target.marks[r * width + k] != 0 ? share : 0;
      }
    }
    if (by_ == "majority") {
      const auto top = std::max_element(answer_.begin(), answer_.end()) - answer_.begin();
      for (size_t k = 0; k < width; ++k) {
        answer_[k] = task_ == Task::kMultiLabel ? (answer_[k] > 0.5 ? 1 : 0) : (static_cast<ptrdiff_t>(k) == top ? 1 : 0);
      }
    }
    check_result(answer_, "the mean of the target");
  }

  Matrix predict(const Matrix& x, ThreadPool&) const override {
    Matrix out = Matrix::dense(x.rows, answer_.size());
    for (size_t r = 0; r < x.rows; ++r) {
      std::copy(answer_.begin(), answer_.end(), out.row(r));
    }
    return out;
  }
  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"answer", std::vector<double>(answer_.begin(), answer_.begin() + std::min<ptrdiff_t>(answer_.end() - answer_.begin(), 50))}};
  }
  void save(SavedWriter& out) const override { out.put("answer", std::span<const double>(answer_)); }
  void load(const SavedReader& in) override {
    answer_ = read_finite(in, "answer", task_ == Task::kRegression ? 1 : SavedReader::kAny);
    if (answer_.empty()) {
      in.fail("there is no answer");
    }
  }

 private:
  std::string by_;
  Task task_;
  std::vector<double> answer_;
};

}  // namespace

std::unique_ptr<ClassicModel> make_constant(const nlohmann::json& options, Task task) {
  return std::make_unique<Constant>(load_options<ConstantOptions>(options), task);
}

}  // namespace athanor::classic
