// Every step of cleaning a table: what it changes, what it tells, what it refuses.
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/clean/tables/near_spellings.h"
#include "athanor/clean/tables/table_testing.h"
#include "athanor/clean/tables/written_number.h"

namespace athanor {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

std::string error_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.message() + " | " + error.where() + " | " + error.hint();
  }
  return "";
}

std::string error_of(const TestTable& table, const Json& steps) {
  return error_of([&] { cleaned(table.rows, steps); });
}

const Texts kPeople{R"({"name":"Ann","age":"20","city":"北京"})", R"({"name":"Bob","age":"","city":"上海"})",
                    R"({"name":"Cid","age":"40","city":"?"})",    R"({"name":"Dan","age":"abc","city":"北京"})",
                    R"({"name":"Eve","age":"NA","city":"北京"})"};

TableOptions numbers(const std::string& name) {
  TableOptions options;
  options.types[name] = "number";
  return options;
}

TEST(TableMissing, FillsEachKind) {
  TableReport report;
  const RowTable table = cleaned(table_of(kPeople, numbers("age")).rows,
                                 {{{"missing", {{"columns", {"age"}}, {"by", "mean"}, {"mark", true}}}},
                                  {{"missing", {{"columns", {"city"}}, {"by", "mode"}}}}},
                                 report);
  EXPECT_EQ(cells_of(table, "age"), (Texts{"20", "30", "40", "30", "30"}));
  EXPECT_EQ(cells_of(table, "age_missing"), (Texts{"0", "1", "0", "1", "1"}));
  EXPECT_EQ(cells_of(table, "city"), (Texts{"北京", "上海", "北京", "北京", "北京"}));
  EXPECT_EQ(told(report, "age", "missing, filled by mean 30"), 2u);
  EXPECT_EQ(told(report, "age", "no value of its kind: missing, filled by mean 30"), 1u);
  EXPECT_EQ(told(report, "city", "filled by mode '北京'"), 1u);
  EXPECT_EQ(metas_of(table)[1], R"({"name":"Bob","age":"30","city":"上海","age_missing":1})") << "text stays text, a mark is a number";
  EXPECT_EQ(report.changes_of_rows(5)[2], "2 missing city");
}

TEST(TableMissing, DropAndConstant) {
  EXPECT_EQ(cells_of(cleaned(table_of(kPeople).rows, {{{"missing", {{"by", "drop"}}}}}), "name"), (Texts{"Ann", "Dan"}))
      << "age is a category here: abc is one of its values";
  EXPECT_EQ(cells_of(cleaned(table_of(kPeople).rows, {{{"missing", {{"columns", {"city"}}, {"by", "constant"}, {"value", "不明"}}}}}), "city"),
            (Texts{"北京", "上海", "不明", "北京", "北京"}));
}

TEST(TableMissing, NumbersOfJsonStayNumbers) {
  const RowTable table = cleaned(column_of({"1.5", "null", "2.5", "-7"}).rows, {"missing"});
  EXPECT_EQ(metas_of(table), (Texts{R"({"x":1.5})", R"({"x":1.5})", R"({"x":2.5})", R"({"x":-7})"}));
}

TEST(TableMissing, AnAbsentKeyIsAGap) {
  const RowTable table = cleaned(table_of({R"({"a":1,"b":2})", R"({"a":3})"}).rows, {"missing"});
  EXPECT_EQ(metas_of(table)[1], R"({"a":3,"b":2})");
}

