// Encoders that learn little: numbers as they are, dates as their parts, sparse columns.
#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/data/tables/cells.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"

namespace athanor {

namespace {

struct NoOptions {
  static void fields(Fields<NoOptions>&) {}
};

class Numbers : public Encoder {
 public:
  explicit Numbers(NoOptions) {}
  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    return apply(columns, context.pool);
  }
  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    const uint64_t rows = columns.empty() ? 0 : columns[0]->numbers.size();
    Matrix out = Matrix::dense(rows, columns.size());
    for (size_t i = 0; i < columns.size(); ++i) {
      for (uint64_t row = 0; row < rows; ++row) {
        out.at(row, i) = columns[i]->numbers[row];
      }
      out.names.push_back(columns[i]->name);
    }
    return out;
  }
  void save(SavedWriter&) const override {}
  void load(const SavedReader&) override {}
};

// Parts of a date: how it is read (from 0), after how many it begins anew (0: it does not), and the number of its first one
// for people, where it stands as a number.
struct DatePart {
  const char* name;
  double (*of)(const CivilTime& time);
  double period;
  double first = 0;
};
constexpr DatePart kParts[] = {
    {"year", [](const CivilTime& t) { return static_cast<double>(t.year); }, 0},
    {"month", [](const CivilTime& t) { return static_cast<double>(t.month - 1); }, 12, 1},
    {"day", [](const CivilTime& t) { return static_cast<double>(t.day - 1); }, 31, 1},
    {"weekday", [](const CivilTime& t) { return static_cast<double>(t.weekday); }, 7},
    {"hour", [](const CivilTime& t) { return static_cast<double>(t.hour); }, 24},
    {"minute", [](const CivilTime& t) { return static_cast<double>(t.minute); }, 60},
    {"day_of_year", [](const CivilTime& t) { return static_cast<double>(t.day_of_year - 1); }, 366, 1},
    {"days",
     [](const CivilTime& t) {
       return static_cast<double>(days_from_civil(t.year, t.month, t.day)) +
              (t.hour * 3600 + t.minute * 60 + t.second) / 86400;
     },
     0}};

struct DatesOptions {
  std::vector<std::string> parts = {"year", "month", "day", "weekday", "hour", "days"};
  bool cyclic = true;
  static void fields(Fields<DatesOptions>& f) {
    f.add("parts", &DatesOptions::parts,
          "of year, month, day, weekday, hour, minute, day_of_year, days (since 1970, with "
          "fractions)");
    f.add("cyclic", &DatesOptions::cyclic,
          "parts that begin anew as sine and cosine, so that December is near January; else as "
          "numbers: months and days from 1, weekday from 0 (Monday)");
  }
};

class Dates : public Encoder {
 public:
  explicit Dates(DatesOptions options) : options_(std::move(options)) {
    std::vector<std::string> names;
    for (const DatePart& part : kParts) {
      names.emplace_back(part.name);
    }
    for (const std::string& wanted : options_.parts) {
      if (std::find(names.begin(), names.end(), wanted) == names.end()) {
        throw Error(ErrorKind::kUsage, "a date has no part '" + wanted + "'", "dates.parts",
                    did_you_mean(wanted, names));
      }
    }
  }

  // Parts that are the same in all training rows (the hour of plain days) say nothing and are left
  // out.
  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    kept_.assign(columns.size() * options_.parts.size(), 0);
    for (size_t i = 0; i < columns.size(); ++i) {
      for (size_t p = 0; p < options_.parts.size(); ++p) {
        double low = std::numeric_limits<double>::infinity(), high = -low;
        for (const double seconds : columns[i]->numbers) {
          if (!std::isnan(seconds)) {
            const double value = part(p).of(civil_time(seconds));
            low = std::min(low, value), high = std::max(high, value);
          }
        }
        kept_[i * options_.parts.size() + p] = low < high ? 1 : 0;
      }
    }
    return apply(columns, context.pool);
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    expect_inputs(columns.size() * options_.parts.size(), kept_.size(), "the parts of dates");
    const uint64_t rows = columns.empty() ? 0 : columns[0]->numbers.size();
    std::vector<std::string> names;
    for (size_t k = 0; k < kept_.size(); ++k) {
      const std::string name = columns[k / options_.parts.size()]->name + "." +
                               options_.parts[k % options_.parts.size()];
      if (kept_[k] != 0 && is_cyclic(k % options_.parts.size())) {
        names.push_back(name + ".sin");
        names.push_back(name + ".cos");
      } else if (kept_[k] != 0) {
        names.push_back(name);
      }
    }
    Matrix out = Matrix::dense(rows, names.size());
    out.names = std::move(names);
    for (uint64_t row = 0; row < rows; ++row) {
      double* at = out.row(row);
      for (size_t i = 0; i < columns.size(); ++i) {
        at = write(columns[i]->numbers[row], i, at);
      }
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.put("kept", std::span<const uint8_t>(kept_));
    out.json()["from_first"] = from_first_;
  }
  void load(const SavedReader& in) override {
    const auto kept = in.bytes("kept");
    if (options_.parts.empty() || kept.size() % options_.parts.size() != 0) {
      in.fail("'kept' does not fit the parts");
    }
    kept_.assign(kept.begin(), kept.end());
    from_first_ = in.json().contains("from_first") && in.get<bool>("from_first");
  }

