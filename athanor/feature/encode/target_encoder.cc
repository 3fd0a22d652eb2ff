// Categories as the mean of the target where they stand (Micci-Barreca 2001), drawn to the mean of
// all: scikit-learn's TargetEncoder. In training a row gets what the rows of the other folds
// taught, so its own target does not leak into it; the fold is a hash of the row's place and the
// seed.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/feature/encode/categories.h"
#include "athanor/feature/kinds.h"

namespace athanor {

namespace {

struct TargetOptions {
  double smooth = -1;
  int64_t folds = 5;
  static void fields(Fields<TargetOptions>& f) {
    f.add("smooth", &TargetOptions::smooth,
          "how many rows of the mean of all are mixed in; below 0: as the variances say (empirical "
          "Bayes)")
        .range(-1, 1e9);
    f.add("folds", &TargetOptions::folds, "parts of the training rows that teach each other")
        .range(2, 100);
  }
};

class TargetMeans : public CategoryEncoder {
 public:
  explicit TargetMeans(TargetOptions options) : options_(options) {}

  Matrix fit(std::span<const TableColumn* const> columns, const Target* target,
             FitContext& context) override {
    if (target == nullptr || target->rows() == 0) {
      throw Error(ErrorKind::kUsage, "the encoder 'target' needs a target", "",
                  "take onehot, ordinal or frequency");
    }
    learn_levels(columns);
    read_outputs(*target);
    const uint64_t rows = target->rows();
    const auto numbers = numbers_of(columns);
    const auto folds = static_cast<uint64_t>(options_.folds);
    std::vector<uint8_t> fold(rows);
    for (uint64_t row = 0; row < rows; ++row) {
      fold[row] = static_cast<uint8_t>(random_at(context.seed, row, 0x7461726765740ULL) % folds);
    }
    Matrix out = Matrix::dense(rows, columns.size() * outputs_);
    for (size_t i = 0; i < columns.size(); ++i) {
      for (uint64_t output = 0; output < outputs_; ++output) {
        const auto y = [&](uint64_t row) { return value_of(*target, row, output); };
        for (uint64_t held = 0; held < folds; ++held) {
          const Means means = learn(*columns[i], numbers[i], rows, y,
                                    [&](uint64_t row) { return fold[row] != held; });
          for (uint64_t row = 0; row < rows; ++row) {
            if (fold[row] == held) {
              out.at(row, i * outputs_ + output) =
                  means.at(number_at(*columns[i], numbers[i], row));
            }
          }
        }
        means_.push_back(learn(*columns[i], numbers[i], rows, y, [](uint64_t) { return true; }));
      }
    }
    out.names = names();
    return out;
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    const auto numbers = numbers_of(columns);
    const uint64_t rows = columns.empty() ? 0 : columns[0]->codes.size();
    Matrix out = Matrix::dense(rows, columns.size() * outputs_);
    for (size_t i = 0; i < columns.size(); ++i) {
      for (uint64_t row = 0; row < rows; ++row) {
        const int32_t number = number_at(*columns[i], numbers[i], row);
        for (uint64_t output = 0; output < outputs_; ++output) {
          out.at(row, i * outputs_ + output) = means_[i * outputs_ + output].at(number);
        }
      }
    }
    out.names = names();
    return out;
  }

  void save(SavedWriter& out) const override {
    CategoryEncoder::save(out);
    out.json()["outputs"] = outputs_;
    out.json()["labels"] = labels_;
    std::vector<double> all;
    for (const Means& means : means_) {
      all.push_back(means.of_all);
      all.push_back(means.missing);
      all.insert(all.end(), means.of_level.begin(), means.of_level.end());
    }
    out.put("means", all);
  }

