#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

TEST(Windows, StatisticsOfSeries) {
  const TableColumn column =
      text_column("s", {"x,y\n1,10\n2,20\n3,10\n4,20\n", "x,y\n5,1\n\n7,oops\n", "no numbers", ""});
  const TableColumn* columns[] = {&column};
  ThreadPool pool(2);
  FitContext context{pool};
  const nlohmann::json options{{"windows", 2}, {"statistics", {"mean", "slope", "last"}}};
  auto encoder = make_encoder("windows", options, "");
  const Matrix x = encoder->fit(columns, nullptr, context);
  ASSERT_EQ(x.columns, 12u);
  EXPECT_EQ(x.names[0], "s.x.mean 1");
  EXPECT_EQ(x.names[11], "s.y.last 2");
  EXPECT_EQ(std::vector<double>(x.row(0), x.row(0) + 12),
            (std::vector<double>{1.5, 1, 2, 3.5, 1, 4, 15, 10, 20, 15, 10, 20}));
  EXPECT_EQ(x.at(1, 0), 5);
  EXPECT_TRUE(std::isnan(x.at(1, 9)));
  for (uint64_t i = 0; i < 12; ++i) {
    EXPECT_TRUE(std::isnan(x.at(2, i)));
    EXPECT_TRUE(std::isnan(x.at(3, i)));
  }
  auto again = make_encoder("windows", options, "");
  save_and_load(*encoder, *again, scratch("windows"));
  EXPECT_EQ(again->apply(columns, pool).names, x.names);

  const TableColumn words = text_column("s", {"only words"});
  const TableColumn* others[] = {&words};
  EXPECT_THROW(encoder->fit(others, nullptr, context), Error);
  EXPECT_EQ(error_of([] {
              make_encoder("windows", {{"statistics", {"meen"}}}, "");
            }).hint(),
            "did you mean 'mean'?");
}

TEST(Windows, EchoAndCrossings) {
  const TableColumn column = text_column("s", {"1\n-1\n1\n-1\n1\n-1"});
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  const Matrix x =
      make_encoder("windows", {{"statistics", {"echo", "crossings", "deviation", "median"}}}, "")
          ->fit(columns, nullptr, context);
  EXPECT_NEAR(x.at(0, 0), -5.0 / 6, 1e-12);
  EXPECT_EQ(x.at(0, 1), 1);
  EXPECT_NEAR(x.at(0, 2), 1, 1e-12);
  EXPECT_EQ(x.at(0, 3), 0);
}

// A gap has no value, and the values after it keep their steps.
TEST(Windows, GapsKeepTheirSteps) {
  const TableColumn column =
      text_column("s", {"1\n2\n\n4\n5\n", "1\n2\nn/a\n4\n5", "\n\n1\n\n5\n\n", "1,1\n\n2,\n,3\n4,5"});
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  const nlohmann::json options{{"statistics", {"slope", "echo", "crossings", "last"}}};
  const Matrix x = make_encoder("windows", options, "")->fit(columns, nullptr, context);
  for (const uint64_t row : {0, 1}) {
    EXPECT_NEAR(x.at(row, 0), 1, 1e-12) << row;
    EXPECT_NEAR(x.at(row, 1), 4.0 / 10, 1e-12) << "of the four values two pairs are neighbours";
    EXPECT_NEAR(x.at(row, 2), 1.0 / 4, 1e-12) << "one crossing in four steps";
    EXPECT_EQ(x.at(row, 3), 5);
  }
  EXPECT_NEAR(x.at(2, 0), 2, 1e-12);
  EXPECT_NEAR(x.at(3, 0), 1, 1e-12) << "steps 0, 1, 3: of two channels an empty line is no step";
  EXPECT_NEAR(x.at(3, 4), 9.0 / 7, 1e-12) << "steps 0, 2, 3";
  const Matrix cut = make_encoder("windows", {{"windows", 2}, {"statistics", {"mean"}}}, "")->fit(columns, nullptr, context);
  EXPECT_EQ(cut.at(0, 0), 1.5);
  EXPECT_EQ(cut.at(0, 1), 4.5);
}

}  // namespace
}  // namespace athanor
