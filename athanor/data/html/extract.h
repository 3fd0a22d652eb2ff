// The main text of a web page: what a reader came for, without menus, comments, related links, footers and banners;
// with title, date, author, language and links. A real HTML5 parser (lexbor) beneath, rules of our own above;
// docs/data/html.md says which. Works for languages without spaces: lengths are counted in characters.
//
//   const HtmlPage page = extract_html(bytes, {.url = "https://example.org/a/1"});
//   if (page.fault.empty()) { use(page.title, page.text); }
//
// Time and memory are bounded by the options, whatever the bytes are. Pages do not depend on each other or on the
// thread that reads them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct HtmlOptions {
  std::string charset;  // of HTTP's Content-Type; empty: byte order mark, <meta>, then UTF-8 or windows-1252
  std::string url;      // of the page: resolves links; empty: only absolute links are kept
  bool links = true;
  size_t max_bytes = size_t{32} << 20;  // a larger page is not parsed: "too large"
  size_t max_nodes = size_t{1} << 19;   // tags, texts and comments together: X
  size_t max_depth = 512;               // elements nested deeper are taken for siblings
};

struct HtmlPage {
  std::string text;  // UTF-8; a blank line between paragraphs, one newline between items, rows, lines of code
  std::string title;
  std::string date;      // yyyy-mm-dd, or empty
  std::string author;
  std::string language;  // BCP 47 as the page says it, or empty
  std::string canonical_url;
  std::string description;
  std::string charset;  // that was used, as the WHATWG names it: "utf-8", "gbk", "windows-1252"
  std::vector<std::string> links;  // absolute http(s), each once, in the page's order
  // Empty, or why there is no text: "empty", "too large", "not HTML" (binary data), "too complex", "no text",
  // "out of memory". Title and the like may be there with "no text".
  std::string fault;
};

// Never throws for what is in the bytes. Thread-safe.
HtmlPage extract_html(std::string_view bytes, const HtmlOptions& options = {});

}  // namespace athanor