 private:
  const DatePart& part(size_t p) const {
    return *std::find_if(std::begin(kParts), std::end(kParts),
                         [&](const DatePart& one) { return options_.parts[p] == one.name; });
  }
  bool is_cyclic(size_t p) const { return options_.cyclic && part(p).period > 0; }

  double* write(double seconds, size_t column, double* at) const {
    const bool missing = std::isnan(seconds);
    const CivilTime time = civil_time(missing ? 0 : seconds);
    for (size_t p = 0; p < options_.parts.size(); ++p) {
      if (kept_[column * options_.parts.size() + p] == 0) {
        continue;
      }
      const double value = missing ? std::numeric_limits<double>::quiet_NaN() : part(p).of(time);
      if (is_cyclic(p)) {
        const double angle = 2 * M_PI * value / part(p).period;
        *at++ = std::sin(angle);
        *at++ = std::cos(angle);
      } else {
        *at++ = value + (from_first_ ? part(p).first : 0);
      }
    }
    return at;
  }

  DatesOptions options_;
  std::vector<uint8_t> kept_;  // columns x parts
  bool from_first_ = true;     // January is 1; false: it is 0, in what was saved before
};

class Sparse : public Encoder {
 public:
  explicit Sparse(NoOptions) {}
  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    widths_.clear();
    for (const TableColumn* column : columns) {
      widths_.push_back(column->width);
    }
    return apply(columns, context.pool);
  }
  // Features beyond the training rows' last one are not known and left out.
  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool&) const override {
    expect_inputs(columns.size(), widths_.size(), "sparse");
    std::vector<Matrix> parts;
    for (size_t i = 0; i < columns.size(); ++i) {
      const SparseRows& from = columns[i]->sparse;
      SparseRows rows;
      rows.offsets.reserve(from.offsets.size());
      for (uint64_t row = 0; row < from.rows(); ++row) {
        for (uint64_t at = from.offsets[row];
             at < from.offsets[row + 1] && from.indices[at] < widths_[i]; ++at) {
          rows.indices.push_back(from.indices[at]);
          rows.values.push_back(from.values[at]);
        }
        rows.offsets.push_back(rows.indices.size());
      }
      parts.push_back(Matrix::from_sparse(std::move(rows), static_cast<uint64_t>(widths_[i])));
    }
    return side_by_side(std::move(parts));
  }
  uint64_t count_unseen(std::span<const TableColumn* const> columns,
                        std::map<std::string, uint64_t>& counts) const override {
    expect_inputs(columns.size(), widths_.size(), "sparse");
    uint64_t all = 0;
    for (size_t i = 0; i < columns.size(); ++i) {
      const auto& indices = columns[i]->sparse.indices;
      const auto unseen = static_cast<uint64_t>(std::count_if(
          indices.begin(), indices.end(), [&](uint32_t index) { return index >= widths_[i]; }));
      if (unseen > 0) {
        counts[columns[i]->name] += unseen;
      }
      all += unseen;
    }
    return all;
  }
  void save(SavedWriter& out) const override {
    out.put("widths", std::span<const int64_t>(widths_));
  }
  void load(const SavedReader& in) override {
    const auto widths = in.int64s("widths");
    widths_.assign(widths.begin(), widths.end());
    if (std::any_of(widths_.begin(), widths_.end(),
                    [](int64_t width) { return width < 0 || width > (int64_t{1} << 31); })) {
      in.fail("a width is out of range");
    }
  }

 private:
  std::vector<int64_t> widths_;
};

}  // namespace

EncoderKind numbers_kind() {
  return make_encoder_kind<Numbers, NoOptions>("numbers",
                                               "numbers as they are; missing ones stay missing",
                                               {ColumnKind::kNumber, ColumnKind::kDate});
}
EncoderKind dates_kind() {
  return make_encoder_kind<Dates, DatesOptions>("dates", "year, month, weekday ... of dates",
                                                {ColumnKind::kDate});
}
EncoderKind sparse_kind() {
  return make_encoder_kind<Sparse, NoOptions>(
      "sparse", "the sparse rows of LIBSVM files as they are", {ColumnKind::kSparse});
}

}  // namespace athanor
