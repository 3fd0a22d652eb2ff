// Stored trees: level by level, read where they lie, damaged, and as they were stored before.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>

#include "athanor/base/rng.h"
#include "athanor/classic/models/saved_bytes.h"
#include "athanor/classic/trees/shap.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

class StoredTrees : public testing::Test {
 protected:
  StoredTrees() : dir_(fs::temp_directory_path() / ("athanor-stored-trees-" + std::to_string(::getpid()))) {
    fs::create_directories(dir_);
  }
  ~StoredTrees() override { fs::remove_all(dir_); }

  TreeSet reopened(const SavedWriter& out) const {
    out.write(dir_);
    TreeSet trees;
    trees.load(SavedReader::open(dir_));  // the reader ends here: views must keep the file
    return trees;
  }

  fs::path dir_;
};

// Root, its right child split before its left one: not level by level in memory.
TreeSet lopsided() {
  TreeSet trees;
  trees.columns = 2;
  for (int t = 0; t < 2; ++t) {
    const int32_t root = trees.begin_tree();
    const int32_t left = trees.split(root, {0, 0.5, false, 4});
    const int32_t far = trees.split(left + 1, {1, 1.5 + t, true, 2});
    const int32_t near = trees.split(left, {1, -1, false, 1});
    double value = t;
    for (const int32_t leaf : {far, far + 1, near, near + 1}) {
      value += 1;
      trees.make_leaf(leaf, {&value, 1});
    }
  }
  for (size_t i = 0; i < trees.nodes.size(); ++i) {
    trees.cover.own()[i] = static_cast<float>(i + 1);
  }
  return trees;
}

TEST_F(StoredTrees, LieLevelByLevelAndSayTheSame) {
  const TreeSet trees = lopsided();
  SavedWriter out;
  trees.save(out);
  const TreeSet again = reopened(out);
  ASSERT_EQ(again.nodes.size(), trees.nodes.size());
  for (uint64_t t = 0; t < 2; ++t) {
    for (const double a : {-3.0, 0.5, 2.0, std::nan("")}) {
      for (const double b : {-2.0, 0.0, 2.0, 9.0, std::nan("")}) {
        const double row[] = {a, b};
        EXPECT_EQ(*again.value_of(again.leaf_for(t, row)), *trees.value_of(trees.leaf_for(t, row))) << t << " " << a << " " << b;
      }
    }
    int32_t next = again.roots[t] + 1;
    for (int32_t i = again.roots[t]; i < again.end_of(t); ++i) {
      const TreeNode& node = again.nodes[static_cast<size_t>(i)];
      EXPECT_EQ(node.is_leaf() ? next : node.child, next);
      next += node.is_leaf() ? 0 : 2;
    }
  }
  EXPECT_EQ(again.gain_importances(), trees.gain_importances());
  EXPECT_EQ(again.depth_of(1), trees.depth_of(1));
  SavedWriter twice;
  again.save(twice);
  const std::string first = stored_bytes(dir_);
  twice.write(dir_);
  EXPECT_EQ(stored_bytes(dir_), first);
}

TEST_F(StoredTrees, OfBeforeAreRead) {
  const TreeSet trees = lopsided();
  std::vector<double> thresholds;
  std::vector<int32_t> features, children;
  for (const TreeNode& node : trees.nodes) {
    thresholds.push_back(node.threshold);
    features.push_back(node.feature);
    children.push_back(node.child);
  }
  SavedWriter out;
  out.json() = {{"columns", trees.columns}, {"width", trees.width}, {"groups", trees.groups}};
  out.put("roots", std::span<const int32_t>(trees.roots));
  out.put("threshold", std::span<const double>(thresholds));
  out.put("feature", std::span<const int32_t>(features));
  out.put("child", std::span<const int32_t>(children));
  out.put("gain", trees.gain.all());
  out.put("cover", trees.cover.all());
  out.put("leaf", trees.leaf_values.all());
  const TreeSet again = reopened(out);
  for (size_t i = 0; i < trees.nodes.size(); ++i) {
    EXPECT_EQ(again.nodes[i].threshold, trees.nodes[i].threshold);
    EXPECT_EQ(again.nodes[i].feature, trees.nodes[i].feature);
    EXPECT_EQ(again.nodes[i].child, trees.nodes[i].child);
  }
}

