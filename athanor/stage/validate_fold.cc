// fold: documents -> documents/{train,valid,test}: one fold of a cross-validation. `validate` makes them.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/rng.h"
#include "athanor/data/documents/document_values.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/fold_times.h"
#include "athanor/stage/validate_options.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr const char* kCluster = "cluster_id";

struct FoldRecipe {
  int64_t folds = 5;
  int64_t fold = 0;
  std::string by = "kfold";
  std::string label_field;
  std::string group;
  std::string time_field;
  int64_t repeat = 0;
  int64_t inner = 0;
  int64_t inner_fold = 0;
  double valid = 0;
  double share = 1;
  int64_t seed = 1;
  static void fields(Fields<FoldRecipe>& f) {
    f.add("folds", &FoldRecipe::folds, "parts of which each is held out once").range(2, 10000);
    f.add("fold", &FoldRecipe::fold, "which one is held out, from 0").range(0, 9999);
    f.add("by", &FoldRecipe::by,
          "kfold: documents at random; stratified: each label evenly; grouped: equal values of group stay together; time: train on "
          "what came before the fold")
        .choices({"kfold", "stratified", "grouped", "time"});
    f.add("label_field", &FoldRecipe::label_field, "stratified: a column or meta.FIELD");
    f.add("group", &FoldRecipe::group, "grouped: a column, source or meta.FIELD");
    f.add("time_field", &FoldRecipe::time_field, "time: a column or meta.FIELD of numbers or ISO 8601 dates that tells the order; empty: as the documents stand");
    f.add("repeat", &FoldRecipe::repeat, "another shuffle").range(0, 1e6);
    f.add("inner", &FoldRecipe::inner, "above 0: fold the training part once more, into so many").range(0, 10000);
    f.add("inner_fold", &FoldRecipe::inner_fold, "which of those is held out").range(0, 9999);
    f.add("valid", &FoldRecipe::valid, "share of the training part for valid; 0: valid is the fold that is held out").range(0, 0.9);
    f.add("share", &FoldRecipe::share, "share of the training part that is used").range(1e-6, 1);
    f.add("seed", &FoldRecipe::seed, "of the shuffle").range(0, 9e15);
  }
};

void prepare_fold(nlohmann::json& resolved) {
  const auto recipe = load_options<FoldRecipe>(resolved);
  if (recipe.fold >= recipe.folds || (recipe.inner > 0 && recipe.inner_fold >= recipe.inner) || recipe.inner == 1) {
    throw Error(ErrorKind::kUsage, "there is no such fold: they count from 0", "fold.fold");
  }
  if (recipe.by == "stratified" && recipe.label_field.empty()) {
    throw Error(ErrorKind::kUsage, "by: stratified wants the label_field", "fold.label_field");
  }
  if (recipe.by == "grouped" && recipe.group.empty()) {
    throw Error(ErrorKind::kUsage, "by: grouped wants the group", "fold.group");
  }
  if (recipe.by == "time" && recipe.repeat > 0) {
    throw Error(ErrorKind::kUsage, "by: time draws nothing: another repeat is the same fold", "fold.repeat", "leave it out");
  }
  refuse_unread("fold", recipe.by, recipe.group, recipe.time_field, recipe.label_field);
}

// A kept document, as far as folding goes.
struct Row {
  uint64_t unit = 0;      // hash of what stays together
  std::string stratum;
  double time = 0;  // larger is later
};

// Names that a document may be asked for: columns and the keys of the first one's meta.
std::string fields_like(const Documents& input, const std::string& name) {
  std::vector<std::string> known = input.column_names();
  bool first = true;
  input.for_each([&](uint64_t, Document&& document) {
    const auto meta = first ? nlohmann::json::parse(document.meta, nullptr, false) : nlohmann::json();
    first = false;
    for (const auto& [key, value] : meta.items()) {
      known.push_back(key);
    }
  });
  return did_you_mean(name, known);
}

// A column; meta.NAME too when the documents have no such column. Error(kInput) with the nearest name when none has it.
std::vector<std::string> values_of(const Documents& input, const std::string& name, const std::string& option) {
  const bool in_meta = !DocumentValues::known(input, name) && !name.starts_with("meta.");
  const DocumentValues values(input, in_meta ? "meta." + name : name, option);
  std::vector<std::string> all;
  values.for_each([&](uint64_t, std::string_view value) { all.emplace_back(value); });
  if (!all.empty() && std::all_of(all.begin(), all.end(), [](const std::string& value) { return value.empty(); })) {
    throw Error(ErrorKind::kInput, "no document has the field '" + name + "'", option, fields_like(input, name));
  }
  return all;
}

