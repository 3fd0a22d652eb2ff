#include "athanor/stage/validate_options.h"

#include <algorithm>
#include <iterator>

#include "athanor/base/error.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

Node scalar(const std::string& text, const Mark& mark) {
  Node node;
  node.kind = Node::Kind::kScalar;
  node.scalar = text;
  node.quoted = true;
  node.mark = mark;
  return node;
}

bool mentions(const Node& step, const std::string& head) {
  const Node* from = step.find("from");
  if (from == nullptr) {
    return false;
  }
  const auto names = [&](const Node& node) { return node.scalar.starts_with(head + "/"); };
  return (from->kind == Node::Kind::kScalar && names(*from)) ||
         std::any_of(from->entries.begin(), from->entries.end(), [&](const auto& entry) { return names(entry.value); });
}

// A recipe of one verb, as a step that reads the fold.
Node step_of_verb(const Node& root) {
  Node step = root;
  const Verb* verb = find_verb(step.find("verb")->scalar);
  if (verb == nullptr) {
    return step;  // the resolver says it
  }
  Node& from = step.at_or_add("from", step.mark);
  if (from.kind == Node::Kind::kScalar) {
    throw Error(ErrorKind::kUsage, "the recipe says where its documents come from, and validate gives it folds of them",
                from.mark.text(), "leave from: out, or write the recipe as steps that read fold/train and fold/test");
  }
  from.kind = Node::Kind::kMap;
  bool trained = false;
  for (const Role& role : verb->roles) {
    if (role.kind != ArtifactKind::kDocuments || from.find(role.name) != nullptr) {
      continue;
    }
    if (role.name == "valid" || role.name == "test") {
      from.at_or_add(role.name, step.mark) = scalar("fold/" + role.name, step.mark);
    } else if (role.required && !trained) {
      from.at_or_add(role.name, step.mark) = scalar("fold/train", step.mark);
      trained = true;
    }
  }
  return step;
}

Node steps_of(const ChildRecipe& recipe) {
  if (!recipe.single()) {
    return recipe.root();
  }
  const std::string name = recipe.root().find("verb")->scalar;
  Node root;
  root.kind = Node::Kind::kMap;
  root.mark = recipe.root().mark;
  Node& steps = root.at_or_add("steps", root.mark);
  steps.kind = Node::Kind::kMap;
  steps.at_or_add(name, root.mark) = step_of_verb(recipe.root());
  return root;
}

struct ReadBy {
  const char* field;
  std::vector<std::string> validate;  // the values of `by` that read it
  std::vector<std::string> fold;
};
const ReadBy kReadBy[] = {{"group", {"grouped"}, {"grouped"}},
                          {"time_field", {"time"}, {"time"}},
                          {"label_field", {"stratified", "repeated", "nested"}, {"stratified"}}};

}  // namespace

void refuse_unread(const std::string& verb, const std::string& by, const std::string& group, const std::string& time_field,
                   const std::string& label_field) {
  const std::string* given[] = {&group, &time_field, &label_field};
  for (size_t i = 0; i < std::size(kReadBy); ++i) {
    const ReadBy& field = kReadBy[i];
    const auto& readers = verb == "fold" ? field.fold : field.validate;
    if (given[i]->empty() || std::find(readers.begin(), readers.end(), by) != readers.end()) {
      continue;
    }
    std::string named;
    for (const std::string& reader : readers) {
      named += (named.empty() ? "by=" : " or by=") + reader;
    }
    throw Error(ErrorKind::kUsage, std::string(field.field) + " does nothing with by: " + by, verb + "." + field.field,
                named + " reads it; else leave it out");
  }
}

nlohmann::json fold_options(const ValidateOptions& options, const FoldRun& run) {
  const bool plain = options.by == "repeated" || options.by == "nested";
  nlohmann::json fold{{"folds", options.folds}, {"fold", run.fold}, {"seed", options.seed},
                      {"by", !plain ? options.by : options.label_field.empty() ? "kfold" : "stratified"},
                      {"repeat", run.repeat}, {"valid", options.valid}, {"share", run.share}};
  if (fold["by"] == "stratified") {
    fold["label_field"] = options.label_field.empty() ? "label" : options.label_field;
  }
  if (!options.group.empty()) {
    fold["group"] = options.group;
  }
  if (!options.time_field.empty()) {
    fold["time_field"] = options.time_field;
  }
  if (run.inner_fold >= 0) {
    fold["inner"] = options.inner;
    fold["inner_fold"] = run.inner_fold;
  }
  return fold;
}

