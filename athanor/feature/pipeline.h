// From a table to the matrix that a model reads: groups of columns, each through an encoder and
// transforms, put side by side, then transforms over all. As a recipe writes it:
//
//   features:
//     - columns: [age, hours]            # names, or "numbers", "categories", "texts", "dates",
//     "images", "sparse", "rest"
//       encode: numbers                  # optional: what a column of this kind usually gets
//       then: [{impute: {by: median}}, {scale: {by: zscore}}]
//     - columns: categories
//       encode: {onehot: {min_frequency: 10}}
//     - {columns: text, encode: {tfidf: {ngrams: 2}}}
//   reduce: [{select: {by: mutual_information, keep: 100}}, {pca: {components: 20}}]   # over all;
//   optional
//
// Without `features` every column gets what its kind usually gets (see usual_features()).
//
//   FeaturePipeline pipeline(spec, "fit");
//   Matrix x = pipeline.fit(table, &target, context);      // training rows
//   Matrix z = pipeline.apply(other, pool);                // columns are found by name
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/feature/transform.h"

namespace athanor {

struct PipelineSpec {
  nlohmann::json features = nlohmann::json::array();  // as above
  nlohmann::json reduce = nlohmann::json::array();
  // Models that split (trees) take numbers as they are and categories as numbers: unscaled, missing
  // values kept.
  bool for_trees = false;
};

// What a group says that names no encoder: {"encode": ..., "then": [...]}.
//   numbers     as they are, gaps filled by the median, z-scores             trees: as they are
//   categories  onehot, at most 1,000 columns each                           trees: ordinal
//   texts       tfidf                                                        trees: tfidf of the
//   1,000 most frequent words dates       parts, cyclic ones as sine and cosine, then as numbers
//   trees: parts as they are images      hog, then z-scores trees: hog sparse      as they are
nlohmann::json usual_features(ColumnKind kind, bool for_trees);

class FeaturePipeline {
 public:
  // Checks names and options. Error(kUsage) with `where` before it ("fit.features[1].encode").
  FeaturePipeline(const PipelineSpec& spec, const std::string& where);
  FeaturePipeline(FeaturePipeline&&) noexcept;
  ~FeaturePipeline();

  // The table has no target column any more. Columns that say nothing (constant, all missing, an
  // id) are left out with a warning. Error(kInput) when none remains; Error(kUsage) for a column
  // that is not there.
  Matrix fit(const Table& table, const Target* target, FitContext& context);
  // A column that is not there is an Error(kInput) that names it; of another kind, too.
  Matrix apply(const Table& table, ThreadPool& pool) const;
  // apply() in two steps, for a table of which one column changes again and again (what shuffles it): a matrix a group, and
  // the whole of them. `only`: the groups that read this column; the others' matrices stay as they are.
  void apply_groups(const Table& table, ThreadPool& pool, std::vector<Matrix>& parts, const std::string& only = "") const;
  Matrix join(std::vector<Matrix> parts, ThreadPool& pool) const;
  // Values that training did not have, by column: categories, sparse features beyond the last.
  // apply() takes them as each encoder says (zeros, missing, the mean).
  std::map<std::string, uint64_t> count_unseen(const Table& table) const;

  // Columns of the table that it reads, with their kinds: what a table to predict for must have.
  const std::vector<std::pair<std::string, ColumnKind>>& inputs() const;
  // Columns of the matrix, by name where they have one.
  uint64_t num_outputs() const;
  // What each group became: for show and the report.
  nlohmann::json description() const;

  void save(SavedWriter out) const;
  static FeaturePipeline load(const SavedReader& in);

 private:
  struct Impl;
  explicit FeaturePipeline(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