TEST(TableMissing, SaysWhatIsWrong) {
  const TestTable table = table_of(kPeople);
  EXPECT_NE(error_of(table, {{{"missing", {{"columns", {"citty"}}, {"by", "mode"}}}}}).find("there is no column 'citty'"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"missing", {{"columns", {"citty"}}, {"by", "mode"}}}}}).find("did you mean 'city'"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"missing", {{"columns", {"city"}}, {"by", "mean"}}}}}).find("needs numbers"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"missing", {{"by", "constant"}}}}}).find("needs 'value'"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"missing", {{"by", "medain"}}}}}).find("did you mean 'median'"), std::string::npos);
  EXPECT_NE(error_of(table, {"mising"}).find("did you mean 'missing'"), std::string::npos);
  const TestTable empty = table_of({R"({"a":1,"b":""})", R"({"a":2,"b":"NA"})"}, numbers("b"));
  EXPECT_NE(error_of(empty, {{{"missing", {{"columns", {"b"}}}}}}).find("column 'b' has no value"), std::string::npos);
  EXPECT_NE(error_of(empty, {{{"missing", {{"by", "drop"}}}}}).find("drops every row that is left (2): b: missing 2"), std::string::npos);
  TableReport report;
  cleaned(empty.rows, {"missing"}, report);
  ASSERT_EQ(report.notes().size(), 1u);
  EXPECT_NE(report.notes()[0].find("drop_columns: {columns: [b]}"), std::string::npos);
}

TEST(TableOutliers, EachBound) {
  Texts values;
  for (int i = 1; i <= 20; ++i) {
    values.push_back(std::to_string(i));
  }
  values.push_back("1000");
  values.push_back("\"inf\"");
  const TestTable table = column_of(values);
  for (const char* by : {"iqr", "zscore", "mad"}) {
    TableReport report;
    const RowTable dropped = cleaned(table.rows, {{{"outliers", {{"by", by}, {"do", "drop"}}}}}, report);
    EXPECT_EQ(dropped.num_alive(), 21u) << by << ": the infinity is a gap, which no bound judges";
    EXPECT_EQ(told(report, "x", "above"), 1u) << by;
  }
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"outliers", {{"do", "clip"}}}}}), "x")[20], "31") << "16 + 1.5 x 10";
  const RowTable marked = cleaned(table.rows, {"outliers"});
  EXPECT_EQ(cells_of(marked, "x_outlier")[20], "1");
  EXPECT_EQ(cells_of(marked, "x_outlier")[3], "0");
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"outliers", {{"do", "missing"}}}}}), "x")[20], "");
}

TEST(TableOutliers, NoBoundsWithoutSpread) {
  TableReport report;
  const RowTable table = cleaned(column_of({"0", "0", "0", "0", "5"}).rows, {{{"outliers", {{"by", "mad"}, {"do", "drop"}}}}}, report);
  EXPECT_EQ(table.num_alive(), 5u);
  ASSERT_EQ(report.notes().size(), 1u);
  EXPECT_NE(report.notes()[0].find("left alone"), std::string::npos);
  EXPECT_NE(error_of(column_of({"1", "2"}), {{{"outliers", {{"by", "isolation_forest"}, {"do", "clip"}}}}}).find("no bound"), std::string::npos);
}

TEST(TableDuplicates, EqualValuesNotEqualLetters) {
  const TestTable table = table_of({R"({"id":"1","a":"22","b":"x"})", R"({"id":"2","a":"22.0","b":"x"})", R"({"id":"3","a":"","b":"y"})",
                                    R"({"id":"4","a":"NA","b":"y"})", R"({"id":"5","a":"22","b":"z"})"});
  const Json except{{{"duplicates", {{"exclude", {"id"}}}}}};
  EXPECT_EQ(cells_of(cleaned(table.rows, except), "id"), (Texts{"1", "3", "5"}));
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"duplicates", {{"columns", {"b"}}, {"keep", "last"}}}}}), "id"), (Texts{"2", "4", "5"}));
  EXPECT_EQ(cleaned(table.rows, {"duplicates"}).num_alive(), 5u);
}

