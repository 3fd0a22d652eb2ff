// Stored pipelines that somebody damaged: each is refused, or gives features; none reads beyond its arrays.
#include "athanor/base/rng.h"
#include "athanor/data/tables/cells.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/pipeline.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

constexpr const char* kFeatures = R"([
  {"columns": ["age", "size"], "encode": "numbers", "then": [{"impute": {"by": "knn"}}, {"clip": {}}, {"bins": {"onehot": true}}]},
  {"columns": ["age", "size"], "encode": "numbers", "then": [{"impute": {"by": "model", "indicators": true}}, {"polynomial": {}}, {"scale": {"by": "quantile"}}]},
  {"columns": ["city", "land"], "encode": {"onehot": {"max_levels": 3}}},
  {"columns": ["city", "land"], "encode": "ordinal", "then": [{"impute": {}}]},
  {"columns": ["city", "land"], "encode": "frequency"},
  {"columns": ["city", "land"], "encode": "target"},
  {"columns": ["when", "born"], "encode": "dates", "then": [{"impute": {}}, {"scale": {"by": "power"}}]},
  {"columns": ["note"], "encode": {"tfidf": {"ngrams": 2}}},
  {"columns": ["note"], "encode": {"hashing": {"features": 64}}},
  {"columns": ["steps"], "encode": {"windows": {"windows": 2}}, "then": [{"impute": {}}]},
  {"columns": ["counts"], "encode": "sparse"}])";
constexpr const char* kReduce =
    R"([{"select": {"by": "variance", "keep": 20}}, {"pca": {"components": 3}}, {"log1p": {}}])";

Table every_kind(uint64_t rows) {
  Rng rng(3);
  std::vector<double> age, size, when, born;
  std::vector<std::string> city, land, note, steps;
  TableColumn counts;
  counts.name = "counts";
  counts.kind = ColumnKind::kSparse;
  counts.width = 7;
  for (uint64_t i = 0; i < rows; ++i) {
    age.push_back(rng.uniform() < 0.1 ? std::nan("") : 50 * rng.uniform());
    size.push_back(rng.normal());
    when.push_back(86400.0 * static_cast<double>(rng.below(20000)));
    born.push_back(3600.0 * static_cast<double>(rng.below(20000)));
    city.push_back(rng.uniform() < 0.1 ? "" : "city" + std::to_string(rng.below(5)));
    land.push_back(std::string("land") + "abc"[rng.below(3)]);
    note.push_back(rng.below(2) == 0 ? "red sky over the sea" : "green sand under the sea");
    steps.push_back("1,2\n" + std::to_string(rng.below(9)) + ",4\n5,6\n7,8");
    counts.sparse.indices.push_back(static_cast<uint32_t>(rng.below(7)));
    counts.sparse.values.push_back(rng.normal());
    counts.sparse.offsets.push_back(i + 1);
  }
  Table table;
  table.rows = rows;
  table.columns = {number_column("age", age),     number_column("size", size),
                   number_column("when", when, ColumnKind::kDate),
                   number_column("born", born, ColumnKind::kDate),
                   category_column("city", city), category_column("land", land),
                   text_column("note", note),     text_column("steps", steps), counts};
  return table;
}

class SavedPipeline : public testing::Test {
 protected:
  SavedPipeline() : table_(every_kind(60)), dir_(scratch("saved_pipeline")) {
    FeaturePipeline pipeline({.features = nlohmann::json::parse(kFeatures), .reduce = nlohmann::json::parse(kReduce)}, "fit");
    FitContext context{pool_};
    Target target;
    target.labels = {"a", "b", "c"};
    for (uint64_t row = 0; row < table_.rows; ++row) {
      target.classes.push_back(static_cast<int32_t>(row % 3));
    }
    pipeline.fit(table_, &target, context);
    SavedWriter out;
    pipeline.save(out.part("features"));
    out.write(dir_);
    text_ = read_file(dir_ / "saved.json");
    arrays_ = read_file(dir_ / "arrays.safetensors");
  }

