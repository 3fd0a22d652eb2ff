#include "athanor/stage/page.h"

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/base/version.h"
#include "athanor/stage/lineage.h"
#include "athanor/stage/page_data.h"
#include "athanor/stage/page_training.h"
#include "athanor/stage/runs_folder.h"
#include "athanor/stage/tune_page.h"
#include "athanor/stage/validate_page.h"

namespace athanor {

namespace {

const nlohmann::json& result_of(const StepOutcome& outcome) {
  static const nlohmann::json kNone = nlohmann::json::object();
  const auto found = outcome.info.find("result");
  return found != outcome.info.end() && found->is_object() ? *found : kNone;
}

std::string verb_of(const StepOutcome& outcome) { return outcome.info.value("verb", ""); }

void add_evaluation(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page) {
  ReportSection section{.title = "Evaluation"};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (verb_of(outcomes[i]) != "evaluate") {
      continue;
    }
    const auto& result = result_of(outcomes[i]);
    KeyValueBlock block{.caption = plan.steps[i].label};
    for (const char* name : {"accuracy", "macro_f1", "rmse", "mae", "r2", "loss", "perplexity", "bits_per_byte", "tokens",
                             "bytes", "windows"}) {
      const auto number = result.value(name, nlohmann::json());
      if (!number.is_object() || !number.contains("value")) {
        continue;
      }
      std::string text = human_number(number["value"].get<double>(), 6);
      if (number.contains("standard_error")) {
        text += " \u00b1 " + human_number(number["standard_error"].get<double>(), 3);
      }
      block.items.push_back({name, text, number.value("unit", "")});
      const std::string key = name;
      if (key == "loss" || key == "perplexity" || key == "bits_per_byte" || key == "accuracy" || key == "macro_f1" ||
          key == "rmse") {
        const std::string label = key == "bits_per_byte" ? "bits per byte"
                                  : key == "loss"        ? "held-out loss"
                                  : key == "macro_f1"    ? "macro F1"
                                                         : key;
        std::string spread;
        if (number.contains("standard_error")) {
          spread = "\u00b1 " + human_number(number["standard_error"].get<double>(), 2) + ", over " +
                   number.value("over", "");
        }
        page.figures.push_back({label, fixed_number(number["value"].get<double>(), key == "perplexity" ? 1 : 3),
                                key == "perplexity" ? "" : number.value("unit", ""), spread, plan.steps[i].label});
      }
    }
    section.blocks.push_back(std::move(block));
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_samples(const std::vector<StepOutcome>& outcomes, Report& page) {
  ReportSection section{.title = "Samples"};
  for (const auto& outcome : outcomes) {
    const nlohmann::json samples = result_of(outcome).value("samples", nlohmann::json::array());
    if (!samples.is_array()) {
      continue;
    }
    for (const auto& sample : samples) {
      section.blocks.push_back(
          SampleBlock{sample.value("how", ""), sample.value("prompt", ""), sample.value("text", "")});
    }
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_steps(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page) {
  TableBlock table{.caption = "", .header = {"step", "run", "made", "time", "result"}};
  double seconds = 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto& info = outcomes[i].info;
    seconds += info.value("seconds", 0.0);
    table.rows.push_back({plan.steps[i].label, outcomes[i].run, info.value("finished", ""),
                          human_duration(info.value("seconds", 0.0)), result_of(outcomes[i]).value("summary", "")});
  }
  page.figures.push_back({"time", human_duration(seconds), "", "", outcomes.size() == 1 ? "one run" : std::to_string(outcomes.size()) + " runs"});
  ReportSection section{.title = "Steps"};
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

LineageNode lineage_node(const nlohmann::json& tree) {
  LineageNode node;
  const std::string part = tree.value("part", "");
  node.name = tree.value("run", "").empty() ? tree.value("path", "") : tree.value("run", "");
  node.name += part.empty() ? "" : "/" + part;
  node.role = tree.value("role", "");
  node.detail = tree.value("seen", false) ? "see above" : tree.value("summary", "");
  const std::string digest = tree.value("digest", "");
  if (!digest.empty()) {
    node.detail += (node.detail.empty() ? "" : ", ") + ("sha256 " + digest.substr(0, 12));
  }
  for (const auto& input : tree.value("inputs", nlohmann::json::array())) {
    node.inputs.push_back(lineage_node(input));
  }
  const auto pins = tree.value("pins", nlohmann::json());
  for (size_t i = 0; pins.is_array() && i < std::min<size_t>(pins.size(), 3); ++i) {
    const auto& pin = pins[i];
    node.inputs.push_back(
        {pin.value("source", pin.value("name", "")), "raw", pin.value("integrity", pin.value("sha256", "")), {}});
  }
  if (pins.is_array() && pins.size() > 3) {
    node.inputs.push_back({"and " + std::to_string(pins.size() - 3) + " more files", "raw", "", {}});
  }
  return node;
}

void add_origin(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page) {
  ReportSection section{.title = "Where it came from"};
  const StepOutcome* last = &outcomes.back();
  for (const auto& outcome : outcomes) {
    if (outcome.info.contains("output") && outcome.info["output"].value("kind", "") == "model") {
      last = &outcome;
    }
  }
  const RunStore store(last->dir.parent_path());
  if (const auto run = store.find(last->run)) {
    section.blocks.push_back(LineageBlock{lineage_node(lineage_tree(store, *run))});
  }
  section.blocks.push_back(TextBlock{"The recipe, every default written out", pipeline_recipe(plan), true});
  KeyValueBlock place{.caption = "Environment"};
  const auto machine = machine_json();
  for (const auto& [key, value] : machine.items()) {
    place.items.push_back({key,
                           key == "memory_bytes" ? human_bytes(value.get<double>())
                           : value.is_string()   ? value.get<std::string>()
                                                 : value.dump(),
                           ""});
  }
  place.items.push_back({"athanor", std::string(kVersion) + ", commit " + kCommit, ""});
  section.blocks.push_back(std::move(place));
  page.sections.push_back(std::move(section));
}

void add_next(const std::vector<StepOutcome>& outcomes, Report& page) {
  std::string commands;
  for (const auto& outcome : outcomes) {
    if (verb_of(outcome) == "pretrain") {
      const std::string run = outcome.run + runs_argument(outcome.dir.parent_path());
      commands = "athanor chat " + run + "\nathanor lineage " + run + "\n";
    }
  }
  if (!commands.empty()) {
    ReportSection section{.title = "Go on"};
    section.blocks.push_back(TextBlock{"", commands + "athanor explain pretrain\n", false});
    page.sections.push_back(std::move(section));
  }
}

// Links to what the steps made for a person: their scores, charts and mistakes stand there in full.
void add_pages(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page) {
  std::string links;
  for (const auto& outcome : outcomes) {
    std::error_code code;
    if (fs::is_regular_file(outcome.dir / "out" / "report.html", code)) {
      links += (links.empty() ? "" : "\n\n") + (plan.single ? "" : "../../" + outcome.run + "/") + "out/report.html";
    }
  }
  if (links.empty()) {
    return;
  }
  ReportSection section{.title = plan.single ? "The full page" : "Pages of the steps", .intro = "Scores, charts and tables in full:"};
  section.blocks.push_back(ParagraphBlock{links});
  page.sections.insert(plan.single ? page.sections.begin() : page.sections.end(), std::move(section));
}

}  // namespace

Report build_page(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes) {
  Report page;
  page.title = plan.name;
  add_evaluation(plan, outcomes, page);  // its figures come first on the page
  std::vector<ReportSection> evaluation = std::move(page.sections);
  page.sections.clear();
  add_data(plan, outcomes, page);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (verb_of(outcomes[i]) == "pretrain" || verb_of(outcomes[i]) == "finetune") {
      add_training(plan.steps[i].label, outcomes[i], page);
      page.subtitle = result_of(outcomes[i]).value("summary", "");
    }
  }
  for (const auto& outcome : outcomes) {
    if (verb_of(outcome) == "tune") {
      add_study(nlohmann::json::parse(read_file(outcome.dir / "out" / "study.json")), page);
    } else if (verb_of(outcome) == "validate") {
      add_validation(nlohmann::json::parse(read_file(outcome.dir / "out" / "validation.json")), page);
    }
  }
  std::move(evaluation.begin(), evaluation.end(), std::back_inserter(page.sections));
  add_samples(outcomes, page);
  add_steps(plan, outcomes, page);
  add_origin(plan, outcomes, page);
  add_pages(plan, outcomes, page);
  add_next(outcomes, page);
  if (page.subtitle.empty()) {
    page.subtitle = result_of(outcomes.back()).value("summary", "");
  }
  page.footer = "athanor " + std::string(kVersion) + ", commit " + kCommit + ", " + utc_time(unix_time());
  page.data = {{"recipe", plan.name}, {"id", plan.id}, {"steps", nlohmann::json::object()}};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    page.data["steps"][plan.steps[i].label] = {
        {"run", outcomes[i].run}, {"seconds", outcomes[i].info.value("seconds", 0.0)}, {"result", result_of(outcomes[i])}};
  }
  return page;
}

}  // namespace athanor
