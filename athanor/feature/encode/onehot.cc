// A column a category: scikit-learn's OneHotEncoder with its rules for rare categories
// (min_frequency, max_categories).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/feature/encode/categories.h"
#include "athanor/feature/kinds.h"

namespace athanor {

namespace {

constexpr uint64_t kDenseColumns =
    64;  // more are kept as sparse rows: a row has one number a column of the table

struct OnehotOptions {
  double min_frequency = 0;
  int64_t max_levels = 0;
  std::string unseen = "zeros";
  std::string missing = "column";
  static void fields(Fields<OnehotOptions>& f) {
    f.add("min_frequency", &OnehotOptions::min_frequency,
          "rarer ones share the column 'other': below 1 a share of the rows, else a number of "
          "rows; 0: none is rare")
        .range(0, 1e12);
    f.add("max_levels", &OnehotOptions::max_levels,
          "columns at most, 'other' included; 0: no limit")
        .range(0, 1e7);
    f.add("unseen", &OnehotOptions::unseen,
          "a category that training did not have: zeros, or the column 'other' if there is one")
        .choices({"zeros", "other"});
    f.add("missing", &OnehotOptions::missing,
          "missing values: a column of their own (when training has some), or zeros")
        .choices({"column", "zeros"});
  }
};

class Onehot : public CategoryEncoder {
 public:
  explicit Onehot(OnehotOptions options) : options_(std::move(options)) {}

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    learn_levels(columns);
    place_levels();
    return apply(columns, context.pool);
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    const auto numbers = numbers_of(columns);
    const uint64_t rows = columns.empty() ? 0 : columns[0]->codes.size();
    Matrix out;
    const bool dense = names_.size() <= kDenseColumns;
    if (dense) {
      out = Matrix::dense(rows, names_.size());
    } else {
      out.rows = rows;
      out.columns = names_.size();
      out.is_sparse = true;
    }
    for (uint64_t row = 0; row < rows; ++row) {
      for (size_t i = 0; i < columns.size(); ++i) {
        const int64_t place = place_of(i, number_at(*columns[i], numbers[i], row));
        if (place >= 0 && dense) {
          out.at(row, static_cast<uint64_t>(place)) = 1;
        } else if (place >= 0) {
          out.sparse.indices.push_back(static_cast<uint32_t>(place));
          out.sparse.values.push_back(1);
        }
      }
      if (!dense) {
        out.sparse.offsets.push_back(out.sparse.indices.size());
      }
    }
    out.names = names_;
    return out;
  }

  void load(const SavedReader& in) override {
    CategoryEncoder::load(in);
    place_levels();
  }

 private:
  // Where each level of a column goes: -1 nowhere. The last one is for missing values.
  struct Places {
    std::vector<int64_t> of_level;
    int64_t other = -1;
  };

  int64_t place_of(size_t column, int32_t number) const {
    const Places& places = places_[column];
    if (number == kUnseen) {
      return options_.unseen == "other" ? places.other : -1;
    }
    if (number != kMissing) {
      return places.of_level[static_cast<size_t>(number)];
    }
    const int64_t place = places.of_level.back();
    return place >= 0 || options_.unseen == "zeros" || options_.missing == "zeros" ? place
                                                                                   : places.other;
  }

  // Whether each level is rare; counts has the missing values last.
  std::vector<bool> rare_of(const std::vector<int64_t>& counts, int64_t rows) const {
    const double least = options_.min_frequency < 1
                             ? options_.min_frequency * static_cast<double>(rows)
                             : options_.min_frequency;
    std::vector<bool> rare(counts.size());
    size_t kept = 1;
    for (size_t i = 0; i < counts.size(); ++i) {
      rare[i] = counts[i] > 0 && static_cast<double>(counts[i]) < least;
      kept += counts[i] > 0 && !rare[i] ? 1 : 0;
    }
    const auto limit = static_cast<size_t>(options_.max_levels);
    if (limit == 0 || limit >= kept) {
      return rare;
    }
    std::vector<size_t> order;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) {
        order.push_back(i);
      }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return counts[a] < counts[b]; });
    for (size_t i = 0; i + (limit - 1) < order.size(); ++i) {
      rare[order[i]] = true;
    }
    return rare;
  }

  void place_levels() {
    places_.clear();
    names_.clear();
    for (const LearntLevels& learnt : levels_) {
      std::vector<int64_t> counts = learnt.counts;
      const int64_t rows = std::accumulate(counts.begin(), counts.end(), learnt.missing);
      counts.push_back(options_.missing == "column" ? learnt.missing : 0);
      const std::vector<bool> rare = rare_of(counts, rows);
      Places places;
      places.of_level.assign(counts.size(), -1);
      for (size_t i = 0; i < counts.size(); ++i) {
        if (counts[i] > 0 && !rare[i]) {
          places.of_level[i] = static_cast<int64_t>(names_.size());
          names_.push_back(i < learnt.names.size() ? learnt.column + "=" + learnt.names[i]
                                                   : learnt.column + " is missing");
        }
      }
      if (std::find(rare.begin(), rare.end(), true) != rare.end()) {
        places.other = static_cast<int64_t>(names_.size());
        names_.push_back(learnt.column + " is another");
        for (size_t i = 0; i < counts.size(); ++i) {
          places.of_level[i] = rare[i] ? places.other : places.of_level[i];
        }
      }
      places_.push_back(std::move(places));
    }
  }

  OnehotOptions options_;
  std::vector<Places> places_;
  std::vector<std::string> names_;
};

}  // namespace

EncoderKind onehot_kind() {
  return make_encoder_kind<Onehot, OnehotOptions>("onehot", "a column of 0 and 1 for each category",
                                                  {ColumnKind::kCategory});
}

}  // namespace athanor
