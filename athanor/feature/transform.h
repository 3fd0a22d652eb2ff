// The two kinds of step of a feature pipeline. An Encoder turns columns of a table into numbers
// (one-hot, TF-IDF, colour histograms); a Transform changes numbers (impute, scale, select, PCA).
// Both learn from the training part only, and what they learnt is stored with the model.
//
// A new one: a file with one class, a line in the table of encoder_table.cc or transform_table.cc
// (name, what it does, its options, how it is made), a test, a fixture against scikit-learn where
// that has the same.
//
//   auto encoder = make_encoder("onehot", {{"min_frequency", 5}}, "fit.features[0].encode");
//   Matrix x = encoder->fit(columns, target, context);     // the training rows' features
//   Matrix z = encoder->apply(other_columns, pool);        // of rows it has not seen
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/data/tables/table.h"
#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"
#include "athanor/feature/target.h"
#include "athanor/run/fields.h"

namespace athanor {

struct FitContext;

// Importances of features as a model sees them, one a column of x: for selection by a model and
// recursive elimination. `model` is what the recipe says ({forest: {trees: 100}}). Models stand
// below this room, so the caller brings it.
using ImportanceFn = std::function<std::vector<double>(
    const Matrix& x, const Target& target, const nlohmann::json& model, FitContext& context)>;

// What learning is given. The result is the same for any number of threads.
struct FitContext {
  ThreadPool& pool;
  uint64_t seed = 0;
  // Where a person hears of what was odd: "column 'id' has one value and was left out". Called from
  // the calling thread.
  std::function<void(const std::string& warning)> warn = [](const std::string&) {};
  // 0..1 of this part; may throw to stop (Ctrl-C).
  std::function<void(double done)> progress = [](double) {};
  ImportanceFn importances = nullptr;  // null: steps that ask a model refuse with Error(kUsage)
  // Features whose numbers are codes of the table's categories: boosting splits these by sets, wherever it stands inside
  // other models, unless it was told which.
  std::vector<std::string> categories = {};

  // The same for a part of the work, with a seed and progress of its own.
  FitContext part(uint64_t its_seed, std::function<void(double done)> its_progress) const {
    FitContext out = *this;
    out.seed = its_seed;
    out.progress = std::move(its_progress);
    return out;
  }
};

class Encoder {
 public:
  virtual ~Encoder() = default;

  // Learns from the columns' training rows and gives their features: not always apply() of the same
  // rows (target encoding gives each row what the others taught). target is null where there is
  // none; who needs one throws Error(kUsage).
  virtual Matrix fit(std::span<const TableColumn* const> columns, const Target* target,
                     FitContext& context) = 0;
  // The columns in the same order. Values never seen are as the class says (a group "other",
  // zeros), never an error.
  virtual Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const = 0;
  // Cells that training did not have (categories), added to counts by column; their sum.
  virtual uint64_t count_unseen(std::span<const TableColumn* const>,
                                std::map<std::string, uint64_t>&) const {
    return 0;
  }

  virtual void save(SavedWriter& out) const = 0;
  virtual void load(const SavedReader& in) = 0;  // into one freshly made with the stored options
};

class Transform {
 public:
  virtual ~Transform() = default;

  virtual Matrix fit(Matrix x, const Target* target, FitContext& context) = 0;
  virtual Matrix apply(Matrix x, ThreadPool& pool) const = 0;

  virtual void save(SavedWriter& out) const = 0;
  virtual void load(const SavedReader& in) = 0;
};

// One line of the tables: what `athanor explain` and the docs show.
struct EncoderKind {
  const char* name;
  const char* doc;
  std::vector<ColumnKind> takes;
  OptionSchema schema;
  std::unique_ptr<Encoder> (*make)(
      const nlohmann::json& options);  // checked options, every default written out
};
struct TransformKind {
  const char* name;
  const char* doc;
  OptionSchema schema;
  std::unique_ptr<Transform> (*make)(const nlohmann::json& options);
};
const std::vector<EncoderKind>& encoder_kinds();
const std::vector<TransformKind>& transform_kinds();

// options: as a recipe gives them. Error(kUsage) at `where` for an unknown kind or field.
std::unique_ptr<Encoder> make_encoder(const std::string& kind, const nlohmann::json& options,
                                      const std::string& where);
std::unique_ptr<Transform> make_transform(const std::string& kind, const nlohmann::json& options,
                                          const std::string& where);

}  // namespace athanor
