#include "athanor/data/html/extract.h"

#include <new>

#include "athanor/data/html/page.h"
#include "athanor/data/html/parser.h"
#include "athanor/data/html/render.h"
#include "athanor/data/html/rules.h"

namespace athanor {

namespace {

// What a thread keeps between pages: arenas and arrays.
struct Workspace {
  html::Parser parser;
  html::Page page;
};

}  // namespace

HtmlPage extract_html(std::string_view bytes, const HtmlOptions& options) {
  HtmlPage result;
  if (bytes.empty()) {
    result.fault = "empty";
    return result;
  }
  if (bytes.size() > options.max_bytes) {
    result.fault = "too large";
    return result;
  }
  thread_local Workspace work;
  lxb_dom_node_t* document = work.parser.parse(bytes, options, result.fault);
  if (document == nullptr) {
    return result;
  }
  work.page.build(document);
  html::choose_main_text(work.page);
  html::render(work.page, result.text);
  if (result.text.empty()) {
    result.fault = "no text";
  }
  return result;
}

}  // namespace athanor