// 2^53 + 1 and 2^53, the last two of uint64, nanoseconds: one double each, but not one row.
TEST(TableDuplicates, NumbersThatADoubleLosesAreNotTheSame) {
  TableOptions as_number;
  as_number.types = {{"x", "number"}};
  const TestTable numbers = column_of({"9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615",
                                       "\"18446744073709551615.0\"", "1.0", "1e0", "-0", "0"}, as_number);
  EXPECT_EQ(cells_of(cleaned(numbers.rows, {"duplicates"}), "x"),
            (Texts{"9007199254740992", "9007199254740993", "18446744073709551614", "18446744073709551615", "1.0", "-0"}));
  EXPECT_EQ(cleaned(column_of({"9007199254740992", "9007199254740993"}).rows, {"duplicates"}).num_alive(), 2u) << "guessed";
  const Json constant{{{"drop_columns", {{"constant", true}}}}};
  const TestTable two = table_of({R"({"x":9223372036854775808,"y":9223372036854775808,"z":1})",
                                  R"({"x":9223372036854775809,"y":9223372036854775808.0,"z":2})"}, as_number);
  EXPECT_EQ(cleaned(two.rows, constant).names(), (Texts{"x", "z"}));
  const TestTable dates = column_of({"\"2024-02-29T12:00:00.123456789Z\"", "\"2024-02-29T12:00:00.123456790Z\"",
                                     "\"2024-02-29T13:00:00.12345679+01:00\"", "\"2024-02-29\"", "\"2024/2/29\""});
  EXPECT_EQ(cleaned(dates.rows, {"duplicates"}).num_alive(), 3u);
}

TEST(TableUnits, LengthsMassesTimesTemperatures) {
  const auto in = [](const std::string& to, const Texts& values, const Json& more = Json::object()) {
    Texts quoted;
    for (const std::string& value : values) {
      quoted.push_back(Json(value).dump());
    }
    Json options{{"column", "x"}, {"to", to}};
    options.update(more);
    std::vector<double> numbers;
    const RowTable table = cleaned(column_of(quoted).rows, {{{"units", options}}});
    for (const std::string& cell : cells_of(table, "x")) {
      numbers.push_back(cell == "null" ? NAN : std::stod(cell));
    }
    return numbers;
  };
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE((std::isnan(a[i]) && std::isnan(b[i])) || std::abs(a[i] - b[i]) <= 1e-12 * std::max(1.0, std::abs(b[i])))
          << i << ": " << a[i] << " is not " << b[i];
    }
  };
  near(in("kg", {"12 lb", "3,5 kg", "500g", "2斤", "１２ｋｇ", "70", "3 公斤", "?"}),
       {12 * 0.45359237, 3.5, 0.5, 1, 12, 70, 3, NAN});
  near(in("cm", {"5 ft 11 in", "1.80 m", "6尺", "170cm", "5'11\""}), {180.34, 180, 200, 170, 180.34});
  near(in("h", {"1 h 30 min", "90分钟", "2小时", "1 day", "-30 min"}), {1.5, 1.5, 2, 24, -0.5});
  near(in("°C", {"98.6 °F", "37℃", "310.15 K", "华氏度"}), {37, 37, 37, NAN});
  near(in("元", {"￥1,200", "1.2万元", "-¥5", "¥ 3.50", "€5"}), {1200, 12000, -5, 3.5, NAN});
  near(in("USD", {"$5", "€10", "7"}, {{"factors", {{"EUR", 1.08}}}}), {5, 10.8, 7});
  near(in("pieces", {"3 boxes", "4"}, {{"factors", {{"boxes", 12}}}}), {36, 4});
}

