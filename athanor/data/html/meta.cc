#include "athanor/data/html/meta.h"

#include <algorithm>
#include <map>

#include "athanor/data/html/date.h"
#include "athanor/data/html/linked_data.h"
#include "athanor/data/html/links.h"
#include "athanor/data/html/names.h"
#include "athanor/data/html/render.h"

namespace athanor::html {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

// <meta name|property|itemprop> by its name in lower case; the first of each name.
std::map<std::string, std::string, std::less<>> meta_of(const Page& page) {
  std::map<std::string, std::string, std::less<>> found;
  for (const lxb_dom_node_t* element : page.head) {
    if (element->local_name != LXB_TAG_META) {
      continue;
    }
    const std::string_view content = attribute(element, "content");
    for (const std::string_view key : {"property", "name", "itemprop"}) {
      const std::string_view name = attribute(element, key);
      if (!name.empty() && !content.empty() && found.size() < 500) {
        found.emplace(lower(name.substr(0, 100)), line(content));
      }
    }
  }
  return found;
}

// Cuts " - Site" and " | Site" off a <title>, when what is left is long enough to be one.
std::string without_site(std::string title, const std::string& site) {
  for (const std::string_view mark :
       {" | ", " - ", " \xE2\x80\x93 ", " \xE2\x80\x94 ", " :: ", " \xC2\xBB ", "_"}) {
    const size_t at = title.rfind(mark);
    if (at == std::string::npos || at < 10) {
      continue;
    }
    const std::string behind = title.substr(at + mark.size());
    const bool is_site = !site.empty() && lower(behind) == lower(site);
    if (is_site || (mark != "_" && behind.size() < at && behind.size() <= 40)) {
      title.resize(at);
      return title;
    }
  }
  return title;
}

// Of a by-line the name: no date, no handle, no "by".
std::string without_by(std::string name) {
  for (size_t at = name.find(' '); at != std::string::npos; at = name.find(' ', at + 1)) {
    const std::string_view rest = std::string_view(name).substr(at + 1);
    const size_t word = rest.find_first_of(" .");
    const bool dated = word != std::string_view::npos && word + 1 < rest.size() && rest[word + 1] >= '0' &&
                       rest[word + 1] <= '9';
    if (dated ||
        (!rest.empty() && ((rest[0] >= '0' && rest[0] <= '9') || rest[0] == '@' || rest[0] == '|'))) {
      name.resize(at);
      break;
    }
  }
  if (name.find(':') != std::string::npos) {
    return "";
  }
  for (const std::string_view by : {"By ", "by ", "BY ", "Por ", "Von ", "Par "}) {
    if (name.starts_with(by)) {
      return name.substr(by.size());
    }
  }
  return name.starts_with("http") ? "" : name;
}

// Marks in the page's text: <h1>, <time>, itemprop and rel="author".
void read_marks(const Page& page, HtmlPage& out) {
  std::string named;  // text of an element whose class says author or byline
  for (uint32_t i = 0; i < page.nodes.size(); ++i) {
    const Node& node = page.nodes[i];
    if (node.tag == LXB_TAG__TEXT) {
      continue;
    }
    const uint32_t length = node.end - i;
    if (node.tag == LXB_TAG_TIME && out.date.empty()) {
      out.date = parse_date(attribute(node.dom, "datetime"));
    }
    if ((node.names & kNameMeta) == 0 || length > 40) {
      continue;
    }
    const std::string_view prop = attribute(node.dom, "itemprop");
    std::string text;
    if (out.date.empty() && (prop == "datePublished" || length < 12)) {
      render_line(page, i, text);
      const std::string_view content = attribute(node.dom, "content");
      const std::string_view stamp = attribute(node.dom, "datetime");
      out.date = parse_date(!content.empty() ? content : !stamp.empty() ? stamp : std::string_view(text));
    }
    if (out.author.empty() && (prop == "author" || attribute(node.dom, "rel") == "author")) {
      text.clear();
      render_line(page, i, text);
      out.author = without_by(text.size() < 100 ? text : "");
    } else if (named.empty() && (node.names & kNameBio) != 0) {
      render_line(page, i, named);
      named = named.size() < 60 ? without_by(named) : "";
    }
  }
  if (out.author.empty()) {
    out.author = named;
  }
}

// The <title> without the site's name; a heading that stands in it is better still.
std::string title_of(const Page& page, const std::string& site) {
  std::string title;
  for (const lxb_dom_node_t* element : page.head) {
    if (title.empty() && element->local_name == LXB_TAG_TITLE) {
      title = line(inner_text(element));
    }
  }
  std::string heading;  // the first <h1>
  for (uint32_t i = 0; i < page.nodes.size(); ++i) {
    if (page.nodes[i].tag == LXB_TAG_H1) {
      std::string text;
      render_line(page, i, text);
      text = line(text);
      if (text.size() >= 8 && lower(title).find(lower(text)) != std::string::npos) {
        return text;
      }
      if (heading.empty()) {
        heading = text;
      }
    }
  }
  return title.empty() ? heading : without_site(title, site);
}

template <typename Meta>
std::string first_of(const Meta& meta, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const auto at = meta.find(name);
    if (at != meta.end() && !at->second.empty()) {
      return at->second;
    }
  }
  return "";
}

