#include "athanor/stage/fold_times.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"

namespace athanor {
namespace {

std::vector<double> times(const std::vector<std::string>& values) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < values.size(); ++i) {
    ids.push_back("id" + std::to_string(i));
  }
  return times_of(values, ids, "day");
}

std::string refused(const std::vector<std::string>& values) {
  try {
    times(values);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    return error.message() + " | " + error.hint();
  }
  return "";
}

TEST(FoldTimes, NumbersAndDatesAreInTheirOrder) {
  for (const auto& values : std::vector<std::vector<std::string>>{
           {"-3", "-2.5", "0", "9", "10", "1e3"},
           {"2019-12-31", "2020-01-04", "2020-01-04T00:00:01", "2020-01-04 12:30", "2020-10-01"},
           {"2020-01-01T00:30:00+02:00", "2019-12-31T23:00:00Z", "2020-01-01"},  // by bytes the first would be the last
           {"2019-1-4", "2019-9-1", "2019/10/1", "2019-10-02"},
           {"2019-11", "2019-12", "2020-01"}}) {
    const auto found = times(values);
    for (size_t i = 1; i < found.size(); ++i) {
      EXPECT_LT(found[i - 1], found[i]) << values[i];
    }
  }
}

TEST(FoldTimes, OtherTextsAreRefusedByNameWithWhatToDo) {
  for (const std::string value : {"6/14/2021", "04.01.2019", "2019年1月4日", "2019-02-30", "inf", "nan", "yesterday"}) {
    const std::string told = refused({value, "2020-01-01"});
    EXPECT_NE(told.find("document 1 (id0) has '" + value + "' in 'day'"), std::string::npos) << told;
    EXPECT_NE(told.find("as: date"), std::string::npos) << told;
  }
  EXPECT_NE(refused({"2020-01-01", "7"}).find("document 1 (id0) has '2020-01-01', document 2 (id1) has '7'"), std::string::npos);
  EXPECT_NE(refused({"2020-01-01", " "}).find("document 2 (id1) has no 'day'"), std::string::npos);
}

}  // namespace
}  // namespace athanor
