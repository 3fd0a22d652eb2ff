// Bagging (Breiman 1996): the same model on samples of the rows, and of the features where asked;
// the mean of what they say.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

namespace {

constexpr uint64_t kRowSalt = 0x626167726f;
constexpr uint64_t kColumnSalt = 0x626167636f;

struct BaggingOptions {
  nlohmann::json of = {{"kind", "tree"}};
  int64_t times = 10;
  double rows = 1;
  double columns = 1;
  bool bootstrap = true;

  static void fields(Fields<BaggingOptions>& f) {
    f.add("of", &BaggingOptions::of, "the model: {kind: tree, max_depth: 8}");
    f.add("times", &BaggingOptions::times, "models").range(1, 10'000);
    f.add("rows", &BaggingOptions::rows, "share of rows that each learns from").range(1e-6, 1);
    f.add("columns", &BaggingOptions::columns, "share of features that each sees").range(1e-6, 1);
    f.add("bootstrap", &BaggingOptions::bootstrap, "rows are drawn with replacement");
  }
};

class Bagging : public ClassicModel {
 public:
  Bagging(const BaggingOptions& options, Task task) : options_(options), task_(task) {
    Member(options.of, task, "of");
  }

  void fit(const Matrix& all_x, const Target& all_target, FitContext& context) override {
    const FitRows given(all_x, all_target);
    const Matrix& x = given.x();
    columns_ = x.columns;
    members_.clear();
    seen_.clear();
    const Member probe(options_.of, task_, "of");
    if (task_ != Task::kRegression && !probe.gives_probabilities()) {
      context.warn("'" + probe.kind() + "' gives no probabilities: each of the " + std::to_string(options_.times) +
                   " models has one vote, and the shares of votes stand for probabilities ({kind: calibrated, of: " +
                   probe.kind() + "} gives them)");
    }
    const auto wanted =
        static_cast<uint64_t>(std::ceil(options_.columns * static_cast<double>(x.columns)));
    for (int64_t i = 0; i < options_.times; ++i) {
      const auto part = static_cast<uint64_t>(i);
      std::vector<int32_t> columns;
      for (uint64_t k = 0; k < wanted; ++k) {
        columns.push_back(static_cast<int32_t>(
            permute(k, x.columns, random_at(context.seed, kColumnSalt, part))));
      }
      std::sort(columns.begin(), columns.end());
      const auto rows = rows_of(x.rows, random_at(context.seed, kRowSalt, part));
      FitContext own = context_of_part(context, part, static_cast<uint64_t>(options_.times));
      members_.emplace_back(options_.of, task_, "of");
      const Matrix sample = take_rows(x, rows);
      members_.back().fit(wanted < x.columns ? take_columns(sample, columns) : sample,
                          take_rows(given.target(), rows), own);
      seen_.push_back(std::move(columns));
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    if (x.columns != columns_) {
      throw Error(ErrorKind::kUsage, "the model was fitted on " + std::to_string(columns_) +
                                         " features, these rows have " + std::to_string(x.columns));
    }
    Matrix sum;
    for (size_t i = 0; i < members_.size(); ++i) {
      const Matrix one =
          members_[i].shares(seen_[i].size() < columns_ ? take_columns(x, seen_[i]) : x, pool);
      if (i == 0) {
        sum = Matrix::dense(one.rows, one.columns);
      }
      for (size_t k = 0; k < sum.values.size(); ++k) {
        sum.values[k] += one.values[k] / static_cast<double>(members_.size());
      }
    }
    return sum;
  }

  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"of", options_.of}, {"models", members_.size()}};
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    out.json()["members"] = members_.size();
    for (size_t i = 0; i < members_.size(); ++i) {
      SavedWriter part = out.part("member" + std::to_string(i));
      part.put("sees", std::span<const int32_t>(seen_[i]));
      members_[i].save(part);
    }
  }
  void load(const SavedReader& in) override {
    columns_ = in.get<uint64_t>("columns");
    const auto count = in.get<uint64_t>("members");
    if (count == 0 || count > static_cast<uint64_t>(options_.times) || columns_ > INT32_MAX) {
      in.fail("'members' or 'columns' is out of range");
    }
    members_.clear();
    seen_.clear();
    for (uint64_t i = 0; i < count; ++i) {
      const SavedReader part = in.part("member" + std::to_string(i));
      const auto sees = part.int32s("sees");
      for (size_t k = 0; k < sees.size(); ++k) {
        if (sees[k] < (k == 0 ? 0 : sees[k - 1] + 1) ||
            static_cast<uint64_t>(sees[k]) >= columns_) {
          part.fail("the features that the model sees are out of range");
        }
      }
      seen_.emplace_back(sees.begin(), sees.end());
      members_.emplace_back(options_.of, task_, "of");
      members_.back().load(part);
    }
  }

 private:
  std::vector<uint64_t> rows_of(uint64_t rows, uint64_t key) const {
    const auto wanted = std::max<uint64_t>(
        1, static_cast<uint64_t>(std::llround(options_.rows * static_cast<double>(rows))));
    std::vector<uint64_t> out(wanted);
    Rng rng(key);
    for (uint64_t i = 0; i < wanted; ++i) {
      out[i] = options_.bootstrap ? rng.below(rows) : permute(i, rows, key);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  BaggingOptions options_;
  Task task_;
  uint64_t columns_ = 0;
  std::vector<Member> members_;
  std::vector<std::vector<int32_t>> seen_;
};

}  // namespace

ModelKind bagging_kind() {
  return {"bagging",
          "the same model on many samples of the rows, averaged",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          false,
          true,
          schema_of<BaggingOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<Bagging>(load_options<BaggingOptions>(options), task);
          }};
}

}  // namespace athanor