void read_language(const Page& page, const std::string& locale, HtmlPage& out) {
  std::string language = page.nodes.empty() ? "" : line(attribute(page.nodes[0].dom, "lang"));
  if (language.empty()) {
    language = !out.language.empty() ? out.language : locale;
  }
  std::replace(language.begin(), language.end(), '_', '-');
  language = language.substr(0, language.find_first_of(",; "));
  const bool good =
      language.size() >= 2 && language.size() <= 35 &&
      std::all_of(language.begin(), language.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
      });
  out.language = good ? language : "";
}

}  // namespace

std::string base_of(const Page& page, const HtmlOptions& options) {
  for (const lxb_dom_node_t* element : page.head) {
    if (element->local_name == LXB_TAG_BASE) {
      const std::string base = resolve_url(options.url, attribute(element, "href"));
      if (!base.empty()) {
        return base;
      }
    }
  }
  return options.url;
}

void read_meta(const Page& page, const HtmlOptions& options, HtmlPage& out) {
  const auto meta = meta_of(page);
  const std::string site = first_of(meta, {"og:site_name", "application-name"});
  const std::string title =
      first_of(meta, {"og:title", "dc.title", "twitter:title", "parsely-title", "sailthru.title"});
  if (!title.empty()) {
    out.title = without_site(title, site);
  }
  read_linked_data(page, out);
  if (out.title.empty()) {
    out.title = title_of(page, site);
  }
  if (out.description.empty()) {
    out.description =
        first_of(meta, {"og:description", "description", "dc.description", "twitter:description"});
  }
  if (out.author.empty()) {
    out.author = without_by(first_of(
        meta, {"author", "dc.creator", "parsely-author", "sailthru.author", "article:author", "byl"}));
  }
  for (const std::string_view name :
       {"article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "pubdate",
        "publishdate", "publication_date", "parsely-pub-date", "sailthru.date", "og:published_time",
        "dcterms.created", "article:modified_time"}) {
    if (out.date.empty()) {
      out.date = parse_date(first_of(meta, {name}));
    }
  }
  read_marks(page, out);
  read_language(page, first_of(meta, {"og:locale", "content-language", "language"}), out);
  for (const lxb_dom_node_t* element : page.head) {
    if (out.canonical_url.empty() && element->local_name == LXB_TAG_LINK &&
        attribute(element, "rel") == "canonical") {
      out.canonical_url = resolve_url(options.url, attribute(element, "href"));
    }
  }
  if (out.canonical_url.empty()) {
    out.canonical_url = resolve_url(options.url, first_of(meta, {"og:url"}));
  }
  if (out.date.empty()) {
    out.date = parse_date(out.canonical_url.empty() ? options.url : out.canonical_url);
  }
}

std::string date_before(const Page& page, uint32_t run) {
  constexpr uint32_t kRuns = 12;
  constexpr uint32_t kBytes = 80;
  for (uint32_t i = run > kRuns ? run - kRuns : 0; i < run; ++i) {
    if (page.runs[i].bytes <= kBytes) {
      std::string text;
      for (uint32_t node = page.runs[i].first; node <= page.runs[i].last; ++node) {
        if (page.nodes[node].tag == LXB_TAG__TEXT) {
          append_collapsed(text_of(page.nodes[node].dom), text);
        }
      }
      std::string date = parse_date(text);
      if (!date.empty()) {
        return date;
      }
    }
  }
  return "";
}

}  // namespace athanor::html
