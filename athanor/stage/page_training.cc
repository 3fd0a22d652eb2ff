#include "athanor/stage/page_training.h"

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/run/event.h"
#include "athanor/stage/training_words.h"

namespace athanor {

namespace {

// How far a step moved the weights, by parameter: what one look of watch_every saw.
struct Look {
  int64_t step = 0;
  std::vector<std::pair<double, std::string>> ratios;  // ascending
};

struct Curves {
  Series train{.name = "training", .smooth = true};
  Series valid{.name = "validation"};
  Series rate{.name = "learning rate"};
  Series norm{.name = "gradient norm", .smooth = true};
  Series speed{.smooth = true};
  std::vector<Look> looks;
  TrainingRemarks remarks;
};

void add_point(Series& series, const nlohmann::json& event, const char* key) {
  const auto value = event.find(key);
  if (value != event.end() && value->is_number()) {
    series.x.push_back(event.value("step", 0.0));
    series.y.push_back(value->get<double>());
  }
}

void add_look(std::vector<Look>& looks, const nlohmann::json& event) {
  Look look{event.value("step", int64_t{0}), {}};
  const auto parameters = event.value("parameters", nlohmann::json::object());
  for (const auto& [name, parameter] : parameters.items()) {
    if (const auto ratio = parameter.find("ratio"); ratio != parameter.end() && ratio->is_number()) {
      look.ratios.push_back({ratio->get<double>(), name});
    }
  }
  std::sort(look.ratios.begin(), look.ratios.end());
  if (!look.ratios.empty()) {
    looks.push_back(std::move(look));
  }
}

// At most ten looks, evenly spread, the last one among them.
TableBlock look_table(const std::vector<Look>& looks) {
  constexpr size_t kMost = 10;
  TableBlock table{.caption = "How far a step moves the weights: the update over the weight, root mean squares (for AdamW near 1e-3)",
                   .header = {"step", "middle parameter", "least", "of", "most", "of"}};
  const size_t rows = std::min(looks.size(), kMost);
  for (size_t i = 1; i <= rows; ++i) {
    const Look& look = looks[i * looks.size() / rows - 1];
    table.rows.push_back({grouped_integer(look.step), human_number(look.ratios[look.ratios.size() / 2].first),
                          human_number(look.ratios.front().first), look.ratios.front().second,
                          human_number(look.ratios.back().first), look.ratios.back().second});
  }
  return table;
}

Curves read_curves(const fs::path& events, const std::string& unit) {
  Curves curves;
  curves.speed.name = unit + " a second";
  read_events(events, [&](const nlohmann::json& event) {
    const std::string type = event.value("type", "");
    if (type == "step") {
      add_point(curves.train, event, "loss");
      add_point(curves.rate, event, "lr");
      add_point(curves.norm, event, "grad_norm");
      add_point(curves.speed, event, (unit + "_per_second").c_str());
    } else if (type == "eval") {
      add_point(curves.valid, event, "loss");
    } else if (type == "watch") {
      add_look(curves.looks, event);
    } else {
      curves.remarks.see(event);
    }
  });
  return curves;
}

void add_time(const nlohmann::json& time, KeyValueBlock& block) {
  if (time.is_object()) {
    block.items.push_back({"time predicted after 3 s", human_duration(time.value("predicted_seconds", 0.0)), ""});
    block.items.push_back({"time it took", human_duration(time.value("measured_seconds", 0.0)),
                           "the prediction was off by " + human_percent(time.value("error", 0.0))});
  }
}

// Where the time of the steps went.
void add_breakdown(const nlohmann::json& breakdown, KeyValueBlock& block) {
  double whole = 0;
  for (const auto& [part, seconds] : breakdown.items()) {
    whole += seconds.get<double>();
  }
  const std::pair<const char*, const char*> parts[] = {{"load", "waiting for data"}, {"forward", "forward"},
                                                       {"backward", "backward"},     {"exchange", "other processes"},
                                                       {"update", "norm and update"},  {"other", "all else"}};
  for (const auto& [part, what] : parts) {
    const double seconds = breakdown.value(part, 0.0);
    if (whole > 0 && (seconds > 0 || part != std::string("exchange"))) {
      block.items.push_back({std::string("time: ") + what, human_percent(seconds / whole), human_duration(seconds)});
    }
  }
}

KeyValueBlock memory_block(const nlohmann::json& memory) {
  KeyValueBlock block{.caption = "Memory: planned and measured"};
  const auto categories = memory.value("by_category", nlohmann::json::object());
  for (const auto& [name, bytes] : categories.items()) {
    if (name != "total" && bytes.is_number()) {
      block.items.push_back({name, human_bytes(bytes.get<double>()), ""});
    }
  }
  block.items.push_back({"planned in all", human_bytes(memory.value("predicted_bytes", 0.0)), ""});
  block.items.push_back({"measured peak", human_bytes(memory.value("measured_bytes", 0.0)), ""});
  if (memory.contains("error")) {
    block.items.push_back({"the plan was off by", human_percent(memory["error"].get<double>()), ""});
  }
  return block;
}

}  // namespace

void add_training(const std::string& label, const StepOutcome& outcome, Report& page) {
  const auto result = outcome.info.value("result", nlohmann::json::object());
  const std::string unit = result.value("unit", "tokens");
  Curves curves = read_curves(outcome.dir / "events.jsonl", unit);
  ReportSection section{.title = label == "pretrain" || label == "finetune" ? "Training" : "Training: " + label};
  ChartBlock loss;
  loss.charts.push_back({.title = "Loss", .y_label = unit == "tokens" ? "nats a token" : "loss", .x_label = "step",
                         .series = {std::move(curves.train), std::move(curves.valid)}});
  section.blocks.push_back(std::move(loss));
  ChartBlock more;
  more.charts.push_back({.title = "Learning rate", .x_label = "step", .series = {std::move(curves.rate)}, .y_from_zero = true});
  more.charts.push_back({.title = "Gradient norm", .x_label = "step", .series = {std::move(curves.norm)}});
  more.charts.push_back({.title = "Speed", .y_label = unit + " a second", .x_label = "step", .series = {std::move(curves.speed)}, .y_from_zero = true});
  section.blocks.push_back(std::move(more));
  if (!curves.looks.empty()) {
    section.blocks.push_back(look_table(curves.looks));
  }
  for (const auto& remark : curves.remarks.texts()) {
    section.blocks.push_back(NoteBlock{NoteBlock::Level::kNote, remark});
  }
  KeyValueBlock numbers{.caption = "Numbers"};
  numbers.items.push_back({"parameters", grouped_integer(result.value("parameters", int64_t{0})), ""});
  numbers.items.push_back({unit + " trained on", grouped_integer(result.value(unit, int64_t{0})), ""});
  const auto valid = result.value("valid", nlohmann::json::object());
  for (const char* name : {"accuracy", "macro_f1", "rmse", "mae", "r2"}) {
    if (valid.contains(name)) {
      numbers.items.push_back({std::string("validation: ") + name, human_number(valid[name].get<double>(), 4), ""});
    }
  }
  const double speed = result.value(unit + "_per_second", 0.0);
  const std::string mfu = human_percent(result.value("mfu", 0.0));
  numbers.items.push_back({"speed", human_count(speed), unit + " a second"});
  if (result.value("flops_per_unit", 0.0) > 0) {
    numbers.items.push_back({"FLOPs a token", human_count(result.value("flops_per_unit", 0.0)), "6 N + 12 L C T"});
    if (result.value("gemm_peak_flops", 0.0) > 0) {
      numbers.items.push_back({"MFU", mfu, "of " + human_count(result.value("gemm_peak_flops", 0.0)) +
                                               " FLOP/s, this machine's own matrix products"});
    }
  }
  add_breakdown(result.value("breakdown", nlohmann::json::object()), numbers);
  add_time(result.value("time", nlohmann::json()), numbers);
  section.blocks.push_back(std::move(numbers));
  const auto memory = result.value("memory", nlohmann::json::object());
  if (memory.contains("by_category")) {
    section.blocks.push_back(memory_block(memory));
  }
  page.figures.push_back({"speed", human_count(speed), unit + " a second",
                          result.value("mfu", 0.0) > 0 ? "MFU " + mfu : "", label});
  page.figures.push_back({"parameters", human_count(result.value("parameters", 0.0)), "", "", label});
  page.sections.push_back(std::move(section));
}

}  // namespace athanor
