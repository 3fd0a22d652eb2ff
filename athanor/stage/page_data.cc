#include "athanor/stage/page_data.h"

#include "athanor/base/format.h"

namespace athanor {

namespace {

std::string dropped_text(const nlohmann::json& dropped) {
  std::string text;
  for (const auto& [reason, count] : dropped.items()) {
    if (count.is_number() && count.get<double>() > 0) {
      text += (text.empty() ? "" : ", ") + reason + " " + grouped_integer(count.get<int64_t>());
    }
  }
  return text;
}

std::string count_text(const nlohmann::json& object, const char* key) {
  return grouped_integer(object.value(key, int64_t{0}));
}

// Rule by rule, when the step tells; else reason by reason.
void add_dropped(const std::string& label, const nlohmann::json& result, TableBlock& rules, TableBlock& examples) {
  const auto funnel = result.find("funnel");
  if (funnel == result.end()) {
    const auto dropped = result.value("dropped", nlohmann::json::object());
    for (const auto& [reason, count] : dropped.items()) {
      if (count.is_number() && count.get<int64_t>() > 0) {
        rules.rows.push_back({label, reason, "", grouped_integer(count.get<int64_t>()), ""});
      }
    }
    return;
  }
  for (const auto& rule : *funnel) {
    rules.rows.push_back(
        {label, rule.value("rule", ""), count_text(rule, "in"), count_text(rule, "dropped"), count_text(rule, "out")});
    for (const auto& example : rule["examples"]) {
      const auto score = example.find("score");
      examples.rows.push_back({rule.value("rule", ""), example.value("id", "").substr(0, 12),
                               score != example.end() && score->is_number() ? human_number(score->get<double>(), 4) : "",
                               example.value("text", "")});
    }
  }
}

}  // namespace

void add_data(const PipelinePlan& plan, const std::vector<StepOutcome>& outcomes, Report& page) {
  Funnel funnel{.title = "Documents from step to step"};
  TableBlock rules{.caption = "What was set aside", .header = {"step", "rule or reason", "in", "dropped", "out"}};
  TableBlock examples{.caption = "Examples of what was dropped (athanor why ID tells the whole story)",
                      .header = {"rule", "document", "score", "beginning"}};
  TableBlock parts_table{.caption = "Parts and tokens", .header = {"what", "documents", "text", "tokens"}};
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const auto result = outcomes[i].info.value("result", nlohmann::json::object());
    const std::string& label = plan.steps[i].label;
    if (plan.steps[i].inserted || !result.is_object()) {
      continue;
    }
    if (const auto parts = result.find("parts"); parts != result.end()) {
      for (const auto& [part, numbers] : parts->items()) {
        parts_table.rows.push_back({label + "/" + part, count_text(numbers, "documents"),
                                    human_bytes(numbers.value("text_bytes", 0.0)), ""});
      }
    } else if (plan.steps[i].verb->output == ArtifactKind::kDocuments && result.contains("documents")) {
      funnel.steps.push_back({label, result.value("documents", 0.0), "documents",
                              dropped_text(result.value("dropped", nlohmann::json::object()))});
      add_dropped(label, result, rules, examples);
    } else if (result.contains("tokens") && result.contains("text_bytes")) {
      parts_table.rows.push_back({label, count_text(result, "documents"), human_bytes(result.value("text_bytes", 0.0)),
                                  count_text(result, "tokens")});
    }
  }
  ReportSection section{.title = "Data"};
  if (!funnel.steps.empty()) {
    section.blocks.push_back(FunnelBlock{funnel});
  }
  for (auto* table : {&rules, &examples, &parts_table}) {
    if (!table->rows.empty()) {
      section.blocks.push_back(*table);
    }
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

}  // namespace athanor