  void load(const SavedReader& in) override {
    CategoryEncoder::load(in);
    outputs_ = in.get<uint64_t>("outputs");
    labels_ = in.get<std::vector<std::string>>("labels");
    if (outputs_ == 0 || outputs_ > (1u << 20) ||
        (!labels_.empty() && labels_.size() != outputs_)) {
      in.fail("'outputs' is out of range");
    }
    size_t wanted = 0;
    for (const LearntLevels& learnt : levels_) {
      wanted += outputs_ * (learnt.names.size() + 2);
    }
    const auto all = in.doubles("means", wanted);
    const double* at = all.data();
    means_.clear();
    for (const LearntLevels& learnt : levels_) {
      for (uint64_t output = 0; output < outputs_; ++output) {
        const auto levels = static_cast<ptrdiff_t>(learnt.names.size());
        means_.push_back({at[0], at[1], std::vector<double>(at + 2, at + 2 + levels)});
        at += 2 + levels;
      }
    }
  }

 private:
  struct Means {
    double of_all = 0;
    double missing = 0;
    std::vector<double> of_level;
    double at(int32_t number) const {
      return number == kMissing  ? missing
             : number == kUnseen ? of_all
                                 : of_level[static_cast<size_t>(number)];
    }
  };

  void read_outputs(const Target& target) {
    means_.clear();
    labels_.clear();
    const bool several = (target.task == Task::kClasses && target.labels.size() > 2) ||
                         target.task == Task::kMultiLabel;
    if (several) {
      labels_ = target.labels;
    }
    outputs_ = several ? target.labels.size() : 1;
  }

  double value_of(const Target& target, uint64_t row, uint64_t output) const {
    if (target.task == Task::kRegression) {
      return target.values[row];
    }
    if (target.task == Task::kMultiLabel) {
      return target.marks[row * outputs_ + output];
    }
    const int32_t wanted = outputs_ == 1 ? 1 : static_cast<int32_t>(output);
    return target.classes[row] == wanted ? 1 : 0;
  }

  // Missing values are one more level. Rows that use() refuses teach nothing.
  template <class Y, class Use>
  Means learn(const TableColumn& column, const std::vector<int32_t>& numbers, uint64_t rows,
              const Y& y, const Use& use) const {
    size_t width = 1;
    for (const int32_t number : numbers) {
      width = std::max(width, static_cast<size_t>(number + 2));
    }
    const size_t missing = width - 1;
    std::vector<double> sum(width, 0), squares(width, 0), count(width, 0);
    double all = 0, n = 0;
    const auto slot = [&](uint64_t row) {
      const int32_t number = number_at(column, numbers, row);
      return number < 0 ? missing : static_cast<size_t>(number);
    };
    for (uint64_t row = 0; row < rows; ++row) {
      if (use(row)) {
        sum[slot(row)] += y(row);
        count[slot(row)] += 1;
        all += y(row);
        n += 1;
      }
    }
    const double mean = n > 0 ? all / n : 0;
    double variance = 0;
    for (uint64_t row = 0; row < rows; ++row) {
      if (use(row)) {
        const double of_level = y(row) - sum[slot(row)] / count[slot(row)];
        squares[slot(row)] += of_level * of_level;
        variance += (y(row) - mean) * (y(row) - mean);
      }
    }
    variance = n > 0 ? variance / n : 0;
    std::vector<double> out(width, mean);
    for (size_t i = 0; i < width; ++i) {
      if (count[i] == 0) {
        continue;
      }
      if (options_.smooth >= 0) {
        out[i] = (sum[i] + options_.smooth * mean) / (count[i] + options_.smooth);
        continue;
      }
      const double between = variance * count[i];
      const double share = between / (between + squares[i] / count[i]);
      out[i] = std::isnan(share) ? mean : share * sum[i] / count[i] + (1 - share) * mean;
    }
    Means means{mean, out[missing], std::move(out)};
    means.of_level.pop_back();
    return means;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const LearntLevels& learnt : levels_) {
      for (uint64_t output = 0; output < outputs_; ++output) {
        names.push_back(learnt.column + " mean" +
                        (labels_.empty() ? "" : " of " + labels_[output]));
      }
    }
    return names;
  }

  TargetOptions options_;
  uint64_t outputs_ = 1;
  std::vector<std::string> labels_;  // of outputs, when there are several
  std::vector<Means> means_;         // columns x outputs
};

}  // namespace

EncoderKind target_kind() {
  return make_encoder_kind<TargetMeans, TargetOptions>(
      "target", "each category as the mean of the target, taught by other rows than its own",
      {ColumnKind::kCategory});
}

}  // namespace athanor
