#include "athanor/stage/describe_page.h"

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/base/unicode.h"
#include "athanor/stage/describe_table.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

constexpr size_t kBars = 25;
constexpr size_t kColumnCharts = 40;

std::string count_text(const Json& object, const char* key) {
  return grouped_integer(object.value(key, int64_t{0}));
}

std::string number_text(const Json& value) { return value.is_number() ? human_number(value.get<double>()) : ""; }

// The chart's edges are above 0 on a log axis: what is below 1 stands from a half.
HistogramBlock histogram_of(const Json& summary, const std::string& title, const std::string& x_label) {
  Histogram chart{.title = title, .x_label = x_label, .y_label = "documents"};
  const Json& histogram = summary["histogram"];
  chart.edges = histogram["edges"].get<std::vector<double>>();
  chart.counts = histogram["counts"].get<std::vector<double>>();
  chart.log_x = histogram.value("log", false);
  if (chart.log_x && !chart.edges.empty() && chart.edges[0] <= 0) {
    chart.edges[0] = chart.edges[1] / 2;
  }
  return {chart};
}

std::vector<std::string> summary_row(const std::string& name, const Json& summary) {
  if (!summary.contains("quantiles")) {
    return {name, "", "", "", "", "", "", "", summary.value("missing", int64_t{0}) > 0 ? count_text(summary, "missing") : ""};
  }
  const Json& quantiles = summary["quantiles"];
  return {name,
          number_text(summary["min"]),
          number_text(quantiles["0.05"]),
          number_text(quantiles["0.25"]),
          number_text(quantiles["0.5"]),
          number_text(quantiles["0.75"]),
          number_text(quantiles["0.95"]),
          number_text(summary["max"]),
          number_text(summary["mean"]),
          count_text(summary, "missing")};
}

TableBlock summary_table(const std::string& caption, const std::string& what) {
  return {.caption = caption, .header = {what, "min", "5 %", "25 %", "median", "75 %", "95 %", "max", "mean", "missing"}};
}

BarBlock bars_of(const Json& list, const std::string& title, const char* name, const char* value,
                 const std::string& unit) {
  BarChart chart{.title = title, .unit = unit};
  for (size_t i = 0; i < std::min(kBars, list.size()); ++i) {
    chart.labels.push_back(list[i].value(name, ""));
    chart.values.push_back(list[i].value(value, 0.0));
  }
  return {chart};
}

void add_figures(const Json& all, Report& page) {
  page.figures.push_back({"documents", human_count(all["documents"].get<double>()), "", "", ""});
  page.figures.push_back({"text", human_bytes(all["text_bytes"].get<double>()), "", "",
                          human_count(all["characters"].get<double>()) + " characters"});
  page.figures.push_back({"words", human_count(all["words"].get<double>()), "", "", "by athanor's own rule"});
  const Json& equal = all["duplicates"]["equal_texts"];
  const double documents = std::max(1.0, all["documents"].get<double>());
  const double extra = equal.value("members_of_repeated", 0.0) - equal.value("repeated", 0.0);
  page.figures.push_back({"equal texts", human_percent(extra / documents), "", "", "documents that another one equals"});
  if (all.value("dropped_documents", 0.0) > 0) {
    page.figures.push_back({"dropped", human_count(all["dropped_documents"].get<double>()), "", "", "kept aside with a reason"});
  }
}

