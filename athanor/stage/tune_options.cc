#include "athanor/stage/tune_options.h"

#include <algorithm>
#include <array>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/metric/answers.h"
#include "athanor/stage/verbs.h"

namespace athanor {

namespace {

constexpr std::array<const char*, 14> kSmaller{"loss", "error", "perplexity", "rmse", "mae", "mse", "mape", "brier",
                                               "bits_per_byte", "seconds", "bytes", "logloss", "log_loss", "davies"};
constexpr std::array<const char*, 15> kLarger{"accuracy", "f1", "auc", "precision", "recall", "r2", "mcc", "kappa",
                                              "silhouette", "score", "macro", "micro", "map", "bleu", "tokens_per_second"};

template <class Words>
bool holds(const std::string& name, const Words& words) {
  return std::any_of(words.begin(), words.end(), [&](const char* word) { return name.find(word) != std::string::npos; });
}

// The value at the keys, each of which may itself hold dots.
const nlohmann::json* at_path(const nlohmann::json& value, const std::vector<std::string>& keys, size_t from) {
  if (from == keys.size()) {
    return &value;
  }
  std::string key;
  for (size_t i = from; i < keys.size() && value.is_object(); ++i) {
    key += (i == from ? "" : ".") + keys[i];
    if (const auto found = value.find(key); found != value.end()) {
      if (const auto* inner = at_path(*found, keys, i + 1)) {
        return inner;
      }
    }
  }
  return nullptr;
}

void kind_from_word(Node& map, const std::string& key) {
  for (auto& entry : map.entries) {
    if (entry.key == key && entry.value.kind == Node::Kind::kScalar) {
      const Node word = entry.value;
      entry.value = Node{};
      entry.value.kind = Node::Kind::kMap;
      entry.value.mark = word.mark;
      entry.value.entries.push_back({"kind", word.mark, word});
    }
  }
}

}  // namespace

void TuneOptions::fields(Fields<TuneOptions>& f) {
  f.add("recipe", &TuneOptions::recipe, "what a trial runs: a recipe's path, or a recipe: {verb: ...} or {steps: ...}").required();
  f.add("data_dir", &TuneOptions::data_dir, "where relative sources of the recipe start from; empty: as it says").speed();
  f.add("space", &TuneOptions::space,
        "fields to search, as {fit.fasttext.learning_rate: {log: [0.01, 1]}}: float, log, int: [lowest, highest], step; choice: [...]; "
        "when: {other.field: value}")
      .required();
  f.add("metric", &TuneOptions::metric,
        "what counts: STEP.KEY of a result, or STEP.EVENT.FIELD (pretrain.eval.loss), which can be watched on the way; a list "
        "for several objectives")
      .required();
  f.add("direction", &TuneOptions::direction, "minimize or maximize, a list for several; empty: as the metric's name says");
  f.add("trials", &TuneOptions::trials, "how many points are tried").range(1, 1000000);
  f.add("sampler", &TuneOptions::sampler, "what to try next: tpe, random, sobol, grid, gp, cma, nsga2");
  f.add("pruner", &TuneOptions::pruner, "which trials end early: none, median, percentile, asha, hyperband");
  f.add("parallel", &TuneOptions::parallel,
        "trials at the same time; a trial then knows all but the newest 2 x parallel - 2, so that the study does not depend on "
        "who is faster")
      .range(1, 1024);
  f.add("timeout", &TuneOptions::timeout, "seconds after which no new trial begins; 0: never").range(0, 1e9);
  f.add("failures", &TuneOptions::failures, "failed trials after which the study gives up").range(0, 1000000);
  f.add("digits", &TuneOptions::digits, "significant digits of continuous values").range(2, 17);
  f.add("seed", &TuneOptions::seed, "of the search").range(0, 9e15);
  f.add("threads", &TuneOptions::threads, "of each trial; 0: the cores shared among parallel ones").range(0, 4096).speed();
}

MetricPath parse_metric(const std::string& text) {
  MetricPath path;
  path.text = text;
  path.keys = split_text(text, '.');
  const bool empty = std::any_of(path.keys.begin(), path.keys.end(), [](const std::string& key) { return key.empty(); });
  if (path.keys.size() < 2 || empty) {
    throw Error(ErrorKind::kUsage, "the metric '" + text + "' must be STEP.KEY, as fit.valid_accuracy, or STEP.EVENT.FIELD, as "
                "pretrain.eval.loss");
  }
  path.step = path.keys[0];
  path.keys.erase(path.keys.begin());
  return path;
}

namespace {

// The numbers of a result by the names that a metric has; of a score its value alone.
void add_numbers(const nlohmann::json& result, const std::string& path, std::vector<std::string>& names) {
  const bool is_score = result.is_object() && result.contains("value") && result["value"].is_number();
  if (result.is_number() || is_score) {
    names.push_back(path);
  } else if (result.is_object()) {
    for (const auto& [key, value] : result.items()) {
      add_numbers(value, path + "." + key, names);
    }
  }
}

// Why the result has no such number: a score that is not defined beside others that are, else a name that is another's.
std::string hint_of_lacking(const nlohmann::json& result, const MetricPath& metric) {
  const size_t dot = metric.text.rfind('.');
  const std::string why = why_undefined(metric.text.substr(dot + 1));
  const auto* beside = at_path(result, {metric.keys.begin(), metric.keys.end() - 1}, 0);
  std::vector<std::string> names;
  if (!why.empty() && beside != nullptr && beside->is_object()) {
    for (const auto& [key, score] : beside->items()) {
      if (score.is_object() && score.contains("value")) {
        names.push_back(metric.text.substr(0, dot + 1) + key);
      }
    }
  }
  if (!names.empty()) {
    return "it is not defined where " + why + "; there are " + join_text(names, ", ");
  }
  add_numbers(result, metric.step, names);
  return did_you_mean(metric.text, names);
}

}  // namespace

const StepPlan& metric_step(const PipelinePlan& plan, const MetricPath& metric) {
  std::vector<std::string> labels;
  for (const StepPlan& step : plan.steps) {
    if (step.label == metric.step) {
      return step;
    }
    labels.push_back(step.label);
  }
  throw Error(ErrorKind::kUsage, "the metric '" + metric.text + "' names no step of the recipe", "",
              "the steps are " + join_text(labels, ", "));
}

MetricReading read_metric(const StepPlan& step, const MetricPath& metric, const RunStore& store) {
  MetricReading reading;
  const fs::path folder = run_folder(step, store);
  if (folder.empty()) {
    return reading;
  }
  if (metric.keys.size() >= 2 && fs::exists(folder / "events.jsonl")) {
    const std::vector<std::string> field(metric.keys.begin() + 1, metric.keys.end());
    int64_t count = 0;
    read_events(folder / "events.jsonl", [&](const nlohmann::json& event) {
      if (event.value("type", "") != metric.keys[0]) {
        return;
      }
      const auto* value = at_path(event, field, 0);
      if (value == nullptr || (!value->is_number() && !value->is_null())) {
        return;
      }
      const auto at = event.find("step");
      count = at != event.end() && at->is_number() ? at->get<int64_t>() : count + 1;
      const double number = value->is_null() ? std::numeric_limits<double>::quiet_NaN() : value->get<double>();
      if (!reading.steps.empty() && reading.steps.back().first >= count) {
        reading.steps.back().second = number;
        return;
      }
      reading.steps.emplace_back(count, number);
    });
  }
  if (const auto done = store.find_done(step.verb->name, step.id)) {
    const auto result = done->info.value("result", nlohmann::json());
    const auto* value = at_path(result, metric.keys, 0);
    if (value != nullptr && value->is_object() && value->contains("value")) {
      value = &(*value)["value"];
    }
    if (value != nullptr && value->is_number()) {
      reading.value = value->get<double>();
    } else {
      reading.hint = hint_of_lacking(result, metric);
    }
  }
  if (!reading.value && !reading.steps.empty()) {
    reading.value = reading.steps.back().second;
  }
  return reading;
}

std::vector<std::string> metric_names(const nlohmann::json& metric) {
  std::vector<std::string> names;
  for (const auto& name : metric.is_array() ? metric : nlohmann::json::array({metric})) {
    if (!name.is_string()) {
      throw Error(ErrorKind::kUsage, "metric must be text such as fit.valid_accuracy, or a list of such", "metric");
    }
    names.push_back(name.get<std::string>());
    parse_metric(names.back());
  }
  if (names.empty() || names.size() > 16) {
    throw Error(ErrorKind::kUsage, "metric must name 1 to 16 objectives", "metric");
  }
  return names;
}

std::vector<bool> directions(const nlohmann::json& direction, const std::vector<std::string>& metrics) {
  nlohmann::json given = direction.is_array() ? direction : nlohmann::json::array({direction});
  std::vector<bool> maximise;
  for (size_t i = 0; i < metrics.size(); ++i) {
    const auto word = i < given.size() ? given[i] : nlohmann::json(nullptr);
    const std::string last = metrics[i].substr(metrics[i].find('.') + 1);  // without the step
    if (word == "minimize" || word == "maximize") {
      maximise.push_back(word == "maximize");
    } else if (!word.is_null() && word != "") {
      throw Error(ErrorKind::kUsage, "direction must be minimize or maximize, not " + word.dump(), "direction");
    } else if (holds(last, kSmaller)) {
      maximise.push_back(false);
    } else if (holds(last, kLarger)) {
      maximise.push_back(true);
    } else {
      throw Error(ErrorKind::kUsage, "is a large '" + metrics[i] + "' good or bad?", "direction",
                  "say direction: maximize or direction: minimize");
    }
  }
  if (given.size() > metrics.size()) {
    throw Error(ErrorKind::kUsage, "there are more directions than metrics", "direction");
  }
  return maximise;
}

std::vector<Override> overrides_of(const nlohmann::json& values) {
  std::vector<Override> overrides;
  for (const auto& [key, value] : values.items()) {
    overrides.push_back({key, value.dump()});
  }
  return overrides;
}

std::string command_text(const nlohmann::json& recipe, const nlohmann::json& values) {
  std::string text = "athanor run " + (recipe.is_string() ? recipe.get<std::string>() : "best.yaml");
  for (const auto& [key, value] : values.items()) {
    const std::string word = value.is_string() ? value.get<std::string>() : value.dump();
    const bool plain = word.find_first_of(" '\"\\$[]{}*?;&|<>()#~`!") == std::string::npos;
    text += " " + (plain ? key + "=" + word : "'" + key + "=" + word + "'");
  }
  return text;
}

OptionSchema tune_schema() {
  OptionSchema schema = schema_of<TuneOptions>();
  const auto parse = schema.parse;
  schema.parse = [parse](const Node& map, const std::string& path) {
    Node copy = map;
    kind_from_word(copy, "sampler");
    kind_from_word(copy, "pruner");
    if (const Node* space = copy.find("space")) {
      tune::Space::parse(*space);
    }
    return parse(copy, path);
  };
  return schema;
}

}  // namespace athanor