  // "" where the files give features, else the error's message, which must not be about a bug of ours.
  std::string outcome(const std::string& text, const std::string& arrays) {
    fs::remove(dir_ / "saved.json");
    fs::remove(dir_ / "arrays.safetensors");
    put_file(dir_ / "saved.json", text);
    put_file(dir_ / "arrays.safetensors", arrays);
    try {
      const FeaturePipeline pipeline = FeaturePipeline::load(SavedReader::open(dir_).part("features"));
      pipeline.count_unseen(table_);
      pipeline.apply(table_, pool_);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.message();
      return error.message();
    }
    return "";
  }
  std::string outcome_of(const std::function<void(nlohmann::json& features)>& change) {
    auto json = nlohmann::json::parse(text_);
    change(json["features"]);
    return outcome(json.dump(), arrays_);
  }

  ThreadPool pool_{1};
  Table table_;
  fs::path dir_;
  std::string text_, arrays_;
};

TEST_F(SavedPipeline, ColumnsThatAnEncoderDoesNotReadAreRefused) {
  ASSERT_EQ(outcome(text_, arrays_), "");
  const auto columns = [&](int group, nlohmann::json names) {
    return outcome_of([&](nlohmann::json& features) { features["group." + std::to_string(group)]["columns"] = std::move(names); });
  };
  EXPECT_NE(columns(0, {"age", "note"}).find("does not read these columns"), std::string::npos);
  EXPECT_NE(columns(7, nlohmann::json::array()).find("does not read"), std::string::npos);
  EXPECT_NE(columns(7, {"note", "steps"}).find("does not read"), std::string::npos);
  EXPECT_NE(columns(9, {"unknown"}).find("does not read"), std::string::npos);
  EXPECT_NE(columns(2, {"city"}).find("fitted on 2 columns and is given 1"), std::string::npos);
  EXPECT_NE(columns(6, {"when", "born", "when"}).find("fitted on"), std::string::npos);
  EXPECT_NE(columns(6, {"when"}).find("fitted on"), std::string::npos);
  EXPECT_NE(columns(10, {"counts", "counts"}).find("sparse was fitted on 1"), std::string::npos);
}

TEST_F(SavedPipeline, OptionsAreHeldToTheirRanges) {
  const auto option = [&](int group, const char* name, nlohmann::json value) {
    return outcome_of([&](nlohmann::json& features) {
      features["group." + std::to_string(group)]["encode"]["options"][name] = std::move(value);
    });
  };
  EXPECT_NE(option(8, "features", 0).find("between 1 and"), std::string::npos);
  EXPECT_NE(option(9, "windows", 1'000'000'000'000).find("between 1 and 1000"), std::string::npos);
  EXPECT_NE(option(8, "norm", "l3").find("hashing"), std::string::npos);
  EXPECT_NE(outcome_of([](auto& features) { features["group.0"]["encode"]["kind"] = "nombers"; }).find("no step"),
            std::string::npos);
  EXPECT_NE(outcome_of([](auto& features) { features["group.1"]["then.1"]["state"]["columns"] = 1e15; }), "");
  EXPECT_NE(outcome_of([](auto& features) { features["group.1"]["then.1"]["state"]["columns"] = 1'000'000'000'000; }), "");
  EXPECT_NE(outcome_of([](auto& features) { features["group.4"]["encode"]["state"]["column.0"]["missing"] = INT64_MAX; })
                .find("a count is out of range"),
            std::string::npos);
}

// Bytes of both files, changed anywhere.
TEST_F(SavedPipeline, AnyDamageIsAnErrorOrHarmless) {
  Rng rng(8);
  int refused = 0;
  for (int i = 0; i < 600; ++i) {
    std::string text = text_, arrays = arrays_;
    std::string& bad = i % 2 == 0 ? text : arrays;
    for (uint64_t edits = 1 + rng.below(3); edits > 0; --edits) {
      const size_t at = rng.below(bad.size());
      bad[at] = i % 2 == 0 ? "0\"{[a:,-9"[rng.below(9)] : static_cast<char>(rng.below(256));
    }
    if (i % 50 == 49) {
      bad.resize(rng.below(bad.size()));
    }
    refused += outcome(text, arrays).empty() ? 0 : 1;
  }
  EXPECT_GT(refused, 200);
}

}  // namespace
}  // namespace athanor