TEST(TableUnits, TellsAndRefuses) {
  TableReport report;
  const RowTable table = cleaned(column_of({"\"12 lb\"", "\"heavy\"", "\"3 m\"", "\"1 kg\""}).rows, {{{"units", {{"column", "x"}, {"to", "kg"}}}}}, report);
  EXPECT_EQ(told(report, "x", "from lb to kg"), 1u);
  EXPECT_EQ(told(report, "x", "no quantity, made missing"), 1u);
  EXPECT_EQ(told(report, "x", "the unit 'm' cannot become kg"), 1u);
  EXPECT_EQ(metas_of(table)[3], R"({"x":1})") << "a column of one unit is one of JSON numbers";
  EXPECT_EQ(table.find("x")->kind, ColumnKind::kNumber);
  const Json filled = Json::parse(metas_of(cleaned(table, {"missing"}))[1]);
  EXPECT_NEAR(filled["x"].get<double>(), (1 + 12 * 0.45359237) / 2, 1e-12) << "and is filled as one";
  EXPECT_NE(error_of(column_of({"\"1\""}), {{{"units", {{"column", "x"}, {"to", "poundz"}}}}}).find("did you mean 'pound"), std::string::npos);
  EXPECT_NE(error_of(column_of({"\"1\""}), {{{"units", {{"to", "kg"}}}}}).find("column"), std::string::npos);
}

TEST(TableFormats, Numbers) {
  const auto read = [](const Texts& values, const std::string& decimal = "auto") {
    Texts quoted;
    for (const std::string& value : values) {
      quoted.push_back(Json(value).dump());
    }
    return cells_of(cleaned(column_of(quoted).rows, {{{"formats", {{"columns", {"x"}}, {"as", "number"}, {"decimal", decimal}}}}}), "x");
  };
  EXPECT_EQ(read({"1,234.5", "(120)", "12 %", "$3", "1e3", "１２"}), (Texts{"1234.5", "-120", "0.12", "3", "1000", "12"}));
  EXPECT_EQ(read({"1.234,5", "3,5", "1.000"}), (Texts{"1234.5", "3.5", "1000"})) << "3,5 shows what the comma is";
  EXPECT_EQ(read({"1,234"}), (Texts{"1234"}));
  EXPECT_EQ(read({"1,234", "0,125"}), (Texts{"1.234", "0.125"}));
  EXPECT_EQ(read({"1234,567", "1,000"}), (Texts{"1234.567", "1"}));
  EXPECT_EQ(read({"1,234"}, ","), (Texts{"1.234"}));
  EXPECT_EQ(read({"2.5万", "3亿", "1 234 567", "−4"}), (Texts{"25000", "300000000", "1234567", "-4"}));
  EXPECT_EQ(read({"12a", "1,23,456", "--3", "1.2.3"}), (Texts{"null", "null", "null", "null"})) << "what is no number is made missing";
}

TEST(TableFormats, DatesLettersTruth) {
  const auto with = [](const Texts& values, const Json& options) {
    Json all{{"columns", {"x"}}};
    all.update(options);
    return cells_of(cleaned(column_of(values).rows, {{{"formats", all}}}), "x");
  };
  EXPECT_EQ(with({"\"2024年3月5日\"", "\"2024/03/05\"", "\"20240305\"", "\"5 Mar 2024\"", "\"2024-03-05 12:30\"", "\"soon\""}, {{"as", "date"}}),
            (Texts{"2024-03-05", "2024-03-05", "2024-03-05", "2024-03-05", "2024-03-05T12:30:00Z", ""}));
  EXPECT_EQ(with({"\"05/03/2024\"", "\"31.12.1999\"", "\"2024-03-05\""}, {{"as", "date"}, {"dates", {"%d/%m/%Y", "%d.%m.%Y"}}}),
            (Texts{"2024-03-05", "1999-12-31", "2024-03-05"}));
  EXPECT_EQ(with({"\"ÉTÉ\"", "\"ΣΑΣ\"", "\"北京A\""}, {{"as", "lower"}}), (Texts{"été", "σασ", "北京a"}));
  EXPECT_EQ(with({"\"été\"", "\"σας\"", "\"kg\""}, {{"as", "upper"}}), (Texts{"ÉTÉ", "ΣΑΣ", "KG"}));
  EXPECT_EQ(with({"\"  New \\u3000  York \"", "\"x\""}, {{"as", "trim"}}), (Texts{"New York", "x"}));
  EXPECT_EQ(with({"\"Yes\"", "\"否\"", "\"1\"", "\"oui\"", "\"maybe\"", "true"}, {{"as", "boolean"}, {"yes", {"Oui"}}}),
            (Texts{"true", "false", "true", "true", "null", "true"}));
  EXPECT_NE(error_of(column_of({"1"}), {{{"formats", {{"columns", {"x"}}, {"as", "date"}, {"dates", {"%q"}}}}}}).find("%q"), std::string::npos);
}

