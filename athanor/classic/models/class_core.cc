#include "athanor/classic/models/class_core.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"

namespace athanor::classic {

double ClassRows::total() const {
  double sum = weights.empty() ? static_cast<double>(classes.size()) : 0;
  for (const double weight : weights) {
    sum += weight;
  }
  return sum;
}

namespace {

constexpr size_t kMaxShownLabels = 50;

// A problem for one core: which of the classes it knows.
struct Part {
  std::vector<int32_t> known;  // in order; one alone needs no core
  std::unique_ptr<ClassCore> core;
};

class CoreClassifier final : public ClassicModel {
 public:
  CoreClassifier(MakeCore make, Task task) : make_(std::move(make)), task_(task), probe_(make_()) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  bool gives_probabilities() const override { return probe_->gives_probabilities(); }
  std::vector<double> importances(std::string* what) const override;
  nlohmann::json description(const std::vector<std::string>& names) const override;
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

 private:
  Part fit_part(const Matrix& x, std::vector<int32_t> classes, size_t width, const Target& target, const std::string& what,
                FitContext& context) const;
  size_t num_parts() const { return task_ == Task::kMultiLabel ? labels_.size() : 1; }
  size_t part_width() const { return task_ == Task::kMultiLabel ? 2 : labels_.size(); }