void add_lengths(const Json& all, Report& page) {
  ReportSection section{.title = "Lengths"};
  TableBlock table = summary_table("", "length");
  for (const char* unit : {"characters", "words", "bytes"}) {
    const Json& summary = all["lengths"][unit];
    if (!summary.contains("histogram")) {
      continue;
    }
    if (std::string(unit) != "bytes") {
      section.blocks.push_back(histogram_of(summary, std::string("Length in ") + unit, unit));
    }
    table.rows.push_back(summary_row(unit, summary));
  }
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

void add_groups(const Json& all, Report& page) {
  const std::string by = all.value("group_by", "script");
  ReportSection section{.title = by == "script" ? "Scripts" : "Languages"};
  section.intro = by == "script" ? "The script that most letters of a document are of; the documents name no language."
                                 : "By " + by + ".";
  section.blocks.push_back(bars_of(all["groups"], "Documents", "name", "documents", "documents"));
  TableBlock table{.caption = "", .header = {by, "documents", "text", "median length", "95 %"}};
  for (size_t i = 0; i < std::min(kBars, all["groups"].size()); ++i) {
    const Json& group = all["groups"][i];
    const Json quantiles = group["characters"].value("quantiles", Json::object());
    table.rows.push_back({group.value("name", ""), count_text(group, "documents"),
                          human_bytes(group["text_bytes"].get<double>()), number_text(quantiles.value("0.5", Json())),
                          number_text(quantiles.value("0.95", Json()))});
  }
  section.blocks.push_back(std::move(table));
  if (by != "script" && !all["scripts"].empty()) {
    BarChart chart{.title = "Documents by script", .unit = "documents"};
    for (const auto& [name, count] : all["scripts"].items()) {
      chart.labels.push_back(name);
      chart.values.push_back(count.get<double>());
    }
    section.blocks.push_back(BarBlock{chart});
  }
  page.sections.push_back(std::move(section));
}

void add_sources(const Json& all, Report& page) {
  ReportSection section{.title = "Sources"};
  for (const char* what : {"sources", "hosts"}) {
    const Json& names = all[what];
    if (names["by_documents"].empty() || (std::string(what) == "hosts" && names["by_documents"] == all["sources"]["by_documents"])) {
      continue;
    }
    const std::string title = std::string(what) == "hosts" ? "Hosts" : "Sources";
    section.blocks.push_back(bars_of(names["by_documents"], title + " by documents", "name", "documents", "documents"));
    section.blocks.push_back(bars_of(names["by_bytes"], title + " by bytes", "name", "bytes", "bytes"));
    std::string note = std::string(names.value("different_is_exact", false) ? "" : "More than ") +
                       count_text(names, "different") + " different " + what + ".";
    if (names.value("by_documents_error", int64_t{0}) > 0) {
      note += " Counts are at most " + count_text(names, "by_documents_error") + " documents and " +
              count_text(names, "by_bytes_error") + " bytes too low.";
    }
    section.blocks.push_back(ParagraphBlock{note});
  }
  page.sections.push_back(std::move(section));
}

std::string values_text(const Json& values) {
  if (!values.is_object()) {
    return values.is_string() ? values.get<std::string>() : "";
  }
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [value, count] : values.items()) {
    sorted.emplace_back(-count.get<int64_t>(), value);
  }
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (size_t i = 0; i < std::min<size_t>(sorted.size(), 12); ++i) {
    text += (i > 0 ? ", " : "") + (sorted[i].second.empty() ? "(empty)" : sorted[i].second) + " " +
            grouped_integer(-sorted[i].first);
  }
  return text + (sorted.size() > 12 ? ", and " + std::to_string(sorted.size() - 12) + " more" : "");
}