// Each way in which a node can lie is told by name; none is walked.
TEST_F(StoredTrees, BrokenNodesAreRefused) {
  const TreeSet trees = lopsided();
  SavedWriter whole;
  trees.save(whole);
  const TreeSet stored = reopened(whole);
  const double nan = std::nan("");
  struct Case {
    size_t at;
    TreeNode node;
    const char* says;
  };
  for (const Case& one : std::initializer_list<Case>{
           {0, {0.5, 0, 0}, "out of range"},
           {0, {0.5, 0, 3}, "no parent"},
           {1, {-1, 1, 1}, "out of range"},
           {1, {-1, 1, 5}, "two parents"},
           {2, {1.5, 1, 7}, "out of range"},
           {2, {1.5, 1, 6}, "out of range"},
           {0, {0.5, 2, 1}, "no column"},
           {0, {nan, 0, 1}, "no threshold"},
           {0, {0, TreeNode::kCategory, 1}, "set of categories"},
           {3, {0, 0, ~8}, "no value"},
           {3, {0, 0, INT32_MIN}, "no value"},
           {0, {0.5, 0, ~0}, "no parent"},
           {9, {0.5, 0, 3}, "out of range"},
       }) {
    TreeSet broken = stored;
    broken.nodes.own()[one.at] = one.node;
    std::vector<int64_t> words(broken.nodes.size() * 2);
    std::memcpy(words.data(), broken.nodes.data(), words.size() * sizeof(int64_t));
    SavedWriter out;
    out.json() = {{"columns", 2}, {"width", 1}, {"groups", 1}};
    out.put("roots", std::span<const int32_t>(broken.roots));
    out.put("nodes", std::span<const int64_t>(words));
    out.put("gain", broken.gain.all());
    out.put("cover", broken.cover.all());
    out.put("leaf", broken.leaf_values.all());
    const std::string said = tree_testing::message_of([&] { reopened(out); });
    EXPECT_NE(said.find(one.says), std::string::npos) << one.at << ": " << said;
  }
}

TEST_F(StoredTrees, CoversAreLookedAtWhereTheyAreRead) {
  const auto made = tree_testing::smooth_rows(60, 3, 1);
  ThreadPool pool(1);
  FitContext context{pool};
  auto model = make_model("forest", {{"trees", 2}}, Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  SavedWriter out;
  save_model(*model, "forest", {{"trees", 2}}, Task::kRegression, out);
  out.write(dir_);
  std::string bytes = read_file(dir_ / "arrays.safetensors");
  const TreeSet& trees = static_cast<const TreeModel&>(*model).trees();
  const size_t covers = bytes.find(std::string(reinterpret_cast<const char*>(trees.cover.data()), 2 * sizeof(float)));
  ASSERT_NE(covers, std::string::npos);
  const float odd = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + covers, &odd, sizeof odd);
  fs::remove(dir_ / "arrays.safetensors");
  write_file_atomic(dir_ / "arrays.safetensors", bytes);
  const auto again = load_model(SavedReader::open(dir_));
  EXPECT_EQ(again->predict(made.x, pool).values, model->predict(made.x, pool).values);
  const auto& as_trees = static_cast<const TreeModel&>(*again);
  for (const std::function<void()>& act : std::initializer_list<std::function<void()>>{
           [&] { tree_contributions(as_trees, made.x, pool); }, [&] { again->importances(nullptr); }}) {
    EXPECT_NE(tree_testing::message_of(act).find("cover"), std::string::npos);
  }
}

