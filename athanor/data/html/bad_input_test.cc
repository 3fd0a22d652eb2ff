// Pages that were made to hurt, and real ones that were damaged: always an answer, in bounded time.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/data/html/extract.h"

namespace athanor {
namespace {

constexpr char kProse[] =
    "<p>The ferry left at six in the morning, with nine cars, a horse and the whole of the brass band on "
    "board.</p>";

std::string repeat(const std::string& text, size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

std::string numbered(const std::string& before, const std::string& behind, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += before + std::to_string(i) + behind;
  }
  return all;
}

void expect_sane(const HtmlPage& page) {
  EXPECT_TRUE(is_valid_utf8(page.text));
  EXPECT_TRUE(is_valid_utf8(page.title));
  EXPECT_EQ(page.fault.empty(), !page.text.empty()) << page.fault;
}

// Some of these took minutes, or all memory, before the bounds: searching a stack of 100,000 open elements,
// comparing each attribute with all before it, copying a text for every letter that is added to it.
TEST(HtmlBadInput, NothingIsQuadratic) {
  const std::pair<const char*, std::string> pages[] = {
      {"nested", repeat("<div>", 100000) + kProse},
      {"formatting", repeat("<b>", 100000) + kProse},
      {"formatting with ids", numbered("<b id=a", ">x", 20000)},
      {"formatting in paragraphs", numbered("<p><b id=a", ">x</p>", 20000)},
      {"formatting again and again", repeat("<b><i><u><s><tt><big>", 30) + repeat("</p><p>x", 20000)},
      {"tables in tables", repeat("<table><tr><td>", 20000) + kProse},
      {"text before tables", "<table>" + std::string(100000, 'a') + repeat("a<tr><td>x</td></tr>", 40000)},
      {"end tags with attributes", std::string(100000, 'b') + repeat("a</x id=11>", 100000)},
      {"links in links", repeat("<a href=x>", 50000)},
      {"adoption", repeat("<a><div>", 20000) + repeat("</a>", 20000)},
      {"attributes", "<a " + numbered("b", " ", 200000) + ">x</a>" + kProse},
      {"the same attribute", repeat("<a " + repeat("x ", 1000) + ">", 200)},
      {"names of attributes", numbered("<a b", "=1>", 100000)},
      {"names of elements", numbered("<x", ">", 100000)},
      {"a class of a megabyte", "<div class='" + repeat("comment ", 125000) + "'>" + kProse},
      {"choices", repeat("<select><optgroup><option><selectedcontent>", 20000)},
      {"templates", repeat("<template>", 50000)},
      {"drawings", repeat("<svg><desc><math><mi>", 20000)},
      {"linked data", "<script type='application/ld+json'>" + repeat("[", 100000) + "</script>" + kProse},
      {"linked data in itself",
       "<script type='application/ld+json'>" + repeat("{\"@graph\":[", 20000) + "</script>" + kProse},
      {"references", repeat("&#0;&#x110000;&amp", 100000)},
      {"NULs", "<p>" + std::string(5000, 'a') + std::string(2000000, '\0')},
      {"a comment without end", "<p>hello, world<!--" + std::string(2000000, '-')},
      {"a script without end", "<p>hello, world<script>" + repeat("<!--<script>", 100000)},
      {"headings", repeat("<h1>The same long heading</h1>", 50000)},
      {"frames", "<frameset>" + repeat("<frame src=x>", 100000)},
  };
  for (const auto& [name, page] : pages) {
    SCOPED_TRACE(name);
    const double start = monotonic_time();
    expect_sane(extract_html(page));
    EXPECT_LT(monotonic_time() - start, 5.0);
  }
}

TEST(HtmlBadInput, DeepNestingKeepsItsText) {
  const HtmlPage page = extract_html(repeat("<div>", 100000) + kProse + repeat("</div>", 100000) + kProse);
  EXPECT_NE(page.text.find("brass band"), std::string::npos);
}

TEST(HtmlBadInput, BytesOfAllKinds) {
  Rng rng(7);
  for (int round = 0; round < 300; ++round) {
    std::string bytes(rng.below(2000), '\0');
    for (char& c : bytes) {
      c = static_cast<char>(rng.below(round % 2 == 0 ? 256 : 96) + (round % 2 == 0 ? 0 : 32));
    }
    expect_sane(extract_html(bytes));
  }
}

std::string damaged(std::string page, Rng& rng) {
  switch (rng.below(4)) {
    case 0: page.resize(rng.below(page.size()) + 1); break;
    case 1:
      for (int i = 0; i < 20; ++i) {
        page[rng.below(page.size())] = static_cast<char>(rng.below(256));
      }
      break;
    case 2: page.erase(rng.below(page.size()), rng.below(1000)); break;
    default: page.insert(rng.below(page.size()), page.substr(rng.below(page.size()), 3000)); break;
  }
  return page;
}

TEST(HtmlBadInput, DamagedPages) {
  Rng rng(11);
  const fs::path folder = fs::path(ATHANOR_SOURCE_DIR) / "fuzz/corpus/html";
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string page = read_file(entry.path());
    for (int round = 0; round < 500; ++round) {
      expect_sane(extract_html(damaged(page, rng)));
    }
    for (size_t cut = 1; cut < page.size(); cut += 7) {
      expect_sane(extract_html(page.substr(0, cut)));
    }
  }
}

}  // namespace
}  // namespace athanor