std::vector<Row> read_rows(const Documents& input, const FoldRecipe& recipe) {
  std::vector<Row> rows(input.num_documents());
  const auto ids = values_of(input, "id", "fold");
  const std::string grouping = recipe.by == "grouped" ? recipe.group : input.has_column(kCluster) ? kCluster : "";
  const auto groups = grouping.empty() ? std::vector<std::string>{} : values_of(input, grouping, "fold.group");
  const auto labels = recipe.by == "stratified" ? values_of(input, recipe.label_field, "fold.label_field")
                                                : std::vector<std::string>{};
  const auto times = recipe.time_field.empty() ? std::vector<double>{}
                                               : times_of(values_of(input, recipe.time_field, "fold.time_field"), ids, recipe.time_field);
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].unit = xxh3_64(groups.empty() || groups[i].empty() ? ids[i] : groups[i]);
    rows[i].stratum = labels.empty() ? "" : labels[i];
    rows[i].time = times.empty() ? 0 : times[i];
  }
  return rows;
}

size_t num_units(const std::vector<Row>& rows) {
  std::set<uint64_t> units;
  for (const Row& row : rows) {
    units.insert(row.unit);
  }
  return units.size();
}

struct Unit {
  uint64_t hash;
  uint64_t key;
  std::string stratum;
  std::vector<size_t> rows;
};

std::vector<Unit> units_of(const std::vector<Row>& rows, const std::vector<size_t>& among, uint64_t seed) {
  std::map<uint64_t, Unit> by_key;
  for (const size_t i : among) {
    Unit& unit = by_key[rows[i].unit];
    if (unit.rows.empty()) {
      unit.key = rows[i].unit;
      unit.hash = random_at(seed, unit.key);
      unit.stratum = rows[i].stratum;
    }
    unit.rows.push_back(i);
  }
  std::vector<Unit> units;
  for (auto& [key, unit] : by_key) {
    units.push_back(std::move(unit));
  }
  std::sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.key < b.key;
  });
  return units;
}

[[noreturn]] void fail_few(size_t units, int64_t folds) {
  throw Error(ErrorKind::kInput, "there are " + std::to_string(units) + " units to fold and " + std::to_string(folds) +
                                     " folds are wanted", "fold.folds", "fewer folds, or more documents");
}

// Each fold is one unit: every repeat has the same folds, and an interval over them would be too narrow.
void refuse_same_folds(size_t units, const FoldRecipe& recipe) {
  if (recipe.by != "time" && recipe.repeat > 0 && units == static_cast<size_t>(recipe.folds)) {
    throw Error(ErrorKind::kInput, "there are " + std::to_string(units) + " units to fold and as many folds: repeats would be the same folds again",
                "fold.repeat", "fewer folds, or no repeats");
  }
}

// The held-out rows of a fold of `among`, by any way but time.
std::vector<bool> held_out(const std::vector<Row>& rows, const std::vector<size_t>& among, const FoldRecipe& recipe,
                           int64_t folds, int64_t fold, uint64_t seed) {
  std::vector<Unit> units = units_of(rows, among, seed);
  if (units.size() < static_cast<size_t>(folds)) {
    fail_few(units.size(), folds);
  }
  std::vector<bool> out(rows.size(), false);
  if (recipe.by == "grouped") {  // each group to the fold with the fewest documents
    if (recipe.repeat == 0) {    // large groups first; a repeat takes them as they are drawn, or it would deal the same folds
      std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.rows.size() > b.rows.size(); });
    }
    std::vector<size_t> sizes(static_cast<size_t>(folds), 0);
    for (const Unit& unit : units) {
      const auto least = static_cast<size_t>(std::min_element(sizes.begin(), sizes.end()) - sizes.begin());
      sizes[least] += unit.rows.size();
      for (const size_t row : unit.rows) {
        out[row] = static_cast<int64_t>(least) == fold;
      }
    }
    return out;
  }
  if (recipe.by == "stratified") {
    std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.stratum < b.stratum; });
  }
  for (size_t i = 0; i < units.size(); ++i) {  // dealt out one by one: each label, and the whole, evenly
    for (const size_t row : units[i].rows) {
      out[row] = static_cast<int64_t>(i % static_cast<size_t>(folds)) == fold;
    }
  }
  return out;
}

struct Parts {
  std::vector<size_t> train;
  std::vector<size_t> test;
};

Parts parts_by_time(const std::vector<Row>& rows, std::vector<size_t> order, int64_t folds, int64_t fold) {
  if (order.size() < static_cast<size_t>(folds) + 1) {
    fail_few(order.size(), folds);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return rows[a].time < rows[b].time; });
  const auto cut = [&](int64_t i) { return order.size() * static_cast<size_t>(i) / static_cast<size_t>(folds + 1); };
  Parts parts;
  parts.train.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(cut(fold + 1)));
  parts.test.assign(order.begin() + static_cast<std::ptrdiff_t>(cut(fold + 1)),
                    order.begin() + static_cast<std::ptrdiff_t>(cut(fold + 2)));
  return parts;
}

Parts cut(const std::vector<Row>& rows, const std::vector<size_t>& among, const FoldRecipe& recipe, int64_t folds, int64_t fold,
          uint64_t seed) {
  if (recipe.by == "time") {
    return parts_by_time(rows, among, folds, fold);
  }
  const auto out = held_out(rows, among, recipe, folds, fold, seed);
  Parts parts;
  for (const size_t row : among) {
    (out[row] ? parts.test : parts.train).push_back(row);
  }
  return parts;
}