void add_columns(const Json& all, Report& page) {
  ReportSection section{.title = "Columns and fields"};
  TableBlock numbers = summary_table("Numbers beside the texts", "column");
  TableBlock texts{.caption = "Texts beside the texts", .header = {"column", "values"}};
  std::vector<HistogramBlock> charts;
  for (const auto& [name, column] : all["columns"].items()) {
    if (column.contains("values")) {
      texts.rows.push_back({name, values_text(column["values"])});
    } else {
      numbers.rows.push_back(summary_row(name, column));
      if (column.contains("histogram") && charts.size() < kColumnCharts && column["min"] != column["max"]) {
        charts.push_back(histogram_of(column, name, "the end bins hold what lies outside"));
      }
    }
  }
  TableBlock meta{.caption = "Fields of meta", .header = {"field", "documents", "types", "values"}};
  for (const auto& [name, field] : all["meta"].items()) {
    meta.rows.push_back({name, count_text(field, "documents"), values_text(field["types"]), values_text(field["values"])});
  }
  for (TableBlock* table : {&numbers, &texts, &meta}) {
    if (!table->rows.empty()) {
      section.blocks.push_back(std::move(*table));
    }
  }
  for (HistogramBlock& chart : charts) {
    section.blocks.push_back(std::move(chart));
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_ngrams(const Json& all, Report& page) {
  ReportSection section{.title = "Most frequent words and phrases"};
  section.intro = "Lower-cased, with nothing but white space between; in scripts without spaces by characters.";
  for (const char* kind : {"words", "characters"}) {
    for (const auto& [length, counts] : all["ngrams"][kind].items()) {
      const bool words = std::string(kind) == "words";
      const std::string title = length == "1" ? (words ? "Words" : "Characters")
                                              : length + (words ? " words in a row" : " characters in a row");
      section.blocks.push_back(bars_of(counts["top"], title, "text", "count", "times"));
      const auto error = counts.value("error", int64_t{0});
      section.blocks.push_back(ParagraphBlock{
          "Of " + count_text(counts, "total") + "; " +
          (error == 0 ? std::string("the counts are exact.")
                      : "a count is at most " + grouped_integer(error) + " too low (" +
                            human_percent(static_cast<double>(error) / std::max(1.0, counts.value("total", 1.0))) + " of all).")});
    }
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_duplicates(const Json& all, Report& page) {
  ReportSection section{.title = "Duplicates"};
  for (const auto& [kind, title] : {std::pair("equal_texts", "Equal texts among the kept documents"),
                                    std::pair("clusters", "Clusters of near duplicates, dropped members too")}) {
    if (!all["duplicates"].contains(kind)) {
      continue;
    }
    const Json& repeats = all["duplicates"][kind];
    KeyValueBlock block{.caption = title};
    block.items.push_back({"different", count_text(repeats, "different"), ""});
    block.items.push_back({"with more than one document", count_text(repeats, "repeated"), ""});
    block.items.push_back({"documents in these", count_text(repeats, "members_of_repeated"), ""});
    block.items.push_back({"largest", count_text(repeats, "largest"), "documents"});
    section.blocks.push_back(std::move(block));
    if (repeats["sizes"].size() > 1) {
      BarChart chart{.title = "Sizes", .unit = std::string(kind) == "clusters" ? "clusters" : "texts"};
      for (const Json& size : repeats["sizes"]) {
        const auto from = size["from"].get<int64_t>();
        chart.labels.push_back(from == 1 ? "1 document" : grouped_integer(from) + " to " +
                                                               grouped_integer(size["below"].get<int64_t>() - 1));
        chart.values.push_back(size["count"].get<double>());
      }
      section.blocks.push_back(BarBlock{chart});
    }
  }
  page.sections.push_back(std::move(section));
}

void add_sample(const Json& sample, ReportSection& section) {
  const std::string text = sample.value("text", "");
  const bool cut = sample.value("bytes", uint64_t{0}) > text.size();
  section.blocks.push_back(SampleBlock{sample.value("id", "").substr(0, 12) + "  " + sample.value("source", "") + "  " +
                                           human_bytes(sample.value("bytes", 0.0)),
                                       "", text + (cut ? " \u2026" : "")});
}

void add_dropped(const Json& all, Report& page) {
  ReportSection section{.title = "What was dropped"};
  Funnel funnel{.title = "Documents from step to step"};
  for (const Json& step : all.value("steps", Json::array())) {
    if (step.contains("documents")) {
      funnel.steps.push_back({step.value("run", ""), step["documents"].get<double>(), "documents", ""});
    }
  }
  if (funnel.steps.size() > 1) {
    section.blocks.push_back(FunnelBlock{funnel});
  }
  TableBlock rules{.caption = "Rule by rule", .header = {"step", "rule or reason", "in", "dropped", "out"}};
  for (const Json& step : all.value("steps", Json::array())) {
    for (const Json& rule : step.value("funnel", Json::array())) {
      rules.rows.push_back({step.value("run", ""), rule.value("rule", ""), count_text(rule, "in"),
                            count_text(rule, "dropped"), count_text(rule, "out")});
    }
  }
  if (!rules.rows.empty()) {
    section.blocks.push_back(rules);
  }
  if (!all["dropped"].empty()) {
    section.blocks.push_back(bars_of(all["dropped"], "Reasons, of the rows that are still here", "reason", "documents", "documents"));
    for (const Json& reason : all["dropped"]) {
      section.blocks.push_back(ParagraphBlock{reason.value("reason", "") + ": " + count_text(reason, "documents") + " documents"});
      for (const Json& sample : reason["samples"]) {
        add_sample(sample, section);
      }
    }
  }
  if (rules.rows.empty() && all["dropped"].empty()) {
    section.title = "The steps";
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

}  // namespace

Report describe_page(const Json& statistics) {
  Report page;
  page.title = statistics.value("name", "documents");
  page.subtitle = count_text(statistics, "documents") + " documents, " + human_bytes(statistics["text_bytes"].get<double>());
  const bool table = statistics.contains("table") && statistics["table"].is_object();
  add_figures(statistics, page);
  if (table) {
    page.subtitle = count_text(statistics["table"], "rows") + " rows, " + std::to_string(statistics["table"]["columns"].size()) + " columns";
    add_table_sections(statistics["table"], page);
    add_sources(statistics, page);
    add_dropped(statistics, page);
    return page;  // what is counted of texts says little of rows
  }
  add_lengths(statistics, page);
  add_groups(statistics, page);
  add_sources(statistics, page);
  add_columns(statistics, page);
  add_ngrams(statistics, page);
  add_duplicates(statistics, page);
  add_dropped(statistics, page);
  if (!statistics["samples"].empty()) {
    ReportSection section{.title = "Samples of what is kept", .intro = "Drawn by a hash of the seed and the document's id."};
    for (const Json& sample : statistics["samples"]) {
      add_sample(sample, section);
    }
    page.sections.push_back(std::move(section));
  }
  return page;
}

}  // namespace athanor
