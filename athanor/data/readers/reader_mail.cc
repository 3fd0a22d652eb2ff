// eml: one e-mail; mbox: e-mails that begin with a line "From " after a blank line (RFC 4155). Headers go to meta.
#include <nlohmann/json.hpp>

#include "athanor/data/readers/mail.h"
#include "athanor/data/readers/reader_html.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxMailBytes = uint64_t{64} << 20;

void accept_mail(std::string_view bytes, uint64_t begin, uint64_t end, const RowSink& rows) {
  const Mail mail = parse_mail(bytes);
  if (mail.problem != nullptr) {
    rows.reject(mail.problem, begin, bytes);
    return;
  }
  nlohmann::ordered_json meta = nlohmann::ordered_json::object();
  for (const auto& [header, name] :
       {std::pair("subject", "subject"), std::pair("from", "from"), std::pair("to", "to"), std::pair("cc", "cc"),
        std::pair("date", "date"), std::pair("message-id", "message_id"), std::pair("in-reply-to", "in_reply_to"),
        std::pair("references", "references"), std::pair("list-id", "list_id")}) {
    const std::string_view value = find_header(mail.headers, header);
    if (!value.empty()) {
      meta[name] = decode_words(value);
    }
  }
  if (mail.text.empty() && !mail.html.empty()) {
    HtmlOptions options;
    options.charset = mail.html_charset;
    accept_html(mail.html, options, std::move(meta), begin, end, /*may_be_empty=*/false, rows);
    return;
  }
  std::string text = mail.text;
  if (rows.check_utf8(text, begin)) {
    rows.accept(std::move(text), begin, end, dump_meta(meta));
  }
}

// Gathers the lines of one message.
class MboxReader {
 public:
  explicit MboxReader(const RowSink& rows) : rows_(rows) {}

  void add(const Line& line) {
    const bool from_line = line.text.starts_with("From ") && (blank_before_ || !inside_);
    if (from_line) {
      end(line.begin);
      rows_.boundary(line.begin);
      inside_ = true;
      begin_ = line.begin;
    } else if (inside_) {
      append(line);
    } else if (!line.text.empty() && line.text != "\r" && !told_) {
      rows_.reject("not an mbox", line.begin, line.text);
      told_ = true;
    }
    blank_before_ = line.text.empty() || line.text == "\r";
  }

  void end(uint64_t offset) {
    if (!inside_) {
      return;
    }
    if (too_large_) {
      rows_.reject("mail too large", begin_, std::string_view(text_).substr(0, 200));
    } else {
      accept_mail(text_, begin_, offset, rows_);
    }
    text_.clear();
    inside_ = too_large_ = false;
  }

 private:
  void append(const Line& line) {
    too_large_ = too_large_ || line.too_long || text_.size() + line.text.size() > kMaxMailBytes;
    if (too_large_) {
      return;
    }
    // ">From " was "From " before it was put into the box.
    const size_t quotes = std::min(line.text.find_first_not_of('>'), line.text.size());
    text_.append(quotes > 0 && line.text.substr(quotes).starts_with("From ") ? line.text.substr(1) : line.text);
    text_ += '\n';
  }

  const RowSink& rows_;
  std::string text_;
  uint64_t begin_ = 0;
  bool inside_ = false;
  bool blank_before_ = true;
  bool too_large_ = false;
  bool told_ = false;
};

}  // namespace

void read_eml(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  const std::optional<std::string> bytes = read_all(*input.stream, kMaxMailBytes);
  if (!bytes) {
    rows.reject("mail too large", kMaxMailBytes, "");
  } else if (input.stream->fault()) {
    rows.reject_fault();
  } else {
    accept_mail(*bytes, 0, bytes->size(), rows);
  }
  rows.progress();
}

void read_mbox(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  LineReader lines(*input.stream, options.max_line_bytes, input.begin);
  Line line;
  do {
    MboxReader box(rows);
    while (lines.next(line)) {
      box.add(line);
    }
    if (!input.stream->fault()) {
      box.end(lines.offset());
    }
    rows.reject_fault();
  } while (lines.recover());
  rows.progress();
}

}  // namespace athanor
