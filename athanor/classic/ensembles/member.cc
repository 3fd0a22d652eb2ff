#include "athanor/classic/ensembles/member.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kPartSalt = 0x70617274;
constexpr int kMostNested = 16;  // maps and lists

// Ensembles within ensembles recurse; a file must not say how deep.
bool nested_too_deep(const nlohmann::json& given, int left) {
  if (left == 0) {
    return true;
  }
  if (!given.is_structured()) {
    return false;
  }
  return std::any_of(given.begin(), given.end(),
                     [&](const nlohmann::json& inner) { return nested_too_deep(inner, left - 1); });
}

}  // namespace

Member::Member(const nlohmann::json& given, Task task, const std::string& where)
    : options_(given), task_(task) {
  if (given.is_string()) {
    options_ = {{"kind", given}};
  }
  if (!options_.is_object() || !options_.contains("kind") || !options_["kind"].is_string()) {
    throw Error(ErrorKind::kUsage, "a model is a map with its kind", where,
                "for example {kind: tree, max_depth: 3}");
  }
  if (nested_too_deep(options_, kMostNested)) {
    throw Error(ErrorKind::kUsage,
                "models are nested more than " + std::to_string(kMostNested) + " deep", where);
  }
  kind_ = options_["kind"].get<std::string>();
  options_.erase("kind");
  reads_sparse_ = model_kind(kind_, where + ".kind").reads_sparse;
  model_ = make_model(kind_, options_, task, where);
}

void Member::fit(const Matrix& x, const Target& target, FitContext& context) {
  if (x.is_sparse && !reads_sparse_) {
    model_->fit(to_dense(x), target, context);
    return;
  }
  model_->fit(x, target, context);
}

Matrix Member::predict(const Matrix& x, ThreadPool& pool) const {
  return x.is_sparse && !reads_sparse_ ? model_->predict(to_dense(x), pool)
                                       : model_->predict(x, pool);
}

Matrix Member::shares(const Matrix& x, ThreadPool& pool) const {
  Matrix out = predict(x, pool);
  return task_ == Task::kRegression || gives_probabilities() ? out : votes_of(out, task_, false);
}

void Member::save(SavedWriter out) const {
  save_model(*model_, kind_, options_, task_, std::move(out));
}

void Member::load(const SavedReader& in) {
  if (in.get<std::string>("kind") != kind_ || in.get<std::string>("task") != name_of(task_)) {
    in.fail("the stored model is not the one that the ensemble names");
  }
  model_->load(in);
}

bool all_members_split(const nlohmann::json& options) {
  bool any = false;
  const auto splits = [&](const nlohmann::json& given) {
    const std::string name = given.is_string()   ? given.get<std::string>()
                             : given.is_object() ? given.value("kind", "")
                                                 : "";
    any = any || !name.empty();
    for (const auto& kind : model_kinds()) {
      if (kind.name == name) {
        return kind.splits || (given.is_object() && all_members_split(given));
      }
    }
    return false;
  };
  if (!options.is_object() || !options.contains("of")) {
    return false;
  }
  const auto& of = options["of"];
  const bool all = of.is_array() ? std::all_of(of.begin(), of.end(), splits) : splits(of);
  return any && all;
}

Matrix votes_of(const Matrix& predicted, Task task, bool probabilities) {
  Matrix out = Matrix::dense(predicted.rows, predicted.columns);
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    const double* row = predicted.row(r);
    if (task == Task::kClasses) {
      out.at(r, static_cast<uint64_t>(std::max_element(row, row + predicted.columns) - row)) = 1;
      continue;
    }
    for (uint64_t k = 0; k < predicted.columns; ++k) {
      out.at(r, k) = row[k] > (probabilities ? 0.5 : 0) ? 1 : 0;
    }
  }
  return out;
}

FitContext context_of_part(FitContext& whole, uint64_t part, uint64_t count) {
  return whole.part(random_at(whole.seed, kPartSalt, part), [&whole, part, count](double done) {
    whole.progress((static_cast<double>(part) + done) / static_cast<double>(count));
  });
}

}  // namespace athanor