TEST(TableMerge, SpellingsAndRareValues) {
  const TestTable table = column_of({"\"USA\"", "\"US\"", "\"U.S.A.\"", "\"usa\"", "\"中国\"", "\"中华人民共和国\"", "\"Chad\"", "\"\"", "\"中国\""});
  const Json into{{"USA", {"US", "U.S.A."}}, {"中国", {"中华人民共和国", "PRC"}}};
  TableReport report;
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"merge", {{"column", "x"}, {"into", into}}}}}, report), "x"),
            (Texts{"USA", "USA", "USA", "usa", "中国", "中国", "Chad", "", "中国"}));
  EXPECT_EQ(told(report, "x", "merged into 'USA'"), 2u);
  ASSERT_EQ(report.proposals().size(), 1u);
  EXPECT_EQ(report.proposals()[0]["value"], "usa");
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"merge", {{"column", "x"}, {"into", into}, {"ignore_case", true}, {"rare", {{"fewer_than", 2}}}}}}}), "x"),
            (Texts{"USA", "USA", "USA", "USA", "中国", "中国", "other", "", "中国"}));
  EXPECT_NE(error_of(table, {{{"merge", {{"column", "x"}, {"into", {{"A", "US"}, {"B", {"US"}}}}}}}}).find("is to become"), std::string::npos);
  EXPECT_NE(error_of(column_of({"1", "2"}), {{{"merge", {{"column", "x"}}}}}).find("merge is for categories"), std::string::npos);
}

// A value that the training rows spell in one way only is still folded, and known, however new rows spell it.
TEST(TableMerge, NewRowsFoldToTheOnlySpelling) {
  RowTable train = column_of({"\"Paris\"", "\"Paris\"", "\"PRC\"", "\"PRC\"", "\"Oslo\"", "\"École\"", "\"École\""}).rows;
  RowTable later = column_of({"\"PARIS\"", "\"paris\"", "\"prc\"", "\"china\"", "\"OSLO\"", "\"ÉCOLE\"", "\"Rome\""}).rows;
  const auto cells = [&](const Json& merge) {
    ThreadPool pool(2);
    TableReport report;
    TableStepContext context{pool, report};
    TableCleaner cleaner({{{"merge", merge}}}, "clean.table");
    RowTable learnt = train, cleaned = later;
    cleaner.learn(learnt, context);
    cleaner.apply(cleaned, context);
    return cells_of(cleaned, "x");
  };
  const Json into{{"China", {"PRC"}}};
  EXPECT_EQ(cells({{"column", "x"}, {"into", into}, {"ignore_case", true}}),
            (Texts{"Paris", "Paris", "China", "China", "Oslo", "École", "Rome"}));
  EXPECT_EQ(cells({{"column", "x"}, {"into", into}, {"ignore_case", true}, {"rare", {{"fewer_than", 2}}}}),
            (Texts{"Paris", "Paris", "China", "China", "other", "École", "other"}));
  EXPECT_EQ(cells({{"column", "x"}, {"rare", {{"fewer_than", 2}}}}), (Texts(7, "other")));
}

TEST(TableMerge, NearSpellings) {
  const auto near = near_spellings({{"female", 90}, {"femlae", 1}, {"male", 80}, {"Male ", 3}, {"北京", 9}, {"南京", 8},
                                    {"A1234", 5}, {"A1235", 5}, {"Massachusetts", 7}, {"Massachussets", 2}, {"内蒙古自治区", 4}, {"内蒙古自治", 1}});
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const NearSpelling& one : near) {
    pairs.emplace_back(one.text, one.as);
  }
  EXPECT_EQ(pairs, (std::vector<std::pair<std::string, std::string>>{
                       {"femlae", "female"}, {"Male ", "male"}, {"Massachussets", "Massachusetts"}, {"内蒙古自治", "内蒙古自治区"}}));
}

