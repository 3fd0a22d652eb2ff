#include "athanor/data/readers/mail.h"

#include <algorithm>
#include <optional>

#include "athanor/data/readers/charset.h"

namespace athanor {

namespace {

constexpr int kMaxDepth = 16;
constexpr int kMaxParts = 1000;
constexpr size_t kMaxWordBytes = 1000;  // RFC 2047 says 75; a bound, so that a header is read in linear time

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int base64_digit(char c) {
  return c >= 'A' && c <= 'Z'   ? c - 'A'
         : c >= 'a' && c <= 'z' ? c - 'a' + 26
         : c >= '0' && c <= '9' ? c - '0' + 52
         : c == '+'             ? 62
         : c == '/'             ? 63
                                : -1;
}

// The quoted-printable rules; in the "Q" words of headers an underscore is a space and there are no soft line ends.
std::string decode_q(std::string_view bytes, bool word) {
  std::string out;
  for (size_t at = 0; at < bytes.size(); ++at) {
    const char c = bytes[at];
    if (c == '_' && word) {
      out += ' ';
    } else if (c != '=') {
      out += c;
    } else if (at + 2 < bytes.size() && hex_digit(bytes[at + 1]) >= 0 && hex_digit(bytes[at + 2]) >= 0) {
      out += static_cast<char>(hex_digit(bytes[at + 1]) * 16 + hex_digit(bytes[at + 2]));
      at += 2;
    } else if (!word && bytes.substr(at + 1, 1) == "\n") {
      ++at;
    } else if (!word && bytes.substr(at + 1, 2) == "\r\n") {
      at += 2;
    } else {
      out += c;
    }
  }
  return out;
}

// One "=?charset?B?text?=" at the beginning of `value`; its length in `used`.
std::optional<std::string> decode_word(std::string_view value, size_t& used) {
  value = value.substr(0, kMaxWordBytes);
  const size_t charset_end = value.find('?', 2);
  if (charset_end == std::string_view::npos || charset_end + 2 >= value.size() || value[charset_end + 2] != '?') {
    return std::nullopt;
  }
  const size_t end = value.find("?=", charset_end + 3);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view charset = value.substr(2, charset_end - 2);
  charset = charset.substr(0, charset.find('*'));  // a language may stand behind it
  const char kind = value[charset_end + 1];
  const std::string_view text = value.substr(charset_end + 3, end - charset_end - 3);
  used = end + 2;
  if (kind == 'B' || kind == 'b') {
    return to_utf8(decode_base64(text), charset);
  }
  return kind == 'Q' || kind == 'q' ? to_utf8(decode_q(text, true), charset) : std::nullopt;
}

class MailParser {
 public:
  explicit MailParser(Mail& mail) : mail_(mail) {}

  void parse_part(std::string_view bytes, const HeaderList& headers, int depth) {
    const std::string_view content = find_header(headers, "content-type");
    const std::string type = content.empty() ? "text/plain" : media_type(content);
    if (type.starts_with("multipart/")) {
      parse_multipart(bytes, header_parameter(content, "boundary"), depth);
      return;
    }
    if (media_type(find_header(headers, "content-disposition")) == "attachment") {
      return;
    }
    if (type != "text/plain" && type != "text/html") {
      return;
    }
    const std::string encoding = media_type(find_header(headers, "content-transfer-encoding"));
    std::string text = encoding == "base64"             ? decode_base64(bytes)
                       : encoding == "quoted-printable" ? decode_quoted_printable(bytes)
                                                        : std::string(bytes);
    const std::string charset = header_parameter(content, "charset");
    if (type == "text/html") {
      if (mail_.html.empty()) {
        mail_.html = std::move(text);
        mail_.html_charset = charset;
      }
      return;
    }
    add_text(text, charset);
  }

 private:
  void add_text(const std::string& bytes, const std::string& charset) {
    std::optional<std::string> text = to_utf8(bytes, charset);
    if (!text) {
      mail_.problem = "unknown charset";
      return;
    }
    std::erase(*text, '\r');
    const size_t begin = text->find_first_not_of('\n');
    if (begin == std::string::npos) {
      return;
    }
    mail_.text += mail_.text.empty() ? "" : "\n\n";
    mail_.text.append(*text, begin, text->find_last_not_of(" \t\n") + 1 - begin);
  }

  void parse_multipart(std::string_view bytes, const std::string& boundary, int depth) {
    if (boundary.empty() || depth >= kMaxDepth) {
      mail_.problem = "broken MIME part";
      return;
    }
    const std::string line = "--" + boundary;
    size_t begin = find_line(bytes, line, 0);
    while (begin != std::string_view::npos && num_parts_ < kMaxParts) {
      const size_t after = begin + line.size();
      if (bytes.substr(after, 2) == "--") {
        return;
      }
      const size_t part_begin = std::min(bytes.find('\n', after), bytes.size() - 1) + 1;
      const size_t next = find_line(bytes, line, after);
      std::string_view part = bytes.substr(part_begin, std::min(next, bytes.size()) - part_begin);
      part.remove_suffix(part.ends_with("\r\n") ? 2 : part.ends_with('\n') ? 1 : 0);  // the line end before the boundary
      ++num_parts_;
      HeaderList headers;
      size_t header_bytes = 0;
      if (parse_headers(part, headers, header_bytes)) {
        parse_part(part.substr(header_bytes), headers, depth + 1);
      }
      begin = next;
    }
  }

  // Where the boundary stands at the beginning of a line.
  static size_t find_line(std::string_view bytes, const std::string& line, size_t from) {
    size_t at = bytes.find(line, from);
    while (at != std::string_view::npos && at > 0 && bytes[at - 1] != '\n') {
      at = bytes.find(line, at + 1);
    }
    return at;
  }

  Mail& mail_;
  int num_parts_ = 0;
};

}  // namespace

std::string decode_base64(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() / 4 * 3);
  uint32_t value = 0;
  int bits = 0;
  for (const char c : bytes) {
    if (c == '=') {
      bits = 0;  // the next quartet, if there is one, begins anew
      continue;
    }
    const int digit = base64_digit(c);
    if (digit < 0) {
      continue;
    }
    value = (value << 6) | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((value >> bits) & 0xff);
    }
  }
  return out;
}

std::string decode_quoted_printable(std::string_view bytes) { return decode_q(bytes, false); }

std::string decode_words(std::string_view value) {
  std::string out;
  bool after_word = false;
  size_t at = 0;
  while (at < value.size()) {
    const size_t start = std::min(value.find("=?", at), value.size());
    const std::string_view between = value.substr(at, start - at);
    if (!after_word || start == value.size() || between.find_first_not_of(" \t") != std::string_view::npos) {
      out.append(between);  // white space between two words is none
    }
    if (start == value.size()) {
      break;
    }
    size_t used = 0;
    if (const auto word = decode_word(value.substr(start), used)) {
      out.append(*word);
      at = start + used;
      after_word = true;
    } else {
      out.append("=?");
      at = start + 2;
      after_word = false;
    }
  }
  return out;
}

Mail parse_mail(std::string_view bytes) {
  Mail mail;
  size_t header_bytes = 0;
  if (!parse_headers(bytes, mail.headers, header_bytes) || mail.headers.empty()) {
    mail.problem = "broken mail header";
    return mail;
  }
  MailParser(mail).parse_part(bytes.substr(header_bytes), mail.headers, 0);
  if (!mail.text.empty()) {
    mail.problem = nullptr;  // one part that cannot be read does not hide the others
    mail.html.clear();
  }
  return mail;
}

}  // namespace athanor
