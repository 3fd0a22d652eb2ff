// The pages of article-extraction-benchmark, when ATHANOR_DATA has them: the score must not fall, and damaged
// pages must not harm.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/data/containers/tar.h"
#include "athanor/data/html/extract.h"
#include "athanor/data/stream/stream.h"

namespace athanor {
namespace {

std::map<std::string, std::string> members() {
  std::map<std::string, std::string> files;
  const char* data = std::getenv("ATHANOR_DATA");
  const fs::path archive = fs::path(data == nullptr ? "" : data) / "web/article-extraction-benchmark.tar.zst";
  if (data != nullptr && fs::exists(archive)) {
    const auto stream = open_stream(archive);
    TarReader tar(*stream, "benchmark");
    while (auto member = tar.next()) {
      files[fs::path(member->name).filename()] = read_all(*tar.open_member(), size_t{64} << 20).value_or("");
    }
  }
  return files;
}

// Runs of four words and how often each stands there.
std::map<std::string, int> shingles(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const char32_t code = decode_utf8(p, end);
    if (is_letter(code) || is_number(code) || code == '_') {
      append_utf8(words.back(), code);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  std::map<std::string, int> counts;
  for (size_t i = 0; i + 4 < words.size(); ++i) {
    ++counts[words[i] + ' ' + words[i + 1] + ' ' + words[i + 2] + ' ' + words[i + 3]];
  }
  return counts;
}

TEST(HtmlRealPages, AgreeWithTheGoldText) {
  const auto files = members();
  if (files.empty()) {
    GTEST_SKIP() << "set ATHANOR_DATA to a folder with web/article-extraction-benchmark.tar.zst";
  }
  const nlohmann::json gold = nlohmann::json::parse(files.at("ground-truth.json"));
  double precision = 0;
  double recall = 0;
  double pages = 0;
  for (const auto& [id, row] : gold.items()) {
    const HtmlPage page = extract_html(files.at(id + ".html"), {.url = row.at("url")});
    EXPECT_EQ(page.fault, "") << id;
    const auto wanted = shingles(row.at("articleBody"));
    const auto found = shingles(page.text);
    double hits = 0;
    double all_found = 0;
    double all_wanted = 0;
    for (const auto& [text, count] : found) {
      const auto at = wanted.find(text);
      hits += at == wanted.end() ? 0 : std::min(count, at->second);
      all_found += count;
    }
    for (const auto& [text, count] : wanted) {
      all_wanted += count;
    }
    if (all_wanted > 0) {
      precision += all_found > 0 ? hits / all_found : 0;
      recall += hits / all_wanted;
      pages += 1;
    }
  }
  precision /= pages;
  recall /= pages;
  EXPECT_GT(2 * precision * recall / (precision + recall), 0.97) << precision << " " << recall;
}

TEST(HtmlRealPages, DamageDoesNoHarm) {
  const auto files = members();
  if (files.empty()) {
    GTEST_SKIP() << "set ATHANOR_DATA to a folder with web/article-extraction-benchmark.tar.zst";
  }
  Rng rng(3);
  for (const auto& [name, bytes] : files) {
    if (!name.ends_with(".html")) {
      continue;
    }
    std::string cut = bytes.substr(0, rng.below(bytes.size()));
    std::string flipped = bytes;
    for (int i = 0; i < 200; ++i) {
      flipped[rng.below(flipped.size())] = static_cast<char>(rng.below(256));
    }
    for (const std::string* page : {&cut, &flipped}) {
      const HtmlPage result = extract_html(*page);
      EXPECT_TRUE(is_valid_utf8(result.text)) << name;
      EXPECT_EQ(result.fault.empty(), !result.text.empty()) << name << " " << result.fault;
    }
  }
}

}  // namespace
}  // namespace athanor