TEST(TableRange, BoundsListsPatterns) {
  const TestTable table = table_of({R"({"age":"20","d":"2024-01-05","c":"A1"})", R"({"age":"-3","d":"1901-01-01","c":"B2"})",
                                    R"({"age":"150","d":"","c":"??"})", R"({"age":"","d":"2024-02-01","c":"A3"})"});
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"range", {{"columns", {"age"}}, {"min", 0}, {"max", 120}}}}}), "age"), (Texts{"20", "", "", ""}));
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"range", {{"columns", {"age"}}, {"min", 0}, {"max", 120}, {"do", "clip"}}}}}), "age"),
            (Texts{"20", "0", "120", ""}));
  TableReport report;
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"range", {{"columns", {"d"}}, {"min", "2000-01-01"}, {"do", "drop"}}}}}, report), "age"),
            (Texts{"20", "150", ""}));
  EXPECT_EQ(told(report, "d", "below 2000-01-01"), 1u);
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"range", {{"columns", {"c"}}, {"matches", "[A-Z]\\d"}, {"do", "mark"}}}}}), "c_out_of_range"),
            (Texts{"0", "0", "1", "0"}));
  EXPECT_EQ(cells_of(cleaned(table.rows, {{{"range", {{"columns", {"c"}}, {"one_of", {"A1", "B2"}}}}}}), "c"), (Texts{"A1", "B2", "", ""}));
  EXPECT_NE(error_of(table, {{{"range", {{"columns", {"c"}}, {"min", 0}}}}}).find("needs numbers"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"range", {{"columns", {"age"}}, {"min", 3}, {"max", 1}}}}}).find("min is above max"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"range", {{"columns", {"c"}}, {"matches", "("}}}}}).find("wrong at character"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"range", {{"columns", {"age"}}}}}}).find("no bound"), std::string::npos);
  EXPECT_NE(error_of(table, {{{"range", {{"columns", {"age"}}, {"min", 1000}, {"do", "drop"}}}}, "missing"}).find(""), std::string::npos);
}

TEST(TableDropColumns, ConstantAndMostlyMissing) {
  const TestTable table = table_of({R"({"a":"1","b":"x","c":"","d":"7.0"})", R"({"a":"2","b":"x","c":"","d":"7"})",
                                    R"({"a":"3","b":"","c":"z","d":"7"})"});
  const RowTable out = cleaned(table.rows, {{{"drop_columns", {{"constant", true}, {"missing_above", 0.5}}}}});
  EXPECT_EQ(out.names(), (Texts{"a"})) << "7 and 7.0 are one number";
  EXPECT_EQ(metas_of(out)[0], R"({"a":"1"})");
  EXPECT_EQ(row_text(out, 1), "a: 2\n");
  EXPECT_NE(error_of(table, {{{"drop_columns", {{"columns", {"a", "b", "c", "d"}}}}}}).find("every column would be dropped"), std::string::npos);
  EXPECT_NE(error_of(table, {"drop_columns"}).find("nothing says which"), std::string::npos);
}

TEST(WrittenNumber, MarksAndLimits) {
  EXPECT_EQ(find_marks("auto", {"1.234,5"}).decimal, ',');
  EXPECT_EQ(find_marks("auto", {"1,234.5", "3,5"}).decimal, '.') << "the point is shown to be the decimal one";
  EXPECT_EQ(plain_form(" −１２ｋｇ "), "-12kg");
  double value = 0;
  for (const char* text : {"", "-", ".", "e5", ",", "1e999", "-."}) {
    std::string_view rest = text;
    EXPECT_FALSE(take_number(rest, {}, value)) << text;
  }
}

}  // namespace
}  // namespace athanor
