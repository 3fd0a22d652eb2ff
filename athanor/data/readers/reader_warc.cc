// warc and wet: the main text of HTML answers, plain texts as they are. The bytes [span_begin, span_end) are the whole
// record; meta has its address, date, id and kind, and with file_offset where its gzip member begins.
#include <nlohmann/json.hpp>

#include "athanor/base/unicode.h"
#include "athanor/data/readers/charset.h"
#include "athanor/data/readers/reader_html.h"
#include "athanor/data/web/http_message.h"
#include "athanor/data/web/warc.h"

namespace athanor {

namespace {

constexpr size_t kMaxPageBytes = size_t{32} << 20;

const char* skipped_kind(std::string_view type) {
  for (const auto& [kind, what] : {std::pair("warcinfo", "WARC warcinfo"), std::pair("request", "WARC request"),
                                   std::pair("metadata", "WARC metadata"), std::pair("revisit", "WARC revisit"),
                                   std::pair("resource", "WARC resource"), std::pair("response", "not HTTP"),
                                   std::pair("continuation", "WARC continuation")}) {
    if (type == kind) {
      return what;
    }
  }
  return "WARC record of another type";
}

bool is_blank(std::string_view text) { return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos; }

class WarcRows {
 public:
  explicit WarcRows(const RowSink& rows) : rows_(rows) {}

  void read(const WarcRecord& record) {
    const std::string type = media_type(record.header("warc-type"));
    const std::string content = media_type(record.header("content-type"));
    if (type == "conversion" && (content == "text/plain" || content.empty())) {
      read_text(record, record.payload, record.header("content-type"), 0);
    } else if (type == "response" && content == "application/http") {
      read_answer(record);
    } else {
      rows_.skip(skipped_kind(type));
    }
  }

 private:
  void read_answer(const WarcRecord& record) {
    parse_http(record.payload, kMaxPageBytes, http_);
    if (http_.problem != nullptr) {
      rows_.reject(http_.problem, record.begin, find_header(record.headers, "warc-target-uri"));
      return;
    }
    if (http_.status < 200 || http_.status > 299) {
      rows_.skip("HTTP error or redirect");
      return;
    }
    const std::string_view content = find_header(http_.headers, "content-type");
    const std::string kind = media_type(content);
    if (kind == "text/plain") {
      read_text(record, http_.body, content, http_.status);
    } else if (kind == "text/html" || kind == "application/xhtml+xml") {
      HtmlOptions options;
      options.charset = header_parameter(content, "charset");
      options.url = record.header("warc-target-uri");
      options.max_bytes = kMaxPageBytes;
      accept_html(http_.body, options, meta_of(record, kind, http_.status), record.begin, record.end,
                  /*may_be_empty=*/true, rows_);
    } else {
      rows_.skip("not a text");
    }
  }

  void read_text(const WarcRecord& record, std::string_view bytes, std::string_view content, int status) {
    std::optional<std::string> text = to_utf8(bytes, header_parameter(content, "charset"));
    if (!text) {
      rows_.reject("unknown charset", record.begin, content);
      return;
    }
    if (is_blank(*text)) {
      rows_.skip("page without text");
    } else if (rows_.check_utf8(*text, record.begin)) {
      rows_.accept(std::move(*text), record.begin, record.end,
                   dump_meta(meta_of(record, "text/plain", status)));
    }
  }

  static nlohmann::ordered_json meta_of(const WarcRecord& record, const std::string& kind, int status) {
    nlohmann::ordered_json meta = {{"url", record.header("warc-target-uri")},
                                   {"date", record.header("warc-date")},
                                   {"record_id", record.header("warc-record-id")},
                                   {"media_type", kind},
                                   {"file_offset", record.file_offset}};
    if (status != 0) {
      meta["status"] = status;
    }
    return meta;
  }

  const RowSink& rows_;
  HttpMessage http_;
};

}  // namespace

void read_warc(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  WarcReader warc(*input.stream, input.begin);
  WarcRows texts(rows);
  WarcRecord record;
  while (warc.next(record)) {
    rows.boundary(record.begin);
    if (record.problem != nullptr) {
      rows.reject(record.problem, record.begin, record.sample);
    } else {
      texts.read(record);
    }
  }
  rows.progress();
}

}  // namespace athanor
