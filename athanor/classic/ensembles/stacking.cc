// Stacking (Wolpert 1992): a final model learns from what the others predict for rows they have not
// seen (out of fold).
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/ensembles/member_list.h"
#include "athanor/feature/folds.h"
#include "athanor/run/fields.h"

namespace athanor {

namespace {

constexpr uint64_t kFoldSalt = 0x666f6c64;

struct StackingOptions {
  nlohmann::json of = nlohmann::json::array();
  nlohmann::json final_model = "auto";
  int64_t folds = 5;
  bool passthrough = false;

  static void fields(Fields<StackingOptions>& f) {
    f.add("of", &StackingOptions::of, "the models: [{kind: forest}, {kind: boosting}]").required();
    f.add("final", &StackingOptions::final_model,
          "the model over their predictions; auto: logistic, or ridge of values");
    f.add("folds", &StackingOptions::folds,
          "parts of the rows; each part is predicted by models of the others")
        .range(2, 100);
    f.add("passthrough", &StackingOptions::passthrough, "the final model sees the features, too");
  }
};

nlohmann::json final_of(const nlohmann::json& given, Task task) {
  if (given != "auto") {
    return given;
  }
  const char* wanted = task == Task::kRegression ? "ridge" : "logistic";
  for (const auto& kind : model_kinds()) {
    if (kind.name == std::string(wanted) &&
        std::count(kind.tasks.begin(), kind.tasks.end(), task) > 0) {
      return {{"kind", wanted}};
    }
  }
  return {{"kind", "boosting"}, {"max_leaves", 4}};
}

class Stacking : public ClassicModel {
 public:
  Stacking(const StackingOptions& options, Task task)
      : options_(options),
        task_(task),
        members_(members_of(options.of, task, "of")),
        final_(final_of(options.final_model, task), task, "final") {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    const auto folds = static_cast<int32_t>(options_.folds);
    if (x.rows < static_cast<uint64_t>(folds)) {
      throw Error(ErrorKind::kInput,
                  std::to_string(x.rows) + " rows cannot be parted into " + std::to_string(folds) +
                      " folds",
                  "folds");
    }
    const auto fold_of = fold_rows(target, folds, random_at(context.seed, kFoldSalt));
    const uint64_t parts = members_.size() * (static_cast<uint64_t>(folds) + 1) + 1;
    uint64_t part = 0;
    Matrix learnt;
    for (int32_t fold = 0; fold < folds; ++fold) {
      const auto [inside, outside] = parts_of(fold_of, fold);
      const Matrix train_x = take_rows(x, inside);
      const Target train_target = take_rows(target, inside);
      const Matrix held_x = take_rows(x, outside);
      uint64_t at = 0;
      for (size_t i = 0; i < members_.size(); ++i) {
        FitContext own = context_of_part(context, part++, parts);
        Member member(options_.of[i], task_, "of");
        member.fit(train_x, train_target, own);
        at = place(member, member.predict(held_x, context.pool), outside, at, x.rows, learnt);
      }
    }
    for (Member& member : members_) {
      FitContext own = context_of_part(context, part++, parts);
      member.fit(x, target, own);
    }
    name_columns(learnt);
    FitContext own = context_of_part(context, part, parts);
    final_.fit(options_.passthrough ? side_by_side({learnt, x}) : learnt, target, own);
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    Matrix learnt;
    std::vector<uint64_t> rows(x.rows);
    for (uint64_t r = 0; r < x.rows; ++r) {
      rows[r] = r;
    }
    uint64_t at = 0;
    for (const Member& member : members_) {
      at = place(member, member.predict(x, pool), rows, at, x.rows, learnt);
    }
    name_columns(learnt);
    return final_.predict(options_.passthrough ? side_by_side({learnt, x}) : learnt, pool);
  }

  bool gives_probabilities() const override { return final_.gives_probabilities(); }
  nlohmann::json description(const std::vector<std::string>& names) const override {
    nlohmann::json final_model = final_.model().description({});
    final_model["kind"] = final_.kind();
    return {{"models", descriptions_of(members_, names)}, {"final", final_model}};
  }
  void save(SavedWriter& out) const override {
    save_members(members_, out);
    final_.save(out.part("final"));
  }
  void load(const SavedReader& in) override {
    load_members(members_, in);
    final_.load(in.part("final"));
  }

 private:
  // Writes what the member says of `rows` into columns from `at` on; gives the column behind them.
  // Probabilities sum to 1, so one column of two classes says all.
  uint64_t place(const Member& member, const Matrix& predicted, const std::vector<uint64_t>& rows,
                 uint64_t at, uint64_t all_rows, Matrix& learnt) const {
    const uint64_t skip =
        task_ == Task::kClasses && predicted.columns == 2 && member.gives_probabilities() ? 1 : 0;
    const uint64_t width = predicted.columns - skip;
    if (learnt.columns < at + width) {
      Matrix wider = Matrix::dense(all_rows, at + width);
      for (uint64_t r = 0; r < learnt.rows; ++r) {
        std::copy_n(learnt.row(r), learnt.columns, wider.row(r));
      }
      learnt = std::move(wider);
    }
    for (uint64_t i = 0; i < rows.size(); ++i) {
      std::copy_n(predicted.row(i) + skip, width, learnt.row(rows[i]) + at);
    }
    return at + width;
  }

  static void name_columns(Matrix& learnt) {
    for (uint64_t c = 0; c < learnt.columns; ++c) {
      learnt.names.push_back("prediction " + std::to_string(c));
    }
  }

  StackingOptions options_;
  Task task_;
  std::vector<Member> members_;
  Member final_;
};

}  // namespace

ModelKind stacking_kind() {
  return {"stacking",
          "a final model learns from what other models predict out of fold",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          false,
          true,
          schema_of<StackingOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<Stacking>(load_options<StackingOptions>(options), task);
          }};
}

}  // namespace athanor
