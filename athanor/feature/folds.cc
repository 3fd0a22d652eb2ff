#include "athanor/feature/folds.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kPurpose = 0xf01d;  // keeps these draws apart from others of the same seed

void check_folds(uint64_t rows, int32_t folds) {
  if (folds < 2 || static_cast<uint64_t>(folds) > rows) {
    throw Error(ErrorKind::kUsage, std::to_string(folds) + " folds of " + std::to_string(rows) + " rows", "folds",
                "at least 2 folds, and no more than there are rows");
  }
}

// Deals rows out, beginning at fold `next`; gives the fold that is next.
int32_t deal(std::vector<uint64_t> rows, int32_t folds, uint64_t seed, int32_t next, std::vector<int32_t>& out) {
  std::sort(rows.begin(), rows.end(), [&](uint64_t a, uint64_t b) {
    return std::pair(random_at(seed, kPurpose, a), a) < std::pair(random_at(seed, kPurpose, b), b);
  });
  for (const uint64_t row : rows) {
    out[row] = next;
    next = (next + 1) % folds;
  }
  return next;
}

}  // namespace

std::vector<int32_t> fold_rows(uint64_t rows, int32_t folds, uint64_t seed) {
  check_folds(rows, folds);
  std::vector<uint64_t> all(rows);
  std::iota(all.begin(), all.end(), uint64_t{0});
  std::vector<int32_t> out(rows, 0);
  deal(std::move(all), folds, seed, 0, out);
  return out;
}

std::vector<int32_t> fold_rows(const Target& target, int32_t folds, uint64_t seed) {
  if (target.task != Task::kClasses) {
    return fold_rows(target.rows(), folds, seed);
  }
  check_folds(target.rows(), folds);
  std::map<int32_t, std::vector<uint64_t>> by_class;
  for (uint64_t row = 0; row < target.rows(); ++row) {
    by_class[target.classes[row]].push_back(row);
  }
  std::vector<int32_t> out(target.rows(), 0);
  int32_t next = 0;
  for (auto& [label, rows] : by_class) {
    next = deal(std::move(rows), folds, seed, next, out);
  }
  return out;
}

FoldParts parts_of(const std::vector<int32_t>& folds, int32_t fold) {
  FoldParts parts;
  for (uint64_t row = 0; row < folds.size(); ++row) {
    (folds[row] == fold ? parts.valid : parts.train).push_back(row);
  }
  return parts;
}

}  // namespace athanor
