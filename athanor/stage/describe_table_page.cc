// The table's part of the page of `describe`.
#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/stage/describe_table.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

constexpr size_t kMostCharts = 40;   // histograms and bars
constexpr size_t kMostRows = 200;    // of the table of columns

std::string count_text(const Json& object, const char* key) { return grouped_integer(object.value(key, int64_t{0})); }
std::string number_text(const Json& value) { return value.is_number() ? human_number(value.get<double>(), 5) : ""; }

std::string share_text(const Json& column, double rows) {
  const double missing = column.value("missing", 0.0);
  return missing == 0 ? "0" : grouped_integer(static_cast<int64_t>(missing)) + " (" + human_percent(missing / std::max(1.0, rows)) + ")";
}

void add_columns(const Json& profile, Report& page) {
  const double rows = profile["rows"].get<double>();
  ReportSection section{.title = "Columns"};
  section.intro = "Types as they were guessed, or as `read.types` says; a value that is not of its column's type counts as missing.";
  TableBlock all{.caption = "", .header = {"column", "type", "missing", "different", "what stands there"}};
  TableBlock numbers{.caption = "Numbers",
                     .header = {"column", "min", "25 %", "median", "75 %", "max", "mean", "deviation", "zeros", "outside 1.5 x IQR"}};
  for (const Json& column : profile["columns"]) {
    std::string what;
    if (column.contains("quartiles")) {
      const Json& q = column["quartiles"];
      what = number_text(column["min"]) + " .. " + number_text(column["max"]);
      numbers.rows.push_back({column.value("name", ""), number_text(column["min"]), number_text(q[0]), number_text(q[1]), number_text(q[2]),
                              number_text(column["max"]), number_text(column["mean"]), number_text(column["deviation"]),
                              count_text(column, "zeros"), column.contains("outside_fences") ? count_text(column, "outside_fences") : ""});
    } else if (column.contains("from")) {
      what = column.value("from", "") + " .. " + column.value("to", "") + ", in the middle " + column.value("middle", "");
    } else if (column.contains("values") && column["values"].is_array()) {
      for (size_t i = 0; i < std::min<size_t>(4, column["values"].size()); ++i) {
        const Json& value = column["values"][i];
        what += (i == 0 ? "" : ", ") + value.value("value", "") + " " + count_text(value, "rows");
      }
      what += column["values"].size() > 4 ? ", ..." : "";
    } else if (column.contains("characters")) {
      const Json& c = column["characters"];
      what = number_text(c[0]) + " .. " + number_text(c[2]) + " characters, in the middle " + number_text(c[1]);
    } else if (column.contains("features")) {
      what = count_text(column, "features") + " sparse features, " + count_text(column, "values") + " values";
    }
    if (column.value("unreadable", int64_t{0}) > 0) {
      what += "; " + count_text(column, "unreadable") + " not of this type, such as '" + column.value("example", "") + "'";
    }
    if (column.value("infinite", int64_t{0}) > 0) {
      what += "; " + count_text(column, "infinite") + " infinite";
    }
    if (all.rows.size() < kMostRows) {
      all.rows.push_back({column.value("name", ""), column.value("kind", ""), share_text(column, rows), count_text(column, "distinct"), what});
    }
  }
  section.blocks.push_back(std::move(all));
  if (!numbers.rows.empty()) {
    section.blocks.push_back(std::move(numbers));
  }
  page.sections.push_back(std::move(section));
}

void add_leaks(const Json& profile, Report& page) {
  ReportSection section{.title = "What to look at"};
  for (const Json& leak : profile["leaks"]) {
    const std::string what = leak.value("what", "");
    const bool grave = what.ends_with("target");
    section.blocks.push_back(NoteBlock{grave ? NoteBlock::Level::kWarning : NoteBlock::Level::kNote,
                                       leak.value("text", "") + ". " + leak.value("advice", "")});
  }
  for (const Json& note : profile.value("notes", Json::array())) {
    section.blocks.push_back(NoteBlock{NoteBlock::Level::kNote, note.get<std::string>()});
  }
  const Json& repeats = profile["duplicate_rows"];
  if (repeats.value("rows", uint64_t{0}) > 0) {
    section.blocks.push_back(NoteBlock{NoteBlock::Level::kNote, count_text(repeats, "rows") + " rows repeat another one in every column (" +
                                                                    count_text(repeats, "groups") + " groups, the largest of " +
                                                                    count_text(repeats, "largest") + "). duplicates: {keep: first}"});
  }
  if (section.blocks.empty()) {
    section.blocks.push_back(ParagraphBlock{"No id, constant, repeated or one-to-one column, and no repeated row."});
  }
  page.sections.push_back(std::move(section));
}

