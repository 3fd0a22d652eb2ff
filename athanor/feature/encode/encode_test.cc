#include <numeric>

#include "athanor/data/tables/cells.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

TableColumn fixture_column(const nlohmann::json& table, size_t column, size_t begin, size_t end) {
  std::vector<std::string> cells;
  for (size_t row = begin; row < end; ++row) {
    cells.push_back(table[row][column].is_null() ? "" : table[row][column].get<std::string>());
  }
  return category_column("c" + std::to_string(column), cells);
}

Target fixture_target(const nlohmann::json& fixture, const nlohmann::json& which, size_t rows) {
  Target target;
  if (which["number"].get<bool>()) {
    target.task = Task::kRegression;
    target.values = fixture["number"].get<std::vector<double>>();
    target.values.resize(rows);
    return target;
  }
  const bool two = which["two"].get<bool>();
  target.labels =
      two ? std::vector<std::string>{"0", "1"} : std::vector<std::string>{"0", "1", "2"};
  target.classes = fixture[two ? "two" : "three"].get<std::vector<int32_t>>();
  target.classes.resize(rows);
  return target;
}

TEST(Encode, AsScikitLearn) {
  const nlohmann::json fixture = read_fixture("encoders.json");
  const size_t train = fixture["train"], rows = fixture["table"].size();
  const fs::path dir = scratch("encode");
  ThreadPool pool(2);
  for (const auto& one : fixture["cases"]) {
    SCOPED_TRACE(one["kind"].get<std::string>() + " " + one["options"].dump() + " " +
                 one["target"].dump());
    std::vector<TableColumn> fit_columns, all_columns;
    for (const size_t column : one["columns"]) {
      fit_columns.push_back(fixture_column(fixture["table"], column, 0, train));
      all_columns.push_back(fixture_column(fixture["table"], column, 0, rows));
    }
    std::vector<const TableColumn*> fit_pointers, all_pointers;
    for (size_t i = 0; i < fit_columns.size(); ++i) {
      fit_pointers.push_back(&fit_columns[i]);
      all_pointers.push_back(&all_columns[i]);
    }
    Target target;
    if (!one["target"].is_null()) {
      target = fixture_target(fixture, one["target"], train);
    }
    FitContext context{pool};
    auto encoder = make_encoder(one["kind"], one["options"], "test");
    encoder->fit(fit_pointers, one["target"].is_null() ? nullptr : &target, context);
    const Matrix applied = encoder->apply(all_pointers, pool);
    expect_near(applied, matrix_of(one["apply"]));
    EXPECT_EQ(applied.names.size(), applied.columns);
    std::map<std::string, uint64_t> unseen;
    EXPECT_EQ(encoder->count_unseen(all_pointers, unseen), 1u);
    EXPECT_EQ(unseen["c0"], 1u);

    auto again = make_encoder(one["kind"], one["options"], "test");
    save_and_load(*encoder, *again, dir);
    const Matrix reloaded = again->apply(all_pointers, pool);
    ASSERT_EQ(reloaded.values.size(), applied.values.size());
    EXPECT_EQ(std::memcmp(reloaded.values.data(), applied.values.data(),
                          applied.values.size() * sizeof(double)),
              0);
    EXPECT_EQ(reloaded.names, applied.names);
  }
}

TEST(Encode, TargetMeansDoNotLeak) {
  // Every category once: a leaking encoder would give each row its own target; here it can know
  // nothing.
  std::vector<std::string> cells;
  Target target;
  target.labels = {"no", "yes"};
  for (int i = 0; i < 400; ++i) {
    cells.push_back("id" + std::to_string(i));
    target.classes.push_back(i % 2);
  }
  const TableColumn column = category_column("id", cells);
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool, 3};
  auto encoder = make_encoder("target", {{"smooth", 0}}, "test");
  const Matrix fitted = encoder->fit(columns, &target, context);
  const Matrix applied = encoder->apply(columns, pool);
  double agree = 0;
  for (uint64_t row = 0; row < 400; ++row) {
    agree += (fitted.at(row, 0) > 0.5) == (target.classes[row] == 1) ? 1 : 0;
    EXPECT_EQ(applied.at(row, 0), target.classes[row]);
  }
  EXPECT_LT(agree / 400, 0.6);
  EXPECT_EQ(encoder->fit(columns, &target, context).values,
            fitted.values);  // the folds are a hash, no state
  EXPECT_THROW(encoder->fit(columns, nullptr, context), Error);
}

