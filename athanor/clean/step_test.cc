// The table, the options and the chain.
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/clean/rules/rule_testing.h"
#include "athanor/clean/step.h"

namespace athanor {
namespace {

using nlohmann::json;

std::string usage_hint(const json& spec) {
  try {
    CleanChain chain(spec, "recipe.yaml:3:5");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_TRUE(error.where().starts_with("recipe.yaml:3:5")) << error.where();
    return error.message() + " | " + error.hint();
  }
  return "no error";
}

// Awkward and ordinary texts; none may divide by nothing or throw.
const std::vector<std::string> kTexts = {
    "",
    " \n\n ",
    "\xff\xfe\xe4",
    "The quick brown fox of the town\njumps over the lazy dog, and that is that. Write to a@b.com or 8.8.8.8!\n",
    "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C\xE3\x80\x82"};

// The options that a step cannot do without.
json needed(const std::string& step) {
  const json column = {{"name", "score"}};
  const json dictionary = {{"dictionary", ATHANOR_SOURCE_DIR "/tests/fixtures/clean/words.txt"}};
  const std::string classifier = ATHANOR_SOURCE_DIR "/tests/fixtures/classic/softmax.bin";
  if (step == "language") {
    return {{"model", classifier}};
  }
  if (step == "classifier") {
    return {{"model", classifier}, {"label", "zh"}};
  }
  if (step == "perplexity") {
    return {{"model", tiny_ngram_model()}};
  }
  return step == "column" || step == "outlier" ? column : step == "spelling" ? dictionary : json::object();
}

TEST(CleanTable, EveryEntryMeasuresWhatItSays) {
  for (const StepEntry& entry : clean_steps()) {
    const auto step = entry.make(resolve_options(entry, needed(entry.name), ""));
    for (const StepOption& option : entry.options) {
      EXPECT_FALSE(std::string(option.meaning).empty()) << entry.name << "." << option.name;
    }
    EXPECT_EQ(entry.kind == StepKind::kTransform && !step->rewrites(), false) << entry.name;
    size_t numbers = 0;
    for (const StepMetric& metric : entry.metrics) {
      numbers += metric.type == MetricType::kNumber;
    }
    for (std::string text : kTexts) {
      const std::string before = text;
      DocumentView document(text);
      Measures measures;
      step->measure(document, measures);
      EXPECT_EQ(measures.numbers.size(), numbers) << entry.name;
      EXPECT_EQ(measures.texts.size(), entry.metrics.size() - numbers) << entry.name;
      step->decide(measures);
      EXPECT_TRUE(step->rewrites() || text == before) << entry.name;
    }
  }
}

// The promise of the ledger: a changed threshold changes nothing that was measured.
TEST(CleanTable, ThresholdsDoNotChangeMeasures) {
  for (const StepEntry& entry : clean_steps()) {
    const json defaults = resolve_options(entry, needed(entry.name), "");
    json other = defaults;
    for (const StepOption& option : entry.options) {
      if (!option.threshold) {
        continue;
      }
      const json& value = option.default_value;
      other[option.name] = value.is_boolean()          ? json(!value.get<bool>())
                           : value.is_number_integer() ? json(value.get<int64_t>() + 1)
                           : value.is_number()         ? json(value.get<double>() / 2)
                                                       : value;
    }
    const CleanChain a(json::array({{{entry.name, defaults}}}));
    const CleanChain b(json::array({{{entry.name, other}}}));
    EXPECT_EQ(a.measuring_spec(), b.measuring_spec());
    EXPECT_EQ(CleanChain(a.measuring_spec()).measuring_spec(), a.measuring_spec());
    for (const std::string& text : kTexts) {
      std::string text_a = text;
      std::string text_b = text;
      DocumentView document_a(text_a);
      DocumentView document_b(text_b);
      std::vector<Measures> measures_a;
      std::vector<Measures> measures_b;
      ASSERT_TRUE(a.measure(document_a, measures_a) && b.measure(document_b, measures_b));
      EXPECT_EQ(text_a, text_b) << entry.name;
      EXPECT_EQ(measures_a[0].texts, measures_b[0].texts) << entry.name;
      for (size_t i = 0; i < measures_a[0].numbers.size(); ++i) {
        const double x = measures_a[0].numbers[i];
        const double y = measures_b[0].numbers[i];
        EXPECT_TRUE(x == y || (std::isnan(x) && std::isnan(y))) << entry.name << " " << i;
      }
    }
  }
}

TEST(CleanChain, ColumnsAreNamedByStepAndUse) {
  const CleanChain chain(json::parse(R"(["length", "normalize", "length"])"));
  std::vector<std::string> names;
  for (const LedgerColumn& column : chain.columns()) {
    names.push_back(column.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"length_chars", "normalize_removed", "normalize_repaired", "length_2_chars"}));
  EXPECT_EQ(chain.columns()[2].step, 1u);
  EXPECT_EQ(chain.columns()[2].index, 1u);
  EXPECT_TRUE(chain.transforms_text());
  EXPECT_FALSE(CleanChain(json::array({"length"})).transforms_text());
  std::string text = "ab \x01 ";
  DocumentView document(text);
  std::vector<Measures> measures;
  ASSERT_TRUE(chain.measure(document, measures));
  EXPECT_EQ(measures[0].numbers[0], 5);
  EXPECT_EQ(measures[1].numbers[0], 1);
  EXPECT_EQ(measures[2].numbers[0], 2);
}

TEST(CleanChain, UnknownNamesGetTheNearest) {
  EXPECT_EQ(usage_hint({"lenght"}), "no cleaning step is called 'lenght' | did you mean 'length'?");
  EXPECT_EQ(usage_hint({{{"length", {{"min_char", 5}}}}}), "length has no option 'min_char' | did you mean 'min_chars'?");
  EXPECT_NE(usage_hint({{{"normalize", {{"zzzzzzzzzz", 5}}}}}).find("known: collapse_spaces"), std::string::npos);
}

TEST(CleanChain, BadShapesTypesAndRanges) {
  EXPECT_NE(usage_hint("length").find("must be a list"), std::string::npos);
  EXPECT_NE(usage_hint(json::array({5})).find("is a name"), std::string::npos);
  EXPECT_NE(usage_hint(json::parse(R"([{"length": {}, "pii": {}}])")).find("is a name"), std::string::npos);
  EXPECT_NE(usage_hint(json::parse(R"([{"length": 5}])")).find("by name"), std::string::npos);
  EXPECT_EQ(usage_hint(json::parse(R"([{"length": {"min_chars": "5"}}])")),
            "length.min_chars is \"5\", it must be a whole number | min_chars: shorter documents are dropped");
  EXPECT_NE(usage_hint(json::parse(R"([{"length": {"min_chars": -1}}])")).find("at least 0"), std::string::npos);
  EXPECT_NE(usage_hint(json::parse(R"([{"letters": {"min_fraction": 1.5}}])")).find("from 0 to 1"), std::string::npos);
  EXPECT_NE(usage_hint(json::parse(R"([{"gopher_quality": {"stop_words": [1]}}])")).find("a list of texts"),
            std::string::npos);
}

TEST(CleanChain, TransformsAndFiltersRunWhereTheyStand) {
  const CleanChain chain(json::parse(R"(["normalize", {"length": {"min_chars": 3}}, "letters", "pii"])"));
  std::string text = "abc \r\n\r\n";
  ChainVerdict result = chain.run(text);
  EXPECT_TRUE(result.keep);
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(result.verdicts.size(), 3u);  // length, letters, pii

  text = " 12  ";
  result = chain.run(text);
  EXPECT_FALSE(result.keep);
  EXPECT_EQ(result.step, "length");
  EXPECT_EQ(result.reason, "too_short");
  EXPECT_EQ(result.score, 2);
  ASSERT_EQ(result.verdicts.size(), 3u);  // the others have their word too
  EXPECT_EQ(result.verdicts[1].step, "letters");
  EXPECT_EQ(result.verdicts[1].verdict.reason, "too_few_letters");

  const CleanChain raw(json::parse(R"([{"length": {"min_chars": 3}}, "normalize"])"));
  text = " ab  ";
  EXPECT_TRUE(raw.run(text).keep);  // judged before it was normalised
  EXPECT_EQ(text, "ab");
}

TEST(CleanChain, ResolvedNamesEveryDefaultAndIsTheSameChain) {
  const CleanChain chain(json::parse(R"(["length", {"letters": {"min_fraction": 0.5}}])"));
  EXPECT_EQ(chain.resolved().dump(),
            R"([{"length":{"max_chars":0,"min_chars":1}},{"letters":{"min_fraction":0.5}}])");
  EXPECT_EQ(CleanChain(chain.resolved()).resolved(), chain.resolved());
  EXPECT_EQ(CleanChain(json::array()).resolved().dump(), "[]");
}

}  // namespace
}  // namespace athanor
