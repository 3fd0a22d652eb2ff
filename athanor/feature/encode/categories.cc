#include "athanor/feature/encode/categories.h"

#include <algorithm>

#include "athanor/feature/numeric/columns.h"

namespace athanor {

namespace {

constexpr int64_t kMaxRows = int64_t{1} << 40;  // so that counts can be added

}  // namespace

std::vector<int32_t> LearntLevels::numbers_of(const TableColumn& other) const {
  std::vector<int32_t> numbers;
  numbers.reserve(other.levels.size());
  for (const std::string& level : other.levels) {
    const auto found = std::lower_bound(names.begin(), names.end(), level);
    numbers.push_back(
        found != names.end() && *found == level ? static_cast<int32_t>(found - names.begin()) : -1);
  }
  return numbers;
}

void CategoryEncoder::learn_levels(std::span<const TableColumn* const> columns) {
  levels_.clear();
  for (const TableColumn* column : columns) {
    LearntLevels learnt;
    learnt.column = column->name;
    std::vector<int64_t> counts(column->levels.size(), 0);
    for (const int32_t code : column->codes) {
      ++(code < 0 ? learnt.missing : counts[static_cast<size_t>(code)]);
    }
    for (size_t level = 0; level < counts.size(); ++level) {
      if (counts[level] > 0) {
        learnt.names.push_back(column->levels[level]);
        learnt.counts.push_back(counts[level]);
      }
    }
    levels_.push_back(std::move(learnt));
  }
}

std::vector<std::vector<int32_t>> CategoryEncoder::numbers_of(
    std::span<const TableColumn* const> columns) const {
  expect_inputs(columns.size(), levels_.size(), "an encoder of categories");
  std::vector<std::vector<int32_t>> all;
  for (size_t i = 0; i < columns.size(); ++i) {
    all.push_back(levels_[i].numbers_of(*columns[i]));
  }
  return all;
}

uint64_t CategoryEncoder::count_unseen(std::span<const TableColumn* const> columns,
                                       std::map<std::string, uint64_t>& counts) const {
  const auto numbers = numbers_of(columns);
  uint64_t all = 0;
  for (size_t i = 0; i < columns.size(); ++i) {
    uint64_t unseen = 0;
    for (uint64_t row = 0; row < columns[i]->codes.size(); ++row) {
      unseen += number_at(*columns[i], numbers[i], row) == kUnseen ? 1 : 0;
    }
    if (unseen > 0) {
      counts[columns[i]->name] += unseen;
    }
    all += unseen;
  }
  return all;
}

void CategoryEncoder::save(SavedWriter& out) const {
  out.json()["columns"] = levels_.size();
  for (size_t i = 0; i < levels_.size(); ++i) {
    SavedWriter part = out.part("column." + std::to_string(i));
    part.json()["name"] = levels_[i].column;
    part.json()["missing"] = levels_[i].missing;
    part.put("levels", levels_[i].names);
    part.put("counts", std::span<const int64_t>(levels_[i].counts));
  }
}

void CategoryEncoder::load(const SavedReader& in) {
  const auto columns = in.get<uint64_t>("columns");
  levels_.clear();
  for (uint64_t i = 0; i < columns; ++i) {
    const SavedReader part = in.part("column." + std::to_string(i));
    LearntLevels learnt;
    learnt.column = part.get<std::string>("name");
    learnt.missing = part.get<int64_t>("missing");
    learnt.names = part.strings("levels");
    const auto counts = part.int64s("counts", learnt.names.size());
    learnt.counts.assign(counts.begin(), counts.end());
    const auto of_rows = [](int64_t count) { return count >= 0 && count <= kMaxRows; };
    if (!of_rows(learnt.missing) || !std::all_of(counts.begin(), counts.end(), of_rows)) {
      part.fail("a count is out of range");
    }
    if (!std::is_sorted(learnt.names.begin(), learnt.names.end())) {
      part.fail("the levels are not in order");
    }
    levels_.push_back(std::move(learnt));
  }
}

}  // namespace athanor
