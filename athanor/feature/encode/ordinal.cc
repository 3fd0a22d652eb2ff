// Categories as one number each: their place in an order (scikit-learn's OrdinalEncoder), or how
// frequent they are.
#include <algorithm>
#include <limits>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/encode/categories.h"
#include "athanor/feature/kinds.h"

namespace athanor {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A number a level of each column, one for missing values and one for unseen ones.
class NumberedCategories : public CategoryEncoder {
 public:
  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    const auto numbers = numbers_of(columns);
    const uint64_t rows = columns.empty() ? 0 : columns[0]->codes.size();
    Matrix out = Matrix::dense(rows, columns.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      const Values& values = values_[i];
      for (uint64_t row = 0; row < rows; ++row) {
        const int32_t number = number_at(*columns[i], numbers[i], row);
        out.at(row, i) = number == kMissing  ? values.missing
                         : number == kUnseen ? values.unseen
                                             : values.of_level[static_cast<size_t>(number)];
      }
      out.names.push_back(levels_[i].column + suffix());
    }
    return out;
  }

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    learn_levels(columns);
    set_values();
    return apply(columns, context.pool);
  }

  void load(const SavedReader& in) override {
    CategoryEncoder::load(in);
    set_values();
  }

 protected:
  struct Values {
    std::vector<double> of_level;
    double missing = kNaN;
    double unseen = kNaN;
  };
  virtual Values values_of(const LearntLevels& learnt) const = 0;
  virtual const char* suffix() const = 0;

 private:
  void set_values() {
    values_.clear();
    for (const LearntLevels& learnt : levels_) {
      values_.push_back(values_of(learnt));
    }
  }

  std::vector<Values> values_;
};

struct OrdinalOptions {
  nlohmann::json order = nlohmann::json::object();
  std::string unseen = "missing";
  static void fields(Fields<OrdinalOptions>& f) {
    f.add("order", &OrdinalOptions::order,
          "{size: [S, M, L]}: categories from low to high; else in the order of their names");
    f.add("unseen", &OrdinalOptions::unseen,
          "a category that training did not have: a missing value, or -1")
        .choices({"missing", "minus_one"});
  }
};

class Ordinal : public NumberedCategories {
 public:
  explicit Ordinal(OrdinalOptions options) : options_(std::move(options)) {
    bool sound = options_.order.is_object();
    for (const auto& [name, list] : options_.order.items()) {
      sound =
          sound && list.is_array() &&
          std::all_of(list.begin(), list.end(), [](const auto& one) { return one.is_string(); });
    }
    if (!sound) {
      throw Error(ErrorKind::kUsage, "'order' is a map from columns to lists of text",
                  "ordinal.order", "order: {size: [S, M, L]}");
    }
  }

 protected:
  Values values_of(const LearntLevels& learnt) const override {
    Values values;
    values.unseen = options_.unseen == "missing" ? kNaN : -1;
    values.of_level.resize(learnt.names.size());
    std::iota(values.of_level.begin(), values.of_level.end(), 0.0);
    if (const auto order = options_.order.find(learnt.column); order != options_.order.end()) {
      const auto wanted = order->get<std::vector<std::string>>();
      for (size_t i = 0; i < learnt.names.size(); ++i) {
        const auto found = std::find(wanted.begin(), wanted.end(), learnt.names[i]);
        if (found == wanted.end()) {
          throw Error(ErrorKind::kUsage,
                      "the order of column '" + learnt.column + "' lacks '" + learnt.names[i] + "'",
                      "ordinal.order", did_you_mean(learnt.names[i], wanted));
        }
        values.of_level[i] = static_cast<double>(found - wanted.begin());
      }
    }
    return values;
  }
  const char* suffix() const override { return ""; }

 private:
  OrdinalOptions options_;
};

struct FrequencyOptions {
  bool counts = false;
  static void fields(Fields<FrequencyOptions>& f) {
    f.add("counts", &FrequencyOptions::counts, "how many training rows; else their share");
  }
};

class Frequency : public NumberedCategories {
 public:
  explicit Frequency(FrequencyOptions options) : options_(options) {}

 protected:
  Values values_of(const LearntLevels& learnt) const override {
    const int64_t all = std::accumulate(learnt.counts.begin(), learnt.counts.end(), learnt.missing);
    const double unit = options_.counts || all == 0 ? 1 : static_cast<double>(all);
    Values values;
    values.unseen = 0;
    values.missing = static_cast<double>(learnt.missing) / unit;
    for (const int64_t count : learnt.counts) {
      values.of_level.push_back(static_cast<double>(count) / unit);
    }
    return values;
  }
  const char* suffix() const override { return " frequency"; }

 private:
  FrequencyOptions options_;
};

}  // namespace

EncoderKind ordinal_kind() {
  return make_encoder_kind<Ordinal, OrdinalOptions>(
      "ordinal", "each category as its place in an order; missing stays missing",
      {ColumnKind::kCategory});
}
EncoderKind frequency_kind() {
  return make_encoder_kind<Frequency, FrequencyOptions>(
      "frequency", "each category as its share of the training rows; 0 for an unseen one",
      {ColumnKind::kCategory});
}

}  // namespace athanor
