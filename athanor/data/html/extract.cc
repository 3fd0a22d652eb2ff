#include "athanor/data/html/extract.h"

#include <algorithm>
#include <memory>
#include <new>

#include "athanor/data/html/charset.h"
#include "athanor/data/html/links.h"
#include "athanor/data/html/meta.h"
#include "athanor/data/html/page.h"
#include "athanor/data/html/parser.h"
#include "athanor/data/html/render.h"
#include "athanor/data/html/rules.h"

namespace athanor {

namespace {

constexpr size_t kKeepBytes = size_t{8} << 20;  // after a larger page the workspace goes back to the system

// What a thread keeps between pages: arenas and arrays.
struct Workspace {
  html::Parser parser;
  html::Page page;
  std::string decoded;
};

void extract(std::string_view bytes, const HtmlOptions& options, Workspace& work, HtmlPage& out) {
  out.charset = options.charset;
  const std::string_view text = html::decode_page(bytes, out.charset, work.decoded);
  lxb_dom_node_t* document = work.parser.parse(text, options, out.fault);
  if (document == nullptr) {
    return;
  }
  html::Page& page = work.page;
  page.build(document);
  html::read_meta(page, options, out);
  if (options.links) {
    out.links = html::links_of(page, html::base_of(page, options));
  }
  html::choose_main_text(page);
  html::render(page, out.text);
  if (out.date.empty()) {
    const auto kept = [&](const html::Run& run) { return !page.is_dropped(run); };
    const auto first = std::find_if(page.runs.begin(), page.runs.end(), kept);
    out.date = html::date_before(page, static_cast<uint32_t>(first - page.runs.begin()));
  }
  if (out.text.empty()) {
    out.fault = "no text";
  }
}

}  // namespace

HtmlPage extract_html(std::string_view bytes, const HtmlOptions& options) {
  HtmlPage result;
  if (bytes.find_first_not_of(" \t\r\n\f") == std::string_view::npos) {
    result.fault = "empty";
  } else if (bytes.size() > options.max_bytes) {
    result.fault = "too large";
  } else if (html::is_binary(bytes)) {
    result.fault = "not HTML";
  } else {
    thread_local std::unique_ptr<Workspace> work;
    try {
      if (work == nullptr) {
        work = std::make_unique<Workspace>();
      }
      extract(bytes, options, *work, result);
      if (bytes.size() > kKeepBytes) {
        work.reset();
      }
    } catch (const std::bad_alloc&) {
      work.reset();
      result = HtmlPage();
      result.fault = "out of memory";
    }
  }
  return result;
}

}  // namespace athanor