// The first share of the rows in the order of their units' hashes (by time: the latest), whole units.
std::vector<size_t> first_share(const std::vector<Row>& rows, const std::vector<size_t>& among, double share, bool latest,
                                uint64_t seed) {
  const auto want = static_cast<size_t>(std::ceil(share * static_cast<double>(among.size()) - 1e-9));
  if (latest) {
    return {among.end() - static_cast<std::ptrdiff_t>(std::min(want, among.size())), among.end()};
  }
  std::vector<size_t> taken;
  for (const Unit& unit : units_of(rows, among, seed)) {
    if (taken.size() >= want) {
      break;
    }
    taken.insert(taken.end(), unit.rows.begin(), unit.rows.end());
  }
  return taken;
}

void write_part(const fs::path& dir, const Documents& input, const std::vector<size_t>& members) {
  std::vector<bool> kept(input.num_documents(), false);
  for (const size_t row : members) {
    kept[row] = true;
  }
  std::vector<bool> keep(input.num_rows(), false);
  size_t at = 0;
  for (size_t row = 0; row < keep.size(); ++row) {
    if (input.keep()[row]) {
      keep[row] = kept[at++];
    }
  }
  write_filtered(dir, input, keep, {});
}

nlohmann::json execute_fold(StageContext& context) {
  const auto recipe = load_options<FoldRecipe>(context.options);
  const Documents input = Documents::open(context.input("documents").path);
  const std::vector<Row> rows = read_rows(input, recipe);
  check_interrupt();
  refuse_same_folds(num_units(rows), recipe);
  const uint64_t seed = random_at(static_cast<uint64_t>(recipe.seed), 0xf01d, static_cast<uint64_t>(recipe.repeat));
  std::vector<size_t> all(rows.size());
  std::iota(all.begin(), all.end(), size_t{0});
  Parts parts = cut(rows, all, recipe, recipe.folds, recipe.fold, seed);
  if (recipe.inner > 0) {
    std::sort(parts.train.begin(), parts.train.end());
    const std::vector<size_t> training = parts.train;
    parts = cut(rows, training, recipe, recipe.inner, recipe.inner_fold, random_at(seed, 0x1e, static_cast<uint64_t>(recipe.fold)));
  }
  if (recipe.share < 1) {
    parts.train = first_share(rows, parts.train, recipe.share, recipe.by == "time", random_at(seed, 0x54a));
  }
  std::vector<size_t> valid = parts.test;
  if (recipe.valid > 0) {
    valid = first_share(rows, parts.train, recipe.valid, recipe.by == "time", random_at(seed, 0x7a1));
    std::vector<bool> gone(rows.size(), false);
    for (const size_t row : valid) {
      gone[row] = true;
    }
    std::erase_if(parts.train, [&](size_t row) { return gone[row]; });
  }
  if (parts.train.empty() || parts.test.empty()) {
    throw Error(ErrorKind::kInput, "a part of the fold is empty", "fold.folds", "fewer folds, or more documents");
  }
  const fs::path out = context.run.out_tmp();
  write_part(out / "train", input, parts.train);
  write_part(out / "valid", input, valid);
  write_part(out / "test", input, parts.test);
  return {{"parts", {{"train", {{"documents", parts.train.size()}}}, {"valid", {{"documents", valid.size()}}},
                     {"test", {{"documents", parts.test.size()}}}}},
          {"summary", "fold " + std::to_string(recipe.fold + 1) + " of " + std::to_string(recipe.folds) + ": train " +
                          grouped_integer(static_cast<int64_t>(parts.train.size())) + ", test " +
                          grouped_integer(static_cast<int64_t>(parts.test.size())) + " documents"}};
}

}  // namespace

void check_folds(const Documents& documents, const nlohmann::json& fold) {
  const auto recipe = load_options<FoldRecipe>(fold);
  const std::vector<Row> rows = read_rows(documents, recipe);
  const size_t count = recipe.by == "time" ? std::max<size_t>(rows.size(), 1) - 1 : num_units(rows);  // the first part only trains
  if (count < static_cast<size_t>(recipe.folds)) {
    fail_few(recipe.by == "time" ? rows.size() : count, recipe.folds);
  }
  refuse_same_folds(count, recipe);
}

Verb fold_verb() {
  Verb verb;
  verb.name = "fold";
  verb.revision = 2;
  verb.summary = "one fold of a cross-validation: train, valid and test parts of documents";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to fold"}};
  verb.output = ArtifactKind::kDocuments;
  verb.parts = {"train", "valid", "test"};
  verb.schema = schema_of<FoldRecipe>();
  verb.prepare = prepare_fold;
  verb.execute = execute_fold;
  verb.example = "athanor fold from=clean-1a2b3c4d folds=5 fold=0 by=stratified label_field=label";
  return verb;
}

}  // namespace athanor