TEST_F(StoredTrees, DamageIsAnErrorOrFiniteNumbers) {
  const auto classes = tree_testing::class_rows(60, 4, 3, 5);
  const auto values = tree_testing::smooth_rows(60, 4, 6);
  ThreadPool pool(1);
  FitContext context{pool};
  Rng rng(11);
  const nlohmann::json few = {{"trees", 4}};
  struct Kind {
    const char* name;
    nlohmann::json options;
    Task task;
  };
  for (const Kind& kind : std::initializer_list<Kind>{{"forest", few, Task::kClasses},
                                                      {"extra_trees", few, Task::kRegression},
                                                      {"tree", nlohmann::json::object(), Task::kClasses},
                                                      {"boosting", {{"rounds", 5}}, Task::kClasses},
                                                      {"isolation_forest", few, Task::kAnomaly}}) {
    const auto& made = kind.task == Task::kRegression ? values : classes;
    auto model = make_model(kind.name, kind.options, kind.task, "m");
    Target target = made.target;
    target.task = kind.task;
    model->fit(made.x, kind.task == Task::kAnomaly ? Target{} : target, context);
    SavedWriter out;
    save_model(*model, kind.name, kind.options, kind.task, out);
    out.write(dir_);
    const std::string whole = stored_bytes(dir_);
    ASSERT_TRUE(survives_opening(whole, dir_)) << kind.name;
    ASSERT_NO_THROW(load_model(SavedReader::open(dir_))) << kind.name;
    for (int i = 0; i < 300; ++i) {
      std::string bytes = whole;
      const size_t at = rng.below(bytes.size());
      if (i % 8 == 0) {
        bytes.resize(at);
      } else {
        const uint64_t old = static_cast<unsigned char>(bytes[at]);
        bytes[at] = static_cast<char>(i % 8 == 1 ? rng.below(256) : old ^ (uint64_t{1} << rng.below(8)));
      }
      ASSERT_TRUE(survives_opening(bytes, dir_)) << kind.name << ", byte " << at;
    }
  }
}

// Gains are squares of the target and kept as floats: amounts of 1e20 and more went past their range.
TEST(StoredGains, LargeNumbersAreLearntAsSmallOnes) {
  const tree_testing::Made small = tree_testing::smooth_rows(400, 4, 26);
  tree_testing::Made large = small;
  for (double& value : large.target.values) {
    value *= 0x1p200;
  }
  ThreadPool pool(2);
  FitContext context{pool};
  const std::vector<std::pair<const char*, nlohmann::json>> kinds = {
      {"tree", {{"prune", 0.01}}},  {"tree", {{"criterion", "absolute"}, {"max_depth", 4}}}, {"forest", {{"trees", 5}}},
      {"extra_trees", {{"trees", 5}}}, {"boosting", {{"rounds", 10}}}};
  for (const auto& [kind, options] : kinds) {
    nlohmann::json larger = options;
    if (options.contains("prune")) {
      larger["prune"] = 0.01 * 0x1p400;  // in the units of the squared error
    }
    const auto model = make_model(kind, options, Task::kRegression, "test");
    model->fit(small.x, small.target, context);
    const auto far = make_model(kind, larger, Task::kRegression, "test");
    far->fit(large.x, large.target, context);
    const auto wanted = model->importances(nullptr), found = far->importances(nullptr);
    for (size_t c = 0; c < wanted.size(); ++c) {
      EXPECT_NEAR(found[c], wanted[c], 1e-6) << kind;
    }
    const Matrix near = model->predict(small.x, pool);
    const Matrix predicted = tree_testing::reloaded(*far, kind, larger, Task::kRegression)->predict(small.x, pool);
    for (uint64_t r = 0; r < near.rows; ++r) {
      ASSERT_NEAR(predicted.at(r, 0) / 0x1p200, near.at(r, 0), 1e-9) << kind;
    }
  }
}

}  // namespace
}  // namespace athanor
