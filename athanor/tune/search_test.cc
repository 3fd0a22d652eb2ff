#include "athanor/tune/search.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/tune/study_journal.h"

namespace athanor::tune {
namespace {

Space space() { return Space::parse(parse_recipe("x: {float: [-5, 5]}\ny: {int: [0, 20]}\n", "r.yaml")); }

// A curve that falls with the steps to a floor that the point decides.
double value_at(const Point& point, int64_t step) {
  return point[0] * point[0] + std::abs(point[1] - 7) + 30.0 / static_cast<double>(step);
}

JobResult run_job(const Search& search, const Job& job, int64_t whole) {
  JobResult result;
  const int64_t end = job.to_step == 0 ? whole : job.to_step;
  for (int64_t step = std::max<int64_t>(1, job.from_step + 1); step <= end; ++step) {
    result.steps.emplace_back(step, value_at(search.trial(job.trial).point, step));
  }
  result.values = {result.steps.back().second};
  result.state = job.to_step == 0 ? TrialState::kComplete : TrialState::kPruned;
  return result;
}

nlohmann::json told(const Search& search) {
  auto list = nlohmann::json::array();
  for (const Trial& trial : search.trials()) {
    list.push_back({name_of(trial.state), trial.values, search.space().values(trial.point), trial.steps});
  }
  return list;
}

// Workers that take jobs and finish them in an order that `key` shuffles.
nlohmann::json run_study(SearchOptions options, uint64_t key, int64_t* work = nullptr) {
  Search search(space(), options);
  std::vector<Job> running;
  Rng rng(key);
  while (true) {
    while (static_cast<int64_t>(running.size()) < options.parallel) {
      const auto job = search.next();
      if (!job) {
        break;
      }
      running.push_back(*job);
    }
    if (running.empty()) {
      EXPECT_TRUE(search.finished());
      return told(search);
    }
    const auto at = static_cast<std::ptrdiff_t>(rng.below(running.size()));
    const Job job = running[static_cast<size_t>(at)];
    running.erase(running.begin() + at);
    const JobResult result = run_job(search, job, 27);
    if (work != nullptr) {
      *work += static_cast<int64_t>(result.steps.size());
    }
    search.report(job.index, result);
  }
}

TEST(Search, DoesNotDependOnWhoIsFaster) {
  for (const char* pruner : {"none", "asha", "hyperband"}) {
    SearchOptions options;
    options.trials = 30;
    options.parallel = 4;
    options.pruner.kind = pruner;
    options.pruner.reduction = 3;
    options.pruner.min_steps = 1;
    options.max_steps = 27;
    const auto first = run_study(options, 1);
    EXPECT_EQ(first.size(), 30u);
    for (uint64_t key = 2; key < 6; ++key) {
      EXPECT_EQ(run_study(options, key), first) << pruner;
    }
  }
}

TEST(Search, AshaPausesAndGoesOnWithTheBest) {
  SearchOptions options;
  options.trials = 27;
  options.sampler.kind = "random";
  options.pruner.kind = "asha";
  options.pruner.reduction = 3;
  options.pruner.min_steps = 1;
  options.max_steps = 27;
  int64_t work = 0;
  const auto trials = run_study(options, 1, &work);
  int complete = 0;
  double best = 1e300;
  for (const auto& trial : trials) {
    complete += trial[0] == "complete" ? 1 : 0;
    best = trial[0] == "complete" ? std::min(best, trial[1][0].get<double>()) : best;
  }
  EXPECT_GE(complete, 1);
  EXPECT_LT(work, 27 * 27 / 4);  // of what every trial to its end would cost
  options.pruner.kind = "none";
  double full = 1e300;
  for (const auto& trial : run_study(options, 1)) {
    full = std::min(full, trial[1][0].get<double>());
  }
  EXPECT_DOUBLE_EQ(best, full);  // the curves do not cross: the best is found
}

// Early values may favour another place than the end's: `shift` to the right of it after one step.
double crossing(const Point& point, int64_t step, double end, double shift) {
  const double place = end + shift * (1 - std::log(static_cast<double>(step)) / std::log(27.0));
  return (point[0] - place) * (point[0] - place) + 0.1 * std::abs(point[1] - 7);
}

double mean_best(const std::string& sampler, int64_t trials, int seeds, double shift) {
  double sum = 0;
  for (int seed = 0; seed < seeds; ++seed) {
    SearchOptions options;
    options.trials = trials;
    options.sampler.kind = sampler;
    options.seed = static_cast<uint64_t>(seed);
    options.pruner.kind = "asha";
    options.pruner.reduction = 3;
    options.pruner.min_steps = 3;
    options.max_steps = 27;
    Search search(space(), options);
    const double end = -3 + 2.0 * seed / seeds;
    double best = 1e300;
    while (const auto job = search.next()) {
      JobResult result;
      const int64_t to = job->to_step == 0 ? 27 : job->to_step;
      for (int64_t step = job->from_step + 1; step <= to; ++step) {
        result.steps.emplace_back(step, crossing(search.trial(job->trial).point, step, end, shift));
      }
      result.values = {result.steps.back().second};
      result.state = job->to_step == 0 ? TrialState::kComplete : TrialState::kPruned;
      best = job->to_step == 0 ? std::min(best, result.values[0]) : best;
      search.report(job->index, std::move(result));
    }
    sum += best / seeds;
  }
  return sum;
}

TEST(Search, TpeIsNotLedAstrayByEarlyRungs) {
  EXPECT_LT(mean_best("tpe", 60, 20, 3), 1.2 * mean_best("sobol", 60, 20, 3)) << "the first rung prefers places far off";
  EXPECT_LT(mean_best("tpe", 60, 20, 0.5), 0.7 * mean_best("sobol", 60, 20, 0.5)) << "the rungs almost agree";
}

TEST(Search, WithTooFewTrialsForTheRungsTheBestStillComesToItsEnd) {
  SearchOptions options;
  options.trials = 5;
  options.parallel = 2;
  options.pruner.kind = "asha";
  options.pruner.reduction = 3;
  options.pruner.min_steps = 1;
  options.max_steps = 27;
  int complete = 0;
  for (const auto& trial : run_study(options, 1)) {
    complete += trial[0] == "complete" ? 1 : 0;
  }
  EXPECT_EQ(complete, 1);
}

TEST(Search, HyperbandHasBracketsThatStartHigher) {
  PrunerOptions options;
  options.kind = "hyperband";
  options.reduction = 3;
  options.min_steps = 1;
  const Rungs rungs(options, 27);
  EXPECT_EQ(rungs.steps(), (std::vector<int64_t>{1, 3, 9, 27}));
  std::vector<int> counts(4, 0);
  for (int64_t trial = 0; trial < 400; ++trial) {
    ++counts[static_cast<size_t>(rungs.bracket_of(trial))];
  }
  EXPECT_GT(counts[0], counts[1]);
  EXPECT_GT(counts[1], counts[3]);
  EXPECT_GT(counts[3], 10);
}

// The curves do not cross, so the best point is known after any step, and it must come to its end in whichever bracket it is:
// also in one with fewer trials than `reduction`, and when it comes after its rung's share has gone on.
TEST(Search, HyperbandBringsTheBestOfEveryBracketToItsEnd) {
  for (const int64_t trials : {3, 8, 30, 50}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      SearchOptions options;
      options.trials = trials;
      options.parallel = 1 + static_cast<int64_t>(seed % 3);
      options.seed = seed;
      options.sampler.kind = "random";
      options.pruner.kind = "hyperband";
      options.pruner.reduction = 3;
      options.pruner.min_steps = 1;
      options.max_steps = 27;
      int64_t work = 0;
      double best = 1e300, complete = 1e300;
      for (const auto& trial : run_study(options, seed, &work)) {
        const auto last = trial[3].back();
        const double floor = last[1].get<double>() - 30.0 / last[0].get<double>();
        best = std::min(best, floor);
        complete = trial[0] == "complete" ? std::min(complete, floor) : complete;
      }
      EXPECT_NEAR(complete, best, 1e-9) << trials << " trials, seed " << seed;
      EXPECT_LT(trials < 30 ? 0 : work, 27 * trials * 2 / 3) << "of what every trial to its end would cost";
    }
  }
}

TEST(Search, MedianEndsWhatIsWorse) {
  SearchOptions options;
  options.trials = 12;
  options.sampler.kind = "random";
  options.pruner.kind = "median";
  Search search(space(), options);
  int pruned = 0;
  while (auto job = search.next()) {
    JobResult result;
    for (int64_t step = 1; step <= 5; ++step) {
      result.steps.emplace_back(step, static_cast<double>(job->trial % 2 == 0 ? 10 - step : 100));
      if (search.prune(*job, result.steps)) {
        result.state = TrialState::kPruned;
        ++pruned;
        break;
      }
    }
    result.values = {result.steps.back().second};
    search.report(job->index, result);
  }
  EXPECT_GE(pruned, 3);
  EXPECT_EQ(search.best(), (std::vector<int64_t>{0}));
}

TEST(Search, FailuresAndNaNAreBorne) {
  SearchOptions options;
  options.trials = 25;
  Search search(space(), options);
  while (auto job = search.next()) {
    JobResult result;
    result.values = {job->trial % 3 == 0 ? std::nan("") : value_at(search.trial(job->trial).point, 9)};
    result.state = job->trial % 5 == 0 ? TrialState::kFailed : TrialState::kComplete;
    search.report(job->index, result);
  }
  EXPECT_EQ(search.num_trials(), 25);
  EXPECT_EQ(search.trial(3).state, TrialState::kFailed);
  ASSERT_EQ(search.best().size(), 1u);
}

TEST(Search, ALongStudyKeepsTheSameDecisionsAndABoundedHistory) {
  SearchOptions options;
  options.trials = 12000;
  options.sampler.kind = "random";
  options.parallel = 3;
  Search search(space(), options);
  double least = 1e300;
  size_t most = 0;
  while (auto job = search.next()) {
    const double value = value_at(search.trial(job->trial).point, 9);
    least = std::min(least, value);
    search.report(job->index, {TrialState::kComplete, {value}, {}, "", nullptr});
    most = job->trial % 1000 == 999 ? std::max(most, search.trials().size()) : most;
  }
  EXPECT_EQ(search.num_trials(), 12000);
  EXPECT_EQ(search.count(TrialState::kComplete), 12000);
  EXPECT_LE(most, History::kKept + 8);
  EXPECT_EQ(search.trial(search.best().at(0)).values[0], least);
}

TEST(Search, SeveralObjectivesGiveAFront) {
  SearchOptions options;
  options.trials = 40;
  options.sampler.kind = "nsga2";
  options.maximise = {false, true};
  Search search(space(), options);
  while (auto job = search.next()) {
    const Point& point = search.trial(job->trial).point;
    search.report(job->index, {TrialState::kComplete, {point[0] * point[0], point[1]}, {}, "", nullptr});
  }
  EXPECT_GE(search.best().size(), 2u);
  for (const int64_t a : search.best()) {
    for (const Trial& other : search.trials()) {
      const auto& best = search.trial(a).values;
      EXPECT_FALSE(other.values[0] < best[0] && other.values[1] > best[1]);
    }
  }
}

class Journal : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::temp_directory_path() / ("journal_test_" + std::to_string(::getpid()));
    make_dirs(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  // Runs until `jobs` results were told or all is over; what is told.
  nlohmann::json go(const SearchOptions& options, int64_t jobs) {
    Search search(space(), options);
    StudyJournal journal(dir_ / "study.jsonl", search);
    std::vector<Job> running = journal.open_jobs();
    int64_t told_now = 0;
    while (true) {
      while (static_cast<int64_t>(running.size()) < options.parallel) {
        const auto job = search.next();
        if (!job) {
          break;
        }
        journal.ask(*job, search, 1);
        running.push_back(*job);
      }
      if (running.empty() || told_now++ >= jobs) {
        return told(search);
      }
      const Job job = running.back();
      running.pop_back();
      const JobResult result = run_job(search, job, 27);
      journal.tell(job, result, 2);
      search.report(job.index, result);
    }
  }

  fs::path dir_;
};

TEST_F(Journal, AStudyThatIsCutAnywhereIsTheSameStudy) {
  SearchOptions options;
  options.trials = 25;
  options.parallel = 3;
  options.pruner.kind = "asha";
  options.pruner.reduction = 3;
  options.pruner.min_steps = 1;
  options.max_steps = 27;
  const auto whole = run_study(options, 1);
  for (int i = 0; i < 8; ++i) {
    go(options, 5);
    std::ofstream(dir_ / "study.jsonl", std::ios::app) << "{\"type\": \"te";  // torn by a kill
  }
  EXPECT_EQ(go(options, 1000), whole);
}

TEST_F(Journal, HoldsEveryTrialAsTheSearchSawIt) {
  for (const char* pruner : {"none", "asha"}) {
    SearchOptions options;
    options.trials = 20;
    options.parallel = 3;
    options.pruner.kind = pruner;
    options.pruner.reduction = 3;
    options.pruner.min_steps = 1;
    options.max_steps = 27;
    const auto expected = go(options, 1000);
    auto list = nlohmann::json::array();
    read_trials(dir_ / "study.jsonl", [&](const nlohmann::json& trial) {
      EXPECT_EQ(trial["number"], list.size());
      list.push_back({trial["state"], trial["values"], trial["params"], trial["steps"]});
    });
    EXPECT_EQ(list, expected) << pruner;
    fs::remove(dir_ / "study.jsonl");
  }
}

TEST_F(Journal, AnotherStudyIsRefused) {
  SearchOptions options;
  go(options, 6);
  options.seed = 2;
  EXPECT_THROW(go(options, 6), Error);
}

TEST_F(Journal, DamageIsAnErrorWithItsLine) {
  SearchOptions options;
  go(options, 4);
  const std::string good = read_file(dir_ / "study.jsonl");
  for (const char* bad : {"{}\n", "[1]\n", "nonsense\n", "{\"type\": \"tell\", \"job\": 99}\n", "{\"type\": \"tell\", \"job\": 4}\n"}) {
    write_file_atomic(dir_ / "study.jsonl", good + bad);
    EXPECT_THROW(go(options, 1), Error) << bad;
  }
}

}  // namespace
}  // namespace athanor::tune
