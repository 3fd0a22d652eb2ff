#include "athanor/feature/inputs.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"

namespace athanor {
namespace {

Document row(const std::string& meta, const std::string& text = "row") {
  Document document;
  document.text = text;
  document.meta = meta;
  return document;
}

// What was learnt must survive being stored: the same numbers from the loaded one.
Examples read_both(Inputs& inputs, const std::vector<Document>& documents) {
  Examples first;
  Examples second;
  const auto loaded = load_inputs(nlohmann::json::parse(inputs.to_json().dump()), nullptr, "test");
  std::string reason;
  for (const Document& document : documents) {
    EXPECT_EQ(inputs.add(document, first, reason), loaded->add(document, second, reason));
  }
  EXPECT_EQ(first.values, second.values);
  EXPECT_EQ(first.ids, second.ids);
  return first;
}

TEST(TableInputs, NumbersAreStandardisedAndCategoriesNumbered) {
  InputOptions options;
  options.exclude = {"label"};
  const auto inputs = make_inputs(InputKind::kTable, options, nullptr);
  const std::vector<Document> rows{row(R"({"age": "10", "job": " a ", "label": "x"})"), row(R"({"age": 20, "job": "b"})"),
                                   row(R"({"age": "?", "job": "b"})")};
  for (const Document& document : rows) {
    inputs->see(document);
  }
  inputs->finish();
  EXPECT_EQ(inputs->shape().num_values, 1);
  EXPECT_EQ(inputs->shape().categories, (std::vector<int64_t>{3}));
  std::vector<Document> asked = rows;
  asked.push_back(row(R"({"age": "1e300", "job": "never seen"})"));
  asked.push_back(row("{}"));
  const Examples examples = read_both(*inputs, asked);
  EXPECT_EQ(examples.size(), 5);
  EXPECT_EQ(examples.values, (std::vector<float>{-1, 1, 0, 20, 0}));  // missing: the mean; far out: held
  EXPECT_EQ(examples.ids, (std::vector<int32_t>{2, 1, 1, 0, 0}));     // the most frequent is 1
}

TEST(TableInputs, AColumnThatLooksLikeNumbersMayBeACategory) {
  InputOptions options;
  options.categorical = {"zip"};
  options.max_categories = 1;
  const auto inputs = make_inputs(InputKind::kTable, options, nullptr);
  for (const char* meta : {R"({"zip": "1"})", R"({"zip": "2"})", R"({"zip": "2"})"}) {
    inputs->see(row(meta));
  }
  inputs->finish();
  EXPECT_EQ(inputs->shape().num_values, 0);
  EXPECT_EQ(inputs->shape().categories, (std::vector<int64_t>{2}));
}

TEST(TableInputs, BadInputIsNamed) {
  InputOptions options;
  options.columns = {"agee"};
  const auto inputs = make_inputs(InputKind::kTable, options, nullptr);
  inputs->see(row(R"({"age": 1})"));
  try {
    inputs->finish();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  }
  const auto nothing = make_inputs(InputKind::kTable, {}, nullptr);
  nothing->see(row("{}"));
  EXPECT_THROW(nothing->finish(), Error);
  EXPECT_THROW(load_inputs({{"kind", "smell"}}, nullptr, "test"), Error);
  EXPECT_THROW(load_inputs({{"kind", "table"}, {"options", nlohmann::json::object()}}, nullptr, "test"), Error);
}

TEST(SeriesInputs, StepsByNameMissingValuesAndTheOldestCutOff) {
  InputOptions options;
  options.columns = {"b"};
  options.max_length = 2;
  const auto inputs = make_inputs(InputKind::kSeries, options, nullptr);
  inputs->see(row("{}", "a,b\n1,0\n2,2\n"));
  inputs->finish();
  const Examples examples = read_both(
      *inputs, {row("{}", "b,a\n0,9\n2,9\n0,9\n"), row("{}", "a,b\n1,NA\n"), row("{}", "a,c\n1,2\n"), row("{}", "words"),
                row("{}", "a,b\n1,2,3\n")});
  EXPECT_EQ(examples.size(), 2);
  EXPECT_EQ(examples.values, (std::vector<float>{1, -1, 0}));
  EXPECT_EQ(examples.offsets, (std::vector<uint64_t>{0, 2, 3}));
  EXPECT_EQ(examples.cut, 1);
}

TEST(SeriesInputs, WithoutNamesByPlace) {
  const auto inputs = make_inputs(InputKind::kSeries, {}, nullptr);
  inputs->see(row("{}", "1;2\n3;4\n"));
  inputs->finish();
  EXPECT_EQ(inputs->shape().num_values, 2);
  EXPECT_EQ(read_both(*inputs, {row("{}", "1;2\n3;4\n"), row("{}", "1\n2\n")}).size(), 1);
}

TEST(TextInputs, IdsCutAtTheLimit) {
  const Tokenizer tokenizer = Tokenizer::bytes({});
  InputOptions options;
  options.max_length = 3;
  options.lowercase = true;
  const auto inputs = make_inputs(InputKind::kText, options, &tokenizer);
  Examples examples;
  std::string reason;
  EXPECT_TRUE(inputs->add(row("{}", "ABCD"), examples, reason));
  EXPECT_TRUE(inputs->add(row("{}", "e"), examples, reason));
  EXPECT_EQ(examples.ids, (std::vector<int32_t>{'a', 'b', 'c', 'e'}));
  EXPECT_EQ(examples.length(0), 3);
  EXPECT_EQ(examples.cut, 1);
  EXPECT_THROW(make_inputs(InputKind::kText, options, nullptr), Error);
}

TEST(ImageInputs, DocumentsWithoutImagesAreToldApart) {
  const auto inputs = make_inputs(InputKind::kImage, {}, nullptr);
  const std::string grey = R"({"image": {"format": "raw", "width": 2, "height": 1, "channels": 1, "bytes": "AP8="}})";
  inputs->see(row(grey));
  inputs->see(row("{}"));
  inputs->finish();
  EXPECT_EQ(inputs->shape().size, 2);  // made square
  EXPECT_EQ(inputs->shape().mean, (std::vector<double>{0.5}));
  Examples examples;
  std::string reason;
  EXPECT_TRUE(inputs->add(row(grey), examples, reason));
  EXPECT_EQ(examples.pixels, (std::vector<uint8_t>{0, 255, 0, 255}));
  EXPECT_FALSE(inputs->add(row("{}"), examples, reason));
  EXPECT_EQ(reason, "no image");
}

TEST(Cells, Numbers) {
  double value = 0;
  EXPECT_TRUE(parse_cell(" +1.5e2 ", value));
  EXPECT_EQ(value, 150);
  for (const char* bad : {"", "x", "1 2", "nan", "inf", "1e999", "0x10"}) {
    EXPECT_FALSE(parse_cell(bad, value)) << bad;
  }
  EXPECT_TRUE(is_missing_cell(" ? "));
  EXPECT_FALSE(is_missing_cell("0"));
}

}  // namespace
}  // namespace athanor
