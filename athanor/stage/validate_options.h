// Options of `validate`, and its child runs: what varies, and the recipe of each.
#pragma once

#include "athanor/data/documents/documents.h"
#include "athanor/run/fields.h"
#include "athanor/run/verb.h"
#include "athanor/stage/child_runs.h"
#include "athanor/stage/tune_options.h"

namespace athanor {

struct ValidateOptions {
  nlohmann::json recipe;
  std::string data_dir;
  nlohmann::json recipes = nlohmann::json::object();
  nlohmann::json metric;
  int64_t folds = 5;
  std::string by = "kfold";
  int64_t repeats = 1;
  int64_t inner = 3;
  std::string label_field;
  std::string group;
  std::string time_field;
  double valid = 0;
  std::vector<double> shares;
  nlohmann::json values = nlohmann::json::object();
  nlohmann::json direction;
  double confidence = 0.95;
  int64_t seed = 1;
  int64_t parallel = 1;
  int64_t threads = 0;
  static void fields(Fields<ValidateOptions>& f);
};

// The recipe with this name varied in one field and one share, on one fold.
struct FoldRun {
  std::string variant;          // name of the recipe
  nlohmann::json values;        // {field: value}; empty: as written
  double share = 1;             // of the training part
  int64_t repeat = 0;
  int64_t fold = 0;
  int64_t inner_fold = -1;      // -1: the outer fold itself
};

// The recipes to compare, by name; one alone is called "recipe".
std::map<std::string, ChildRecipe> validated_recipes(const ValidateOptions& options);

// The recipe with a `fold` step: in place of its split step, or in front, where validate has documents of its own
// (documents: what its from: says). A recipe of one verb reads fold/train, and fold/valid or fold/test where it has roles for
// them. Error(kUsage) when there is nothing to fold.
Node folded_recipe(const ValidateOptions& options, const ChildRecipe& recipe, const std::string& documents, const FoldRun& run);

// Error(kUsage) for a field that is given and that this `by` of the verb (validate, fold) does not read: who writes
// by: repeated with a group believes that groups stay together.
void refuse_unread(const std::string& verb, const std::string& by, const std::string& group, const std::string& time_field,
                   const std::string& label_field);

// What its `fold` step says, without the verb.
nlohmann::json fold_options(const ValidateOptions& options, const FoldRun& run);

// Error(kInput) when the documents have fewer rows, or groups, than folds are wanted, or times that tell no order, or where
// repeats would be the same folds. fold: fold_options() of the last repeat.
void check_folds(const Documents& documents, const nlohmann::json& fold);

// The values that a field takes, each as {field: value}; one empty map when nothing varies. Error(kUsage) for two fields.
std::vector<nlohmann::json> varied_values(const nlohmann::json& values);

}  // namespace athanor