void ValidateOptions::fields(Fields<ValidateOptions>& f) {
  f.add("recipe", &ValidateOptions::recipe,
        "what runs on each fold: a recipe's path, or a recipe; its split step becomes the fold, or its steps read fold/train and fold/test");
  f.add("recipes", &ValidateOptions::recipes, "instead: several by name, compared by a paired test: {a: ..., b: ...}");
  f.add("data_dir", &ValidateOptions::data_dir, "where relative sources of the recipes start from; empty: as they say").speed();
  f.add("metric", &ValidateOptions::metric, "STEP.KEY of a result, as fit.valid_accuracy; a list for several").required();
  f.add("folds", &ValidateOptions::folds, "parts of which each is held out once").range(2, 1000);
  f.add("by", &ValidateOptions::by,
        "kfold; stratified by label_field; grouped by group; time: train on what came before; repeated: with other shuffles; nested: "
        "values chosen by inner folds of the training part")
      .choices({"kfold", "stratified", "grouped", "time", "repeated", "nested"});
  f.add("repeats", &ValidateOptions::repeats, "shuffles; repeated: at least 3").range(1, 1000);
  f.add("inner", &ValidateOptions::inner, "nested: folds of the training part").range(2, 1000);
  f.add("label_field", &ValidateOptions::label_field, "stratified, and for repeated and nested when given: a column or a key of meta");
  f.add("group", &ValidateOptions::group, "grouped: a column, source or a key of meta");
  f.add("time_field", &ValidateOptions::time_field, "time: numbers or ISO 8601 dates that tell the order; empty: as the documents stand");
  f.add("valid", &ValidateOptions::valid, "share of the training part for the valid part; 0: valid is the fold held out").range(0, 0.9);
  f.add("shares", &ValidateOptions::shares, "learning curve: shares of the training part, as [0.1, 0.3, 1]");
  f.add("values", &ValidateOptions::values, "validation curve, or what nested chooses from: one field, as {fit.fasttext.dim: [8, 32]}");
  f.add("direction", &ValidateOptions::direction, "minimize or maximize; empty: as the metric's name says");
  f.add("confidence", &ValidateOptions::confidence, "of the intervals").range(0.5, 0.9999);
  f.add("seed", &ValidateOptions::seed, "of the folds").range(0, 9e15);
  f.add("parallel", &ValidateOptions::parallel, "folds at the same time").range(1, 1024).speed();
  f.add("threads", &ValidateOptions::threads, "of each; 0: the cores shared among parallel ones").range(0, 4096).speed();
}

std::map<std::string, ChildRecipe> validated_recipes(const ValidateOptions& options) {
  std::map<std::string, ChildRecipe> recipes;
  if (options.recipe.is_null() == options.recipes.empty()) {
    throw Error(ErrorKind::kUsage, "validate wants recipe: one, or recipes: several by name");
  }
  if (!options.recipe.is_null()) {
    recipes.emplace("recipe", ChildRecipe::load(options.recipe, options.data_dir));
  }
  for (const auto& [name, recipe] : options.recipes.items()) {
    recipes.emplace(name, ChildRecipe::load(recipe, options.data_dir));
  }
  return recipes;
}

Node folded_recipe(const ValidateOptions& options, const ChildRecipe& recipe, const std::string& documents, const FoldRun& run) {
  Node root = steps_of(recipe);
  Node* steps = nullptr;
  for (auto& entry : root.entries) {
    steps = entry.key == "steps" ? &entry.value : steps;
  }
  if (steps == nullptr || steps->kind != Node::Kind::kMap) {
    throw Error(ErrorKind::kUsage, "the recipe has neither verb: nor steps:", root.mark.text());
  }
  nlohmann::json step = fold_options(options, run);
  step["verb"] = "fold";
  Node fold = Node::from_json(step, root.mark);
  bool placed = false;
  for (auto& entry : steps->entries) {
    const Node* verb = entry.value.find("verb");
    if (!placed && (verb != nullptr ? verb->scalar : entry.key) == "split") {
      const Node* from = entry.value.find("from");
      fold.at_or_add("from", entry.key_mark) = !documents.empty() || from == nullptr ? scalar(documents, entry.key_mark) : *from;
      entry.value = fold;
      placed = true;
    }
  }
  const bool read = std::any_of(steps->entries.begin(), steps->entries.end(),
                                [](const auto& entry) { return mentions(entry.value, "fold"); });
  if (!placed && (documents.empty() || !read)) {
    throw Error(ErrorKind::kUsage, "the recipe has no split step to fold", root.mark.text(),
                documents.empty() ? "give validate its documents with from:" : "let its steps read fold/train and fold/test");
  }
  if (!placed) {
    fold.at_or_add("from", root.mark) = scalar(documents, root.mark);
    steps->entries.insert(steps->entries.begin(), Node::Entry{"fold", root.mark, fold});
  }
  apply_overrides(root, overrides_of(run.values));
  return root;
}

std::vector<nlohmann::json> varied_values(const nlohmann::json& values) {
  if (!values.is_object() || values.size() > 1) {
    throw Error(ErrorKind::kUsage, "values must be one field and its values, as {fit.fasttext.dim: [8, 32]}", "validate.values",
                "for several fields take tune");
  }
  std::vector<nlohmann::json> varied;
  for (const auto& [field, list] : values.items()) {
    if (!list.is_array() || list.empty()) {
      throw Error(ErrorKind::kUsage, "the values of " + field + " must be a list", "validate.values");
    }
    for (const auto& value : list) {
      varied.push_back({{field, value}});
    }
  }
  return varied.empty() ? std::vector<nlohmann::json>{nlohmann::json::object()} : varied;
}

}  // namespace athanor