  MakeCore make_;
  Task task_;
  std::unique_ptr<ClassCore> probe_;  // never fitted: says what a core gives
  std::vector<std::string> labels_;
  uint64_t columns_ = 0;
  std::vector<Part> parts_;
};

Part CoreClassifier::fit_part(const Matrix& x, std::vector<int32_t> classes, size_t width, const Target& target,
                              const std::string& what, FitContext& context) const {
  std::vector<uint8_t> seen(width, 0);
  bool zero_weights = false;
  for (size_t r = 0; r < classes.size(); ++r) {
    zero_weights = zero_weights || target.weight(r) == 0;
    if (target.weight(r) > 0) {
      seen[static_cast<size_t>(classes[r])] = 1;
    }
  }
  Part part;
  std::vector<int32_t> place(width, -1);
  for (size_t k = 0; k < width; ++k) {
    if (seen[k] != 0) {
      place[k] = static_cast<int32_t>(part.known.size());
      part.known.push_back(static_cast<int32_t>(k));
    }
  }
  if (part.known.size() == 1) {
    context.warn(what + " has one value in all rows: it is always the answer");
    return part;
  }
  for (auto& value : classes) {
    value = place[static_cast<size_t>(value)];
  }
  part.core = make_();
  if (!zero_weights) {
    part.core->fit(x, {classes, part.known.size(), target.weights}, context);
    return part;
  }
  std::vector<uint64_t> rows;  // a weight of 0 is the same as no row
  for (size_t r = 0; r < x.rows; ++r) {
    if (target.weight(r) > 0) {
      rows.push_back(r);
    }
  }
  std::vector<int32_t> kept;
  std::vector<double> weights;
  for (const uint64_t r : rows) {
    kept.push_back(classes[r]);
    weights.push_back(target.weights[r]);
  }
  part.core->fit(take_rows(x, rows), {kept, part.known.size(), weights}, context);
  return part;
}

void CoreClassifier::fit(const Matrix& x, const Target& target, FitContext& context) {
  check_training(x, target);
  labels_ = target.labels;
  columns_ = x.columns;
  parts_.clear();
  if (labels_.empty()) {
    throw Error(ErrorKind::kInput, "the target has no classes", "", "give a target column with at least two values");
  }
  if (task_ == Task::kClasses) {
    parts_.push_back(fit_part(x, target.classes, labels_.size(), target, "the target", context));
    return;
  }
  for (size_t label = 0; label < labels_.size(); ++label) {
    std::vector<int32_t> marks(x.rows);
    for (size_t r = 0; r < x.rows; ++r) {
      marks[r] = target.marks[r * labels_.size() + label] != 0 ? 1 : 0;
    }
    FitContext inner{context.pool, context.seed, context.warn, [&](double done) {
                       context.progress((static_cast<double>(label) + done) / static_cast<double>(labels_.size()));
                     }};
    parts_.push_back(fit_part(x, std::move(marks), 2, target, "the label '" + labels_[label] + "'", inner));
  }
}

Matrix CoreClassifier::predict(const Matrix& x, ThreadPool& pool) const {
  check_rows(x, columns_);
  Matrix out = Matrix::dense(x.rows, labels_.size());
  const bool shares = gives_probabilities();
  for (size_t p = 0; p < parts_.size(); ++p) {
    const Part& part = parts_[p];
    const bool marks = task_ == Task::kMultiLabel;
    if (part.core == nullptr) {
      for (size_t r = 0; r < x.rows; ++r) {
        for (size_t k = 0; k < part_width(); ++k) {
          const bool is = static_cast<int32_t>(k) == part.known[0];
          if (!marks || k == 1) {
            out.at(r, marks ? p : k) = is ? 1.0 : (shares ? 0.0 : -1.0);
          }
        }
      }
      continue;
    }
    const Matrix scores = part.core->predict(x, pool);
    check_result(scores.values, "a prediction");
    for (size_t r = 0; r < x.rows; ++r) {
      if (marks) {
        out.at(r, p) = scores.at(r, 1);
        continue;
      }
      const double* row = scores.row(r);
      const double lowest = shares ? 0 : *std::min_element(row, row + scores.columns) - 1;
      std::fill(out.row(r), out.row(r) + out.columns, lowest);
      for (size_t k = 0; k < part.known.size(); ++k) {
        out.at(r, static_cast<size_t>(part.known[k])) = row[k];
      }
    }
  }
  return out;
}

std::vector<double> CoreClassifier::importances(std::string* what) const {
  std::vector<double> mean;
  double count = 0;
  for (const auto& part : parts_) {
    if (part.core == nullptr) {
      continue;
    }
    const auto one = part.core->importances(what);
    mean.resize(std::max(mean.size(), one.size()));
    for (size_t j = 0; j < one.size(); ++j) {
      mean[j] += one[j];
    }
    ++count;
  }
  for (double& value : mean) {
    value /= count;
  }
  return mean;
}

nlohmann::json CoreClassifier::description(const std::vector<std::string>& names) const {
  auto one = [&](const Part& part, const std::vector<std::string>& labels) {
    if (part.core == nullptr) {
      return nlohmann::json{{"always", labels[static_cast<size_t>(part.known[0])]}};
    }
    std::vector<std::string> known;
    for (const int32_t k : part.known) {
      known.push_back(labels[static_cast<size_t>(k)]);
    }
    return part.core->description(names, known);
  };
  if (task_ == Task::kClasses) {
    return parts_.empty() ? nlohmann::json::object() : one(parts_[0], labels_);
  }
  auto list = nlohmann::json::object();
  for (size_t p = 0; p < parts_.size() && p < kMaxShownLabels; ++p) {
    list[labels_[p]] = one(parts_[p], {"no", labels_[p]});
  }
  return {{"one_against_the_rest", list}};
}

void CoreClassifier::save(SavedWriter& out) const {
  out.json()["columns"] = columns_;
  out.put("labels", labels_);
  for (size_t p = 0; p < parts_.size(); ++p) {
    SavedWriter child = out.part("core" + std::to_string(p));
    child.put("known", std::span<const int32_t>(parts_[p].known));
    if (parts_[p].core != nullptr) {
      parts_[p].core->save(child);
    }
  }
}

void CoreClassifier::load(const SavedReader& in) {
  columns_ = static_cast<uint64_t>(read_count(in, "columns", 1, kMaxColumns));
  labels_ = in.strings("labels");
  if (labels_.empty() || labels_.size() > static_cast<size_t>(kMaxClasses)) {
    in.fail("there are no labels");
  }
  parts_.clear();
  for (size_t p = 0; p < num_parts(); ++p) {
    const SavedReader child = in.part("core" + std::to_string(p));
    Part part;
    const auto known = child.int32s("known");
    part.known.assign(known.begin(), known.end());
    for (size_t k = 0; k < known.size(); ++k) {
      if (known[k] < 0 || static_cast<size_t>(known[k]) >= part_width() || (k > 0 && known[k] <= known[k - 1])) {
        child.fail("a class is out of range");
      }
    }
    if (known.empty()) {
      child.fail("there is no class");
    }
    if (known.size() > 1) {
      part.core = make_();
      part.core->load(child, columns_, known.size());
    }
    parts_.push_back(std::move(part));
  }
}

}  // namespace

std::unique_ptr<ClassicModel> core_classifier(MakeCore make, Task task) {
  return std::make_unique<CoreClassifier>(std::move(make), task);
}

}  // namespace athanor::classic