void add_target(const Json& profile, Report& page) {
  if (!profile.contains("target")) {
    return;
  }
  const Json& target = profile["target"];
  ReportSection section{.title = "The target: " + target.value("name", "")};
  if (target.value("missing", int64_t{0}) > 0) {
    section.blocks.push_back(NoteBlock{NoteBlock::Level::kWarning, count_text(target, "missing") + " rows have no target"});
  }
  if (target.contains("classes")) {
    BarChart chart{.title = "Rows of each class", .unit = "rows"};
    std::string rare;
    for (const Json& one : target["classes"]) {
      chart.labels.push_back(one.value("value", ""));
      chart.values.push_back(one.value("rows", 0.0));
      if (one.value("rare", false)) {
        rare += (rare.empty() ? "" : ", ") + one.value("value", "") + " (" + human_percent(one.value("share", 0.0)) + ")";
      }
    }
    section.blocks.push_back(BarBlock{chart});
    section.blocks.push_back(ParagraphBlock{"The most frequent class has " + human_number(target.value("most_to_least", 0.0), 3) +
                                            " times the rows of the rarest." +
                                            (rare.empty() ? "" : " Rare: " + rare + "; stratify the split, and look at more than accuracy.")});
  }
  const Json& pairs = profile["associations"]["with_target"];
  if (!pairs.empty()) {
    TableBlock table{.caption = "What goes with it", .header = {"column", "measure", "value", "Spearman"}};
    for (const Json& pair : pairs) {
      const std::string other = pair.value("a", "") == target.value("name", "") ? pair.value("b", "") : pair.value("a", "");
      table.rows.push_back({other, pair.value("measure", ""), fixed_number(pair.value("value", 0.0), 3),
                            pair.contains("rank") ? fixed_number(pair["rank"].get<double>(), 3) : ""});
    }
    section.blocks.push_back(std::move(table));
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

void add_associations(const Json& profile, Report& page) {
  const Json& all = profile["associations"];
  if (all["pairs"].empty()) {
    return;
  }
  ReportSection section{.title = "What goes together"};
  section.intro = "Pearson's r between numbers, Cramer's V between categories, eta between the two; over rows that have both" +
                  (all.value("rows", 0.0) < profile.value("rows", 0.0)
                       ? ", of " + count_text(all, "rows") + " rows drawn by a hash of their ids."
                       : std::string("."));
  HeatMap heat{.title = "The strongest pairs"};
  for (const Json& name : all["heat"]["names"]) {
    heat.rows.push_back(name.get<std::string>());
  }
  heat.columns = heat.rows;
  for (const Json& value : all["heat"]["values"]) {
    heat.values.push_back(value.is_number() ? value.get<double>() : NAN);
  }
  if (heat.rows.size() > 1) {
    section.blocks.push_back(HeatBlock{heat});
  }
  TableBlock table{.caption = "", .header = {"", "", "measure", "value", "Spearman"}};
  for (const Json& pair : all["pairs"]) {
    table.rows.push_back({pair.value("a", ""), pair.value("b", ""), pair.value("measure", ""), fixed_number(pair.value("value", 0.0), 3),
                          pair.contains("rank") ? fixed_number(pair["rank"].get<double>(), 3) : ""});
  }
  section.blocks.push_back(std::move(table));
  page.sections.push_back(std::move(section));
}

void add_distributions(const Json& profile, Report& page) {
  ReportSection section{.title = "Distributions"};
  for (const Json& column : profile["columns"]) {
    if (section.blocks.size() >= kMostCharts) {
      section.blocks.push_back(ParagraphBlock{"The other columns stand in report.json."});
      break;
    }
    const std::string name = column.value("name", "");
    if (column.contains("histogram")) {
      section.blocks.push_back(HistogramBlock{{.title = name,
                                               .x_label = "",
                                               .y_label = "rows",
                                               .edges = column["histogram"]["edges"].get<std::vector<double>>(),
                                               .counts = column["histogram"]["counts"].get<std::vector<double>>()}});
    } else if (column.contains("values") && column["values"].is_array() && column["values"].size() > 1 &&
               column["values"][0].value("rows", 0) > 1) {
      BarChart chart{.title = name, .unit = "rows"};
      for (const Json& value : column["values"]) {
        chart.labels.push_back(value.value("value", ""));
        chart.values.push_back(value.value("rows", 0.0));
      }
      section.blocks.push_back(BarBlock{chart});
    }
  }
  if (!section.blocks.empty()) {
    page.sections.push_back(std::move(section));
  }
}

}  // namespace

void add_table_sections(const Json& profile, Report& page) {
  add_leaks(profile, page);
  add_columns(profile, page);
  add_target(profile, page);
  add_associations(profile, page);
  add_distributions(profile, page);
}

}  // namespace athanor
