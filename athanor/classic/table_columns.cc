#include "athanor/classic/table_columns.h"

#include <algorithm>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

template <class T>
void shuffle_values(std::vector<T>& values, uint64_t key) {
  std::vector<T> held = std::move(values);
  values.clear();
  values.reserve(held.size());
  for (uint64_t r = 0; r < held.size(); ++r) {
    values.push_back(held[permute(r, held.size(), key)]);
  }
}

// Rows with `value_of(row)` at `feature` instead of what stood there; 0: nothing stands there.
template <class ValueOf>
SparseRows with_feature(const SparseRows& from, uint32_t feature, const ValueOf& value_of) {
  SparseRows out;
  out.offsets.reserve(from.offsets.size());
  for (uint64_t row = 0; row < from.rows(); ++row) {
    const double value = value_of(row);
    bool placed = value == 0;
    const auto place = [&] {
      out.indices.push_back(feature);
      out.values.push_back(value);
      placed = true;
    };
    for (uint64_t at = from.offsets[row]; at < from.offsets[row + 1]; ++at) {
      if (!placed && from.indices[at] >= feature) {
        place();
      }
      if (from.indices[at] != feature) {
        out.indices.push_back(from.indices[at]);
        out.values.push_back(from.values[at]);
      }
    }
    if (!placed) {
      place();
    }
    out.offsets.push_back(out.indices.size());
  }
  return out;
}

std::vector<double> values_of(const SparseRows& rows, uint32_t feature) {
  std::vector<double> values(rows.rows(), 0.0);
  for (uint64_t row = 0; row < rows.rows(); ++row) {
    const auto begin = rows.indices.begin() + static_cast<ptrdiff_t>(rows.offsets[row]);
    const auto end = rows.indices.begin() + static_cast<ptrdiff_t>(rows.offsets[row + 1]);
    const auto found = std::lower_bound(begin, end, feature);
    if (found != end && *found == feature) {
      values[row] = rows.values[static_cast<size_t>(found - rows.indices.begin())];
    }
  }
  return values;
}

std::vector<uint32_t> frequent_features(const TableColumn& column, uint64_t most) {
  std::vector<uint64_t> counts(column.width, 0);
  for (const uint32_t index : column.sparse.indices) {
    ++counts[index];
  }
  std::vector<uint32_t> features(column.width);
  std::iota(features.begin(), features.end(), 0U);
  std::erase_if(features, [&](uint32_t feature) { return counts[feature] == 0; });
  std::stable_sort(features.begin(), features.end(), [&](uint32_t a, uint32_t b) { return counts[a] > counts[b]; });
  features.resize(std::min<size_t>(features.size(), most));
  std::sort(features.begin(), features.end());
  return features;
}

}  // namespace

std::vector<ExplainedColumn> explained_columns(const FeaturePipeline& pipeline, const Table& table, uint64_t most_sparse) {
  std::vector<ExplainedColumn> out;
  for (const auto& [name, kind] : pipeline.inputs()) {
    const TableColumn* column = table.find(name);
    if (column == nullptr) {
      throw Error(ErrorKind::kInput, "the table has no column '" + name + "', which the features were fitted on");
    }
    const auto place = static_cast<size_t>(column - table.columns.data());
    if (kind != ColumnKind::kSparse) {
      out.push_back({name, place, -1});
      continue;
    }
    for (const uint32_t feature : frequent_features(*column, most_sparse)) {
      out.push_back({name + "[" + std::to_string(feature) + "]", place, feature});
    }
  }
  return out;
}

void shuffle_column(Table& table, const ExplainedColumn& column, uint64_t key) {
  TableColumn& values = table.columns[column.place];
  switch (values.kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return shuffle_values(values.numbers, key);
    case ColumnKind::kCategory:
      return shuffle_values(values.codes, key);
    case ColumnKind::kText:
    case ColumnKind::kImage:
      return shuffle_values(values.texts, key);
    case ColumnKind::kSparse: {
      std::vector<double> held = values_of(values.sparse, static_cast<uint32_t>(column.feature));
      shuffle_values(held, key);
      values.sparse = with_feature(values.sparse, static_cast<uint32_t>(column.feature), [&](uint64_t row) { return held[row]; });
    }
  }
}

void set_column(Table& table, const ExplainedColumn& column, double value) {
  TableColumn& values = table.columns[column.place];
  switch (values.kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return std::fill(values.numbers.begin(), values.numbers.end(), value);
    case ColumnKind::kCategory:
      return std::fill(values.codes.begin(), values.codes.end(), static_cast<int32_t>(value));
    case ColumnKind::kSparse:
      values.sparse = with_feature(values.sparse, static_cast<uint32_t>(column.feature), [&](uint64_t) { return value; });
      return;
    case ColumnKind::kText:
    case ColumnKind::kImage:
      throw Error(ErrorKind::kUsage, "the column '" + values.name + "' of kind " + name_of(values.kind) + " has no values to set");
  }
}

}  // namespace athanor
