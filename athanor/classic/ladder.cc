#include "athanor/classic/ladder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/rng.h"
#include "athanor/feature/folds.h"
#include "athanor/metric/answers.h"
#include "athanor/metric/paired.h"

namespace athanor {

namespace {

constexpr size_t kAlwaysFinished = 2;
// A difference below one standard error comes by chance so often or more.
constexpr double kOneStandardError = 0.3173;

struct OutOfTime {};

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool is_wide(const TableColumn& column) { return column.kind == ColumnKind::kText || column.kind == ColumnKind::kSparse; }

// Texts and sparse rows alone give so many features, each telling so little, that trees are no baseline; beside other
// columns they must not keep trees from those.
std::vector<Rung> rungs_for(Task task, const std::vector<TableColumn>& columns) {
  const bool wide = std::any_of(columns.begin(), columns.end(), is_wide);
  const bool wide_alone = wide && std::all_of(columns.begin(), columns.end(), is_wide);
  std::vector<Rung> rungs = {{.kind = "constant"}};
  if (task == Task::kRegression) {
    rungs.push_back({.kind = "ridge"});
  } else {  // multinomial refuses the negative values of scaled numbers
    rungs.push_back({.kind = "naive_bayes", .model = {{"by", wide_alone ? "multinomial" : wide ? "bernoulli" : "gaussian"}}});
    rungs.push_back({.kind = "logistic"});
  }
  if (!wide_alone) {
    rungs.push_back({.kind = "tree", .model = {{"max_depth", 6}}});
    rungs.push_back({.kind = "forest"});
    rungs.push_back({.kind = "boosting"});
  }
  return rungs;
}

double score_of(const std::string& metric, const Target& truth, const TableAnswers& answers, ThreadPool& pool) {
  std::vector<Score> scores;
  if (truth.task == Task::kRegression) {
    scores = number_scores({.truth = truth.values, .answer = answers.values, .weights = truth.weights}, {.replicas = 0}, pool);
  } else {
    ClassAnswers found{.labels = truth.labels, .truth = truth.classes, .answer = answers.classes, .probabilities = {},
                       .weights = truth.weights};
    if (answers.probabilities) {
      found.probabilities = answers.scores.values;
    }
    scores = class_scores(found, {.replicas = 0}, pool);
  }
  const Score* score = find_score(scores, metric);
  return score == nullptr ? std::nan("") : score->value;
}

double mean_of(const std::vector<double>& values, size_t first) {
  return std::accumulate(values.begin(), values.begin() + static_cast<ptrdiff_t>(first), 0.0) / static_cast<double>(first);
}

double standard_error(const Rung& rung) {
  const auto n = static_cast<double>(rung.fold_scores.size());
  double squares = 0;
  for (const double score : rung.fold_scores) {
    squares += (score - rung.score) * (score - rung.score);
  }
  return n > 1 ? std::sqrt(squares / (n - 1) / n) : INFINITY;
}

// Scores of the folds; throws OutOfTime behind `deadline`.
void judge(Rung& rung, const Table& table, const Target& target, const std::string& metric, const LadderOptions& options,
           const std::vector<int32_t>& folds, double deadline, FitContext& context) {
  EstimatorSpec spec{.kind = rung.kind, .model = rung.model, .pipeline = options.pipeline, .task = target.task};
  FitContext inner{.pool = context.pool, .seed = options.seed};
  inner.progress = [&](double done) {
    context.progress(done);  // Ctrl-C comes from here
    if (options.clock() > deadline) {
      throw OutOfTime{};
    }
  };
  for (int32_t fold = 0; fold < options.folds; ++fold) {
    const FoldParts parts = parts_of(folds, fold);
    const TableEstimator estimator =
        TableEstimator::fit(take_rows(table, parts.train), take_rows(target, parts.train), spec, inner);
    const TableAnswers answers = estimator.predict(take_rows(table, parts.valid), context.pool);
    rung.fold_scores.push_back(score_of(metric, take_rows(target, parts.valid), answers, context.pool));
    if (fold + 1 < options.folds) {
      inner.progress(0);
    }
  }
  rung.score = mean_of(rung.fold_scores, rung.fold_scores.size());
  rung.judged = std::isfinite(rung.score);
  rung.note = rung.judged ? "" : metric + " is not defined in each fold";
}

// The order in which rungs are tried: forest behind all others.
std::vector<size_t> order_of(const std::vector<Rung>& rungs) {
  std::vector<size_t> order(rungs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_partition(order.begin(), order.end(), [&](size_t i) { return rungs[i].kind != "forest"; });
  return order;
}

// Judges the rung within its share of the time that is left; what went wrong is its note.
void try_rung(Rung& rung, size_t tried, size_t rungs, double end, const Table& table, const Target& target,
              const std::string& metric, const LadderOptions& options, const std::vector<int32_t>& folds, FitContext& context) {
  const double begin = options.clock();
  const bool last = tried + 1 == rungs;
  const double deadline = tried < kAlwaysFinished ? INFINITY : last ? end : begin + (end - begin) / 2;
  try {
    if (begin > deadline) {
      rung.note = "not tried: the " + human_duration(options.seconds) + " were spent";
      return;
    }
    judge(rung, table, target, metric, options, folds, deadline, context);
  } catch (const OutOfTime&) {
    rung.note = "stopped after " + human_duration(options.clock() - begin) + ", " + std::to_string(rung.fold_scores.size()) +
                " of " + std::to_string(options.folds) + " folds";
    rung.score = rung.fold_scores.empty() ? 0 : mean_of(rung.fold_scores, rung.fold_scores.size());
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kInterrupted || error.kind() == ErrorKind::kInternal) {
      throw;
    }
    rung.fold_scores.clear();
    rung.note = error.message();
  }
  rung.seconds = options.clock() - begin;
}

// Rungs that were cut off, but ahead of the chosen one on the folds they finished.
// Those that lead clearly are warned about: in the mean by more than a standard error of the chosen one's own folds.
std::string cut_off_ahead(const Ladder& ladder, FitContext& context) {
  const Rung& chosen = ladder.rungs[ladder.chosen];
  std::string names;
  for (const Rung& rung : ladder.rungs) {
    const size_t folds = rung.fold_scores.size();
    if (rung.judged || folds == 0 || chosen.fold_scores.size() <= folds) {
      continue;
    }
    const double other = mean_of(chosen.fold_scores, folds);
    const double lead = ladder.higher_is_better ? rung.score - other : other - rung.score;
    if (lead > 0) {
      names += (names.empty() ? "" : ", ") + rung.kind;
    }
    if (lead > standard_error(chosen)) {
      context.warn(rung.kind + " was " + rung.note + ", and led there: " + ladder.metric + " " + human_number(rung.score, 4) +
                   ", " + chosen.kind + " " + human_number(other, 4) + "; a larger budget_seconds judges it");
    }
  }
  return names.empty() ? "" : "; ahead on the folds they finished, but cut off: " + names + " (a larger budget_seconds judges them)";
}

// The answer of a ladder that found nothing better than an answer without looking is told, with the reasons.
void warn_of_constant(const Ladder& ladder, size_t best, FitContext& context) {
  if (best != ladder.chosen) {
    context.warn("no model is clearly better than the same answer for all rows (" + ladder.why +
                 "): do the columns tell anything of the label?");
    return;
  }
  std::string reasons;
  for (size_t i = 1; i < ladder.rungs.size(); ++i) {
    if (!ladder.rungs[i].judged) {
      reasons += (reasons.empty() ? "" : "; ") + ladder.rungs[i].kind + ": " + ladder.rungs[i].note;
    }
  }
  context.warn("the model is the same answer for all rows" +
               (reasons.empty() ? ": every other one is worse" : ", because others could not be judged: " + reasons));
}

}  // namespace

void choose_rung(Ladder& ladder, int32_t folds, FitContext& context) {
  const auto better = [&](double a, double b) { return ladder.higher_is_better ? a > b : a < b; };
  size_t best = ladder.rungs.size();
  for (size_t i = 0; i < ladder.rungs.size(); ++i) {
    const Rung& rung = ladder.rungs[i];
    if (rung.judged && (best == ladder.rungs.size() || better(rung.score, ladder.rungs[best].score))) {
      best = i;
    }
  }
  if (best == ladder.rungs.size()) {
    ladder.chosen = 0;
    ladder.why = "no rung could be judged by " + ladder.metric;
    warn_of_constant(ladder, 0, context);
    return;
  }
  ladder.chosen = best;
  double simpler = ladder.higher_is_better ? -INFINITY : INFINITY;  // the best score of simpler rungs
  for (size_t i = 0; i < best; ++i) {
    const Rung& rung = ladder.rungs[i];
    if (!rung.judged || !better(rung.score, simpler)) {
      continue;
    }
    simpler = rung.score;
    if (corrected_t_test(rung.fold_scores, ladder.rungs[best].fold_scores, 1.0 / (folds - 1)).p_value > kOneStandardError) {
      ladder.chosen = i;
      break;
    }
  }
  const Rung& chosen = ladder.rungs[ladder.chosen];
  ladder.why = chosen.kind + ": " + ladder.metric + " " + human_number(chosen.score, 4) + " over " + std::to_string(folds) +
               " folds, " +
               (ladder.chosen == best ? "the best"
                                      : "within one standard error of " + ladder.rungs[best].kind + " (" +
                                            human_number(ladder.rungs[best].score, 4) + "), and simpler") +
               cut_off_ahead(ladder, context);
  if (chosen.kind == "constant") {
    warn_of_constant(ladder, best, context);
  }
}

namespace {

// AUC wants both classes in every fold: with a class of fewer rows there are fewer folds, at least 2.
int32_t folds_for(const Target& target, int32_t folds, FitContext& context) {
  if (target.task != Task::kClasses || target.labels.size() != 2) {
    return folds;
  }
  int64_t rows[2] = {0, 0};
  for (const int32_t label : target.classes) {
    ++rows[label];
  }
  const size_t rare = rows[1] < rows[0] ? 1 : 0;
  if (rows[rare] >= folds) {
    return folds;
  }
  const auto fewer = static_cast<int32_t>(std::max<int64_t>(2, rows[rare]));
  context.warn("label '" + target.labels[rare] + "' has " + std::to_string(rows[rare]) + (rows[rare] == 1 ? " row" : " rows") +
               ": models are judged over " + std::to_string(fewer) + " folds, not " + std::to_string(folds) +
               ", and by little");
  return fewer;
}

}  // namespace

Ladder climb(const Table& table, const Target& target, const LadderOptions& given, FitContext& context) {
  LadderOptions options = given;
  if (!options.clock) {
    options.clock = seconds_now;
  }
  if (target.task != Task::kClasses && target.task != Task::kRegression) {
    throw Error(ErrorKind::kUsage, std::string("no ladder of models for the task ") + name_of(target.task), "fit.task",
                "name a model: fit.kind; the ladder is for classes and regression");
  }
  Ladder ladder;
  ladder.metric = target.task == Task::kRegression ? "rmse" : target.labels.size() == 2 ? "auc" : "f1_macro";
  ladder.higher_is_better = target.task != Task::kRegression;
  ladder.rungs = rungs_for(target.task, table.columns);

  const double end = options.clock() + options.seconds;
  Table some;
  Target truth;
  const bool fewer = table.rows > options.most_rows;
  if (fewer) {
    std::vector<uint64_t> rows(table.rows);
    std::iota(rows.begin(), rows.end(), uint64_t{0});
    std::sort(rows.begin(), rows.end(), [&](uint64_t a, uint64_t b) {
      return std::pair(random_at(options.seed, 0x1add, a), a) < std::pair(random_at(options.seed, 0x1add, b), b);
    });
    rows.resize(options.most_rows);
    std::sort(rows.begin(), rows.end());
    some = take_rows(table, rows);
    truth = take_rows(target, rows);
  }
  const Table& judged_on = fewer ? some : table;
  const Target& judged_by = fewer ? truth : target;
  ladder.rows = judged_on.rows;
  options.folds = folds_for(judged_by, options.folds, context);
  const std::vector<int32_t> folds = fold_rows(judged_by, options.folds, options.seed);
  const auto tell = context.progress;
  size_t tried = 0;
  for (const size_t i : order_of(ladder.rungs)) {
    context.progress = [&](double) { tell(static_cast<double>(tried) / static_cast<double>(ladder.rungs.size())); };
    try_rung(ladder.rungs[i], tried, ladder.rungs.size(), end, judged_on, judged_by, ladder.metric, options, folds, context);
    ++tried;
  }
  context.progress = tell;
  choose_rung(ladder, options.folds, context);
  return ladder;
}

}  // namespace athanor
