#include "athanor/stage/table_rows.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

using Labels = std::vector<std::vector<std::string>>;

Labels hundred_numbers() {
  Labels labels;
  for (int i = 0; i < 100; ++i) {
    labels.push_back({std::to_string(i) + ".5"});
  }
  return labels;
}

TEST(TableRows, InfinitiesDoNotMakeClassesOfNumbers) {
  Labels labels = hundred_numbers();
  EXPECT_EQ(task_of_labels(labels, "t"), Task::kRegression);
  for (int i = 0; i < 10; ++i) {
    labels[static_cast<size_t>(i)] = {i % 2 == 0 ? "inf" : "-Infinity"};
  }
  EXPECT_EQ(task_of_labels(labels, "t"), Task::kRegression);
  labels[50] = {"seven"};
  EXPECT_THROW(task_of_labels(labels, "t"), Error);
}

TEST(TableRows, AnExampleIsCutBetweenCharacters) {
  Labels labels = hundred_numbers();
  std::string chinese;
  for (int i = 0; i < 60; ++i) {
    chinese += "\xe4\xb8\xad";
  }
  labels[3] = {"x" + chinese};
  try {
    task_of_labels(labels, "t");
    FAIL();
  } catch (const Error& error) {
    EXPECT_TRUE(is_valid_utf8(error.message()));
  }
  EXPECT_EQ(first_characters(chinese, 2), "\xe4\xb8\xad\xe4\xb8\xad...");
  EXPECT_EQ(first_characters("abc", 3), "abc");
}

TEST(TableRows, WhatIsLostIsToldByReason) {
  TableRows rows;
  rows.places = {0, 1, 2};
  EXPECT_TRUE(lost_warnings(rows, "t").empty());
  rows.lost = {{"no label", 10, ""}, {"label is not finite", 2, "inf"}};
  const auto told = lost_warnings(rows, "t");
  ASSERT_EQ(told.size(), 2u);
  EXPECT_EQ(told[0], "10 of 15 rows are left out: column 't', no label");
  EXPECT_EQ(told[1], "2 of 15 rows are left out: column 't', label is not finite, such as 'inf'");
}

}  // namespace
}  // namespace athanor
