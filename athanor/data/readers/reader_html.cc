// html, htm: the main text of one page.
#include "athanor/data/readers/reader_html.h"

#include <nlohmann/json.hpp>

namespace athanor {

namespace {

const char* fault_reason(const std::string& fault) {
  for (const auto& [name, reason] :
       {std::pair("empty", "html: empty"), std::pair("too large", "html: too large"),
        std::pair("not HTML", "html: not HTML"), std::pair("too complex", "html: too complex"),
        std::pair("no text", "html: no text"), std::pair("out of memory", "html: out of memory")}) {
    if (fault == name) {
      return reason;
    }
  }
  return "html: not readable";
}

}  // namespace

std::string dump_meta(const nlohmann::ordered_json& meta) {
  return meta.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void accept_html(std::string_view bytes, const HtmlOptions& options, nlohmann::ordered_json meta, uint64_t begin,
                 uint64_t end, bool may_be_empty, const RowSink& rows) {
  HtmlPage page = extract_html(bytes, options);
  if (may_be_empty && (page.fault == "empty" || page.fault == "no text")) {
    rows.skip("page without text");
    return;
  }
  if (!page.fault.empty()) {
    rows.reject(fault_reason(page.fault), begin, bytes);
    return;
  }
  for (const auto& [name, value] : {std::pair("title", &page.title), std::pair("published", &page.date),
                                    std::pair("author", &page.author), std::pair("language", &page.language),
                                    std::pair("canonical_url", &page.canonical_url),
                                    std::pair("description", &page.description)}) {
    if (!value->empty()) {
      meta[name] = *value;
    }
  }
  if (!page.links.empty()) {
    meta["links"] = page.links;
  }
  if (rows.check_utf8(page.text, begin)) {
    rows.accept(std::move(page.text), begin, end, dump_meta(meta));
  }
}

void read_html(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  HtmlOptions html;
  const std::optional<std::string> bytes = read_all(*input.stream, html.max_bytes);
  if (!bytes) {
    rows.reject("html: too large", html.max_bytes, "");
  } else if (input.stream->fault()) {
    rows.reject_fault();
  } else {
    if (input.source.starts_with("http://") || input.source.starts_with("https://")) {
      html.url = input.source;
    }
    accept_html(*bytes, html, nlohmann::ordered_json::object(), 0, bytes->size(), /*may_be_empty=*/false, rows);
  }
  rows.progress();
}

}  // namespace athanor
