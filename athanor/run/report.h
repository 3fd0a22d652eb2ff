// The page that a run leaves: report.html, self-contained (no network, no script, no outside font), and
// report.json beside it. Any verb fills the plain struct below.
//
//   Report report{.title = "pretrain-1f3a9c20", .subtitle = "gpt, 10.6 M parameters"};
//   report.figures.push_back({"validation loss", "3.214", "nats/token", "± 0.012", "evaluate, 23
//   documents"}); ReportSection curves{.title = "Training"};
//   curves.blocks.push_back(ChartBlock{{loss_chart}});
//   curves.blocks.push_back(ChartBlock{{lr_chart, speed_chart}});      // side by side
//   report.sections.push_back(std::move(curves));
//   write_report(report, run_dir / "out");
//
// All text is data: it is escaped, invalid UTF-8 is replaced, and the page's Content-Security-Policy forbids
// scripts and every fetch. Same Report, same bytes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/run/svg.h"

namespace athanor {

// A big number at the top of the page.
struct KeyFigure {
  std::string name;    // "validation loss"
  std::string value;   // "3.214", formatted by the caller (base/format.h)
  std::string unit;    // "nats/token"
  std::string spread;  // "± 0.012 (95 %, 23 documents)"; may be empty
  std::string how;     // how to get it again: a command, or what it was measured on; may be empty
};

// A column whose cells are all numbers (with or without a unit) is aligned right.
struct TableBlock {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // short rows are filled with empty cells
};

// One or more line charts; several stand two a row where the page is wide enough.
struct ChartBlock {
  std::vector<LineChart> charts;
};

struct BarBlock {
  BarChart chart;
};

struct HistogramBlock {
  Histogram chart;
};

struct FunnelBlock {
  Funnel funnel;
};

struct HeatBlock {
  HeatMap chart;
};

// A drawing made elsewhere: an SVG element in the classes of run/svg.h, its texts escaped. Wider than the page: it scrolls.
struct PictureBlock {
  std::string caption;
  std::string svg;
};

struct KeyValue {
  std::string key;
  std::string value;
  std::string unit;
};

struct KeyValueBlock {
  std::string caption;
  std::vector<KeyValue> items;
};

struct ParagraphBlock {
  std::string text;  // blank lines separate paragraphs; one that is only a relative path of a page ("out/report.html") is a link
};

// Preformatted: a recipe, a log, a command. Folded away behind its caption when `folded`.
struct TextBlock {
  std::string caption;
  std::string text;
  bool folded = false;
};

// What a model wrote: the prompt, and its continuation set off.
struct SampleBlock {
  std::string caption;  // "temperature 0.8, top-k 40, seed 1"
  std::string prompt;
  std::string answer;
};

struct NoteBlock {
  enum class Level { kNote, kWarning, kError };
  Level level = Level::kNote;
  std::string text;
};

struct LineageNode {
  std::string name;    // "pretrain-1f3a9c20", "sotu.jsonl"
  std::string role;    // how the parent uses it: "tokenizer", "train"; may be empty
  std::string detail;  // "8.2 MB, sha256 1f3a9c20"
  std::vector<LineageNode> inputs;
};

struct LineageBlock {
  LineageNode root;  // the artifact; its inputs are children. Drawn to a depth of 64.
};

using ReportBlock = std::variant<ParagraphBlock, TableBlock, ChartBlock, BarBlock, HistogramBlock,
                                 FunnelBlock, KeyValueBlock, TextBlock, SampleBlock, NoteBlock, LineageBlock, HeatBlock,
                                 PictureBlock>;

struct ReportSection {
  std::string title;
  std::string intro;
  std::vector<ReportBlock> blocks;
};

struct Report {
  std::string title;
  std::string subtitle;
  std::string language = "en";  // of the page's own words: "en" or "zh"
  std::vector<KeyFigure> figures;
  std::vector<ReportSection> sections;
  std::string footer;   // "athanor 0.1.0, commit ed934a1, 2026-11-22 06:13 UTC"
  nlohmann::json data;  // all numbers: report.json, and inside the page where it is at most 64 kB
};

std::string render_html(const Report& report);

// report.html and report.json, each atomically. Throws Error(kResource) when the disk refuses.
void write_report(const Report& report, const fs::path& dir);

}  // namespace athanor
