// The table, the options and the chain.
#include <gtest/gtest.h>

#include "athanor/base/error.h"
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

TEST(CleanTable, EveryEntryMakesItsStepWithItsDefaults) {
  for (const StepEntry& entry : clean_steps()) {
    const auto step = entry.make(resolve_options(entry, json::object(), ""));
    EXPECT_STREQ(step->name(), entry.name);
    for (const StepOption& option : entry.options) {
      EXPECT_FALSE(std::string(option.meaning).empty()) << entry.name << "." << option.name;
    }
    std::string empty;
    step->transform(empty);
    EXPECT_TRUE(empty.empty());
    step->judge("");  // must not divide by nothing
    step->judge(" \n\n ");
    step->judge("\xff\xfe\xe4");
  }
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
  CleanResult result = chain.run(text);
  EXPECT_TRUE(result.keep);
  EXPECT_EQ(text, "abc");
  ASSERT_EQ(result.scores.size(), 2u);
  EXPECT_EQ(result.scores[0].score, 3);
  EXPECT_EQ(result.scores[1].score, 1);

  text = " ab  ";
  result = chain.run(text);
  EXPECT_FALSE(result.keep);
  EXPECT_EQ(result.step, "length");
  EXPECT_EQ(result.reason, "too_short");
  EXPECT_EQ(result.scores.size(), 1u);  // stopped there

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
