#include "athanor/stage/evaluate_slices.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace athanor {
namespace {

TableColumn numbers(std::vector<double> values, ColumnKind kind = ColumnKind::kNumber) {
  TableColumn column;
  column.name = "x";
  column.kind = kind;
  column.numbers = std::move(values);
  return column;
}

std::vector<std::string> names_of(const std::vector<Slice>& slices) {
  std::vector<std::string> names;
  for (const Slice& slice : slices) {
    names.push_back(slice.name);
  }
  return names;
}

using Names = std::vector<std::string>;

TEST(Slices, FewNumbersAreCutByTheirValues) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const auto slices = slices_of(numbers({3, 1, 2, 1, none, 2.5, 3, 1}), 8);
  EXPECT_EQ(names_of(slices), (Names{"1", "2", "2.5", "3", "missing"}));
  EXPECT_EQ(slices[0].rows, (std::vector<uint64_t>{1, 3, 7}));
  EXPECT_EQ(slices[4].rows, std::vector<uint64_t>{4});
}

TEST(Slices, ManyNumbersAreCutInQuartersThatTellTheirRange) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) {
    values.push_back(i);
  }
  const auto slices = slices_of(numbers(values), 100);
  EXPECT_EQ(names_of(slices), (Names{"quarter 1: 1 to 25", "quarter 2: 26 to 50", "quarter 3: 51 to 75", "quarter 4: 76 to 100"}));
  EXPECT_EQ(slices[0].rows.size(), 25u);
}

TEST(Slices, AValueThatFillsSeveralQuartersIsInOne) {
  std::vector<double> values(90, 0.0);
  for (int i = 1; i <= 20; ++i) {
    values.push_back(i);
  }
  const auto slices = slices_of(numbers(values), values.size());
  EXPECT_EQ(names_of(slices), (Names{"quarter 1: 0 to 0", "quarter 4: 1 to 20"}));
}

TEST(Slices, DatesAreWrittenAsDates) {
  EXPECT_EQ(names_of(slices_of(numbers({86400, 0, 90000}, ColumnKind::kDate), 3)),
            (Names{"1970-01-01", "1970-01-02", "1970-01-02 01:00:00"}));
}

TEST(Slices, CategoriesTheLargestFirst) {
  TableColumn column;
  column.kind = ColumnKind::kCategory;
  column.levels = {"a", "b"};
  column.codes = {0, 1, 1, -1};
  EXPECT_EQ(names_of(slices_of(column, 4)), (Names{"b", "a", "missing"}));
}

TEST(Slices, ATextIsCutBetweenCharacters) {
  TableColumn column;
  column.kind = ColumnKind::kText;
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "\xe7\x82\xbc";
  }
  column.texts = {text};
  EXPECT_EQ(cell_text(column, 0), text.substr(0, 240) + "...");
}

}  // namespace
}  // namespace athanor