TEST(Encode, FrequenciesAndOrders) {
  const TableColumn column = category_column("size", {"M", "S", "M", "", "L", "M"});
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  EXPECT_EQ(
      make_encoder("frequency", {{"counts", true}}, "")->fit(columns, nullptr, context).values,
      (std::vector<double>{3, 1, 3, 1, 1, 3}));
  const nlohmann::json order{{"order", {{"size", {"S", "M", "L"}}}}};
  const Matrix ordered = make_encoder("ordinal", order, "")->fit(columns, nullptr, context);
  EXPECT_EQ(ordered.at(0, 0), 1);
  EXPECT_EQ(ordered.at(4, 0), 2);
  EXPECT_TRUE(std::isnan(ordered.at(3, 0)));
  const nlohmann::json short_order{{"order", {{"size", {"S", "M"}}}}};
  EXPECT_THROW(make_encoder("ordinal", short_order, "")->fit(columns, nullptr, context), Error);
}

TEST(Encode, ManyLevelsBecomeSparse) {
  std::vector<std::string> cells;
  for (int i = 0; i < 200; ++i) {
    cells.push_back("v" + std::to_string(i % 100));
  }
  const TableColumn column = category_column("v", cells);
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  const Matrix x =
      make_encoder("onehot", nlohmann::json::object(), "")->fit(columns, nullptr, context);
  EXPECT_TRUE(x.is_sparse);
  EXPECT_EQ(x.sparse.indices.size(), 200u);
  EXPECT_EQ(to_dense(x).at(7, 67), 1);  // levels in the order of their bytes: v0, v1, v10 ... v7
}

TEST(Encode, DatesAsParts) {
  double day = 0, later = 0;
  ASSERT_TRUE(parse_date("2024-02-29", "", day));
  ASSERT_TRUE(parse_date("2025-12-31", "", later));
  const TableColumn column = number_column("when", {day, later, std::nan("")}, ColumnKind::kDate);
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  auto encoder = make_encoder(
      "dates", {{"cyclic", false}, {"parts", {"year", "month", "day", "weekday", "hour"}}}, "");
  const Matrix x = encoder->fit(columns, nullptr, context);
  EXPECT_EQ(x.names, (std::vector<std::string>{"when.year", "when.month", "when.day",
                                               "when.weekday"}));  // no hour: always 0
  EXPECT_EQ(std::vector<double>(x.row(1), x.row(1) + 4), (std::vector<double>{2025, 12, 31, 2}));
  EXPECT_TRUE(std::isnan(x.at(2, 0)));
  const Matrix cyclic =
      make_encoder("dates", {{"parts", {"month"}}}, "")->fit(columns, nullptr, context);
  EXPECT_NEAR(cyclic.at(0, 0), 0.5, 1e-12);  // sin(2 pi / 12)
  EXPECT_EQ(error_of([] {
              make_encoder("dates", {{"parts", {"weekdy"}}}, "");
            }).hint(),
            "did you mean 'weekday'?");
}

TEST(Encode, SparseFeaturesBeyondTheTrainingRows) {
  TableColumn column;
  column.name = "features";
  column.kind = ColumnKind::kSparse;
  column.sparse.offsets = {0, 2};
  column.sparse.indices = {1, 4};
  column.sparse.values = {0.5, 2};
  column.width = 5;
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool};
  auto encoder = make_encoder("sparse", nlohmann::json::object(), "");
  EXPECT_EQ(encoder->fit(columns, nullptr, context).columns, 5u);
  TableColumn other = column;
  other.sparse.indices = {1, 9};
  other.width = 10;
  const TableColumn* others[] = {&other};
  const Matrix x = encoder->apply(others, pool);
  EXPECT_EQ(x.columns, 5u);
  EXPECT_EQ(x.sparse.indices, std::vector<uint32_t>{1});
  std::map<std::string, uint64_t> counts;
  EXPECT_EQ(encoder->count_unseen(others, counts), 1u);
}

}  // namespace
}  // namespace athanor
