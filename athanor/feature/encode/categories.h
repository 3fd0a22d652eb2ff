// What every encoder of categories shares: the levels of the training rows, how often each was
// there, and the numbers of other columns' levels among them. Private to this room.
#pragma once

#include "athanor/feature/transform.h"

namespace athanor {

struct LearntLevels {
  std::string column;
  std::vector<std::string>
      names;  // in the order of their bytes; only those that training rows have
  std::vector<int64_t> counts;
  int64_t missing = 0;  // training rows without a value

  // Of every level of `other`: its number in names, -1 for one that was not seen.
  std::vector<int32_t> numbers_of(const TableColumn& other) const;
};

class CategoryEncoder : public Encoder {
 public:
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;
  uint64_t count_unseen(std::span<const TableColumn* const> columns,
                        std::map<std::string, uint64_t>& counts) const override;

 protected:
  void learn_levels(std::span<const TableColumn* const> columns);
  // fn(row, column, number): number -1 missing, -2 never seen.
  static constexpr int32_t kMissing = -1;
  static constexpr int32_t kUnseen = -2;
  std::vector<std::vector<int32_t>> numbers_of(std::span<const TableColumn* const> columns) const;
  static int32_t number_at(const TableColumn& column, const std::vector<int32_t>& numbers,
                           uint64_t row) {
    const int32_t code = column.codes[row];
    return code < 0                                 ? kMissing
           : numbers[static_cast<size_t>(code)] < 0 ? kUnseen
                                                    : numbers[static_cast<size_t>(code)];
  }

  std::vector<LearntLevels> levels_;  // a column each
};

}  // namespace athanor
