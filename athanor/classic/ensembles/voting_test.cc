// What is wrong with a list of models is said as it is, whatever the task that was tried.
#include <gtest/gtest.h>

#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

TEST(Voting, ErrorsNameWhatIsWrong) {
  for (const Task task : {Task::kClasses, Task::kMultiLabel, Task::kRegression}) {
    const auto said = [&](const char* kind, const nlohmann::json& options) {
      return tree_testing::message_of([&] { make_model(kind, options, task, "fit.model"); });
    };
    const nlohmann::json two{"logistic", "tree"};
    const std::string weights = said("voting", {{"of", two}, {"weights", {1}}});
    EXPECT_NE(weights.find("2 models and 1 weights"), std::string::npos) << weights;
    EXPECT_NE(weights.find("fit.model.weights"), std::string::npos) << weights;
    for (const char* kind : {"voting", "stacking"}) {
      const std::string other = said(kind, {{"of", {"logistic", "kmeans"}}});
      EXPECT_NE(other.find("'kmeans' does no classification"), std::string::npos) << other;
      EXPECT_NE(other.find("fit.model.of[1]"), std::string::npos) << other;
    }
  }
}

}  // namespace
}  // namespace athanor
