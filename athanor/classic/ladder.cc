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

// Texts and sparse rows give so many features that models which look at each are no baseline.
bool is_wide(const Table& table) {
  return std::any_of(table.columns.begin(), table.columns.end(), [](const TableColumn& column) {
    return column.kind == ColumnKind::kText || column.kind == ColumnKind::kSparse;
  });
}

std::vector<Rung> rungs_for(Task task, bool wide) {
  std::vector<Rung> rungs = {{.kind = "constant"}};
  if (task == Task::kRegression) {
    rungs.push_back({.kind = "ridge"});
  } else {
    rungs.push_back({.kind = "naive_bayes", .model = {{"by", wide ? "multinomial" : "gaussian"}}});
    rungs.push_back({.kind = "logistic"});
  }
  if (!wide) {
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

// Scores of the folds; throws OutOfTime behind `deadline`.
void judge(Rung& rung, const Table& table, const Target& target, const std::string& metric, const LadderOptions& options,
           const std::vector<int32_t>& folds, double deadline, FitContext& context) {
  EstimatorSpec spec{.kind = rung.kind, .model = rung.model, .pipeline = options.pipeline, .task = target.task};
  const double begin = seconds_now();
  FitContext inner{.pool = context.pool, .seed = options.seed};
  inner.progress = [&](double done) {
    context.progress(done);  // Ctrl-C comes from here
    if (seconds_now() > deadline) {
      throw OutOfTime{};
    }
  };
  for (int32_t fold = 0; fold < options.folds; ++fold) {
    const FoldParts parts = parts_of(folds, fold);
    const TableEstimator estimator =
        TableEstimator::fit(take_rows(table, parts.train), take_rows(target, parts.train), spec, inner);
    const TableAnswers answers = estimator.predict(take_rows(table, parts.valid), context.pool);
    rung.fold_scores.push_back(score_of(metric, take_rows(target, parts.valid), answers, context.pool));
    inner.progress(0);
  }
  rung.seconds = seconds_now() - begin;
  rung.score = std::accumulate(rung.fold_scores.begin(), rung.fold_scores.end(), 0.0) / options.folds;
  rung.judged = std::isfinite(rung.score);
  rung.note = rung.judged ? "" : metric + " is not defined in a fold";
}

void choose(Ladder& ladder, int32_t folds) {
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
    return;
  }
  ladder.chosen = best;
  for (size_t i = 0; i < best; ++i) {
    const Rung& rung = ladder.rungs[i];
    if (rung.judged &&
        corrected_t_test(rung.fold_scores, ladder.rungs[best].fold_scores, 1.0 / (folds - 1)).p_value > kOneStandardError) {
      ladder.chosen = i;
      break;
    }
  }
  const Rung& chosen = ladder.rungs[ladder.chosen];
  ladder.why = chosen.kind + ": " + ladder.metric + " " + human_number(chosen.score, 4) + " over " + std::to_string(folds) +
               " folds, " +
               (ladder.chosen == best ? "the best"
                                      : "within one standard error of " + ladder.rungs[best].kind + " (" +
                                            human_number(ladder.rungs[best].score, 4) + "), and simpler");
}

}  // namespace

Ladder climb(const Table& table, const Target& target, const LadderOptions& options, FitContext& context) {
  if (target.task != Task::kClasses && target.task != Task::kRegression) {
    throw Error(ErrorKind::kUsage, std::string("no ladder of models for the task ") + name_of(target.task), "fit.task",
                "name a model: fit.kind; the ladder is for classes and regression");
  }
  Ladder ladder;
  ladder.metric = target.task == Task::kRegression ? "rmse" : target.labels.size() == 2 ? "auc" : "f1_macro";
  ladder.higher_is_better = target.task != Task::kRegression;
  ladder.rungs = rungs_for(target.task, is_wide(table));

  const double begin = seconds_now();
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
  const std::vector<int32_t> folds = fold_rows(judged_by, options.folds, options.seed);
  const auto tell = context.progress;
  for (size_t i = 0; i < ladder.rungs.size(); ++i) {
    Rung& rung = ladder.rungs[i];
    const double deadline = i < kAlwaysFinished ? INFINITY : begin + options.seconds;
    context.progress = [&](double) { tell(static_cast<double>(i) / static_cast<double>(ladder.rungs.size())); };
    try {
      if (seconds_now() > deadline) {
        throw OutOfTime{};
      }
      judge(rung, judged_on, judged_by, ladder.metric, options, folds, deadline, context);
    } catch (const OutOfTime&) {
      rung.fold_scores.clear();
      rung.note = "not judged: the " + human_duration(options.seconds) + " were spent";
    } catch (const Error& error) {
      if (error.kind() == ErrorKind::kInterrupted || error.kind() == ErrorKind::kInternal) {
        throw;
      }
      rung.fold_scores.clear();
      rung.note = error.message();
    }
  }
  context.progress = tell;
  choose(ladder, options.folds);
  return ladder;
}

}  // namespace athanor
