#include "athanor/clean/rules/pii.h"

#include "athanor/clean/rules/pii_numbers.h"

namespace athanor {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alnum(char c) { return is_digit(c) || is_alpha(c); }
bool is_atom(char c) { return is_alnum(c) || std::string_view("!#$%&'*+/=?^_`{|}~-").find(c) != std::string_view::npos; }

char char_at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

// RFC 5321 allows 64 before the @ and 255 behind it; the limits keep the search linear.
constexpr size_t kMaxLocal = 64;
constexpr size_t kMaxDomain = 255;

// Where the domain that begins at `at` ends; `at` itself when it has no dot or no letter in its last label.
size_t domain_end(std::string_view text, size_t at) {
  size_t end = at;
  size_t p = at;
  size_t labels = 0;
  while (p - at < kMaxDomain && is_alnum(char_at(text, p))) {
    bool letter = false;
    const size_t label = p;
    while (p - at < kMaxDomain && (is_alnum(char_at(text, p)) || char_at(text, p) == '-')) {
      letter |= is_alpha(text[p]);
      ++p;
    }
    size_t cut = p;  // hyphens at the end are not the address's
    while (cut > label && text[cut - 1] == '-') {
      --cut;
    }
    ++labels;
    if (labels >= 2 && letter) {
      end = cut;
    }
    if (cut != p || char_at(text, p) != '.') {
      break;
    }
    ++p;
  }
  return end;
}

struct Block {
  uint32_t address;
  int bits;
};
constexpr uint32_t ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }
// IANA IPv4 Special-Purpose Address Registry, with multicast and the reserved class E.
constexpr Block kNotGlobal[] = {
    {ip(0, 0, 0, 0), 8},       {ip(10, 0, 0, 0), 8},    {ip(100, 64, 0, 0), 10},   {ip(127, 0, 0, 0), 8},
    {ip(169, 254, 0, 0), 16},  {ip(172, 16, 0, 0), 12}, {ip(192, 0, 0, 0), 24},    {ip(192, 0, 2, 0), 24},
    {ip(192, 88, 99, 0), 24},  {ip(192, 168, 0, 0), 16}, {ip(198, 18, 0, 0), 15},  {ip(198, 51, 100, 0), 24},
    {ip(203, 0, 113, 0), 24},  {ip(224, 0, 0, 0), 4},   {ip(240, 0, 0, 0), 4},
};

bool is_global(uint32_t address) {
  for (const Block& block : kNotGlobal) {
    if ((address ^ block.address) >> (32 - block.bits) == 0) {
      return false;
    }
  }
  return true;
}

// A shape: 'd' any digit, 'm' 3..9, ' ' an optional separator ('-' or space), other characters themselves.
// Returns the length matched, 0 when it does not fit or a digit or letter follows.
size_t match_shape(std::string_view text, size_t at, std::string_view shape) {
  size_t p = at;
  for (const char want : shape) {
    const char c = char_at(text, p);
    if (want == ' ') {
      p += c == '-' || c == ' ';
      continue;
    }
    const bool fits = want == 'd' ? is_digit(c) : want == 'm' ? c >= '3' && c <= '9' : c == want;
    if (!fits) {
      return 0;
    }
    ++p;
  }
  return is_alnum(char_at(text, p)) ? 0 : p - at;
}

// '+', a first digit 1..9, 8..15 digits in all; groups parted by single separators or in parentheses.
size_t match_international(std::string_view text, size_t at) {
  size_t p = at + 1;
  size_t digits = 0;
  size_t end = 0;            // behind the last digit
  size_t whole_digits = 0;   // of the groups before this one
  size_t whole_end = 0;
  int open = 0;
  if (char_at(text, p) < '1' || char_at(text, p) > '9') {
    return 0;
  }
  const auto length = [at](size_t count, size_t behind) { return count >= 8 && count <= 15 ? behind - at : 0; };
  while (true) {
    const char c = char_at(text, p);
    if (is_digit(c)) {
      ++digits;
      end = ++p;
      continue;
    }
    if (p == end && is_alpha(c)) {  // "... 555 1234 2a": the last group is a word of its own
      return length(whole_digits, whole_end);
    }
    if (digits > 15) {
      return 0;
    }
    const size_t before = p;
    p += c == ')' && open > 0 ? 1 : 0;
    open -= p != before;
    const char separator = char_at(text, p);
    p += separator == ' ' || separator == '.' || separator == '-';
    if (char_at(text, p) == '(' && open == 0) {
      ++open;
      ++p;
    }
    if (p == before || !is_digit(char_at(text, p))) {
      return length(digits, end);
    }
    whole_digits = digits;
    whole_end = end;
  }
}

constexpr std::array<std::string_view, 9> kShapes = {
    "(ddd) ddd-dddd", "ddd-ddd-dddd", "ddd.ddd.dddd", "ddd ddd dddd", "1md dddd dddd",
    "0dd-dddddddd",   "0ddd-ddddddd", "0ddd-dddddddd", "(0dd) dddddddd",
};

}  // namespace

size_t match_ipv4(std::string_view text, size_t at) {
  uint32_t address = 0;
  size_t p = at;
  for (int part = 0; part < 4; ++part) {
    uint32_t value = 0;
    size_t digits = 0;
    while (digits < 4 && is_digit(char_at(text, p))) {
      value = value * 10 + static_cast<uint32_t>(text[p] - '0');
      ++digits;
      ++p;
    }
    if (digits == 0 || digits > 3 || value > 255) {
      return 0;
    }
    address = address << 8 | value;
    if (part < 3 && char_at(text, p++) != '.') {
      return 0;
    }
  }
  const bool goes_on = is_alnum(char_at(text, p)) || (char_at(text, p) == '.' && is_digit(char_at(text, p + 1)));
  return goes_on || !is_global(address) ? 0 : p - at;
}

size_t match_phone(std::string_view text, size_t at) {
  if (char_at(text, at) == '+') {
    return match_international(text, at);
  }
  for (const std::string_view shape : kShapes) {
    const size_t length = match_shape(text, at, shape);
    // "ddd ddd dddd" with both separators left out is ten bare digits: an order number as likely as a telephone.
    if (length > 0 && !(shape == "ddd ddd dddd" && length != shape.size())) {
      return length;
    }
  }
  return 0;
}

PiiSpan match_email(std::string_view text, size_t at, size_t floor) {
  size_t begin = at;
  while (begin > floor && at - begin <= kMaxLocal && (is_atom(text[begin - 1]) || text[begin - 1] == '.')) {
    --begin;
  }
  if (at - begin > kMaxLocal) {
    return {};
  }
  // Dots and quotes at the front are the sentence's, two dots in a row end the address.
  const size_t twice = text.substr(begin, at - begin).rfind("..");
  if (twice != std::string_view::npos) {
    begin += twice + 2;
  }
  while (begin < at && !is_alnum(text[begin]) && text[begin] != '_') {
    ++begin;
  }
  if (begin == at || text[at - 1] == '.') {
    return {};
  }
  const size_t end = domain_end(text, at + 1);
  if (end == at + 1) {
    return {};
  }
  return {begin, end};
}

Pii::Pii(const nlohmann::json& options)
    : placeholders_{options.at("email"), options.at("ipv4"),      options.at("ipv6"),
                    options.at("phone"), options.at("id_number"), options.at("card")},
      replace_(options.at("replace")),
      max_found_(options.at("max_found")) {}

std::vector<StepOption> Pii::options() {
  return {{"email", "email@example.com", "what takes the place of an e-mail address; empty: left alone"},
          {"ipv4", "192.0.2.1", "what takes the place of a public IPv4 address; empty: left alone"},
          {"ipv6", "2001:db8::1", "what takes the place of a public IPv6 address; empty: left alone"},
          {"phone", "555-0100", "what takes the place of a telephone number; empty: left alone"},
          {"id_number", "000000000000000000", "what takes the place of a Chinese identity number; empty: left alone"},
          {"card", "0000 0000 0000 0000", "what takes the place of a bank card's number; empty: left alone"},
          {"replace", true, "false: leave the text, count only"},
          threshold("max_found", -1, "more found: dropped; -1: never", -1)};
}

std::vector<StepMetric> Pii::metrics() {
  return {{"emails", "e-mail addresses"},          {"ipv4", "public IPv4 addresses"},
          {"ipv6", "public IPv6 addresses"},       {"phones", "telephone numbers"},
          {"id_numbers", "Chinese identity numbers"}, {"cards", "bank card numbers"}};
}

size_t Pii::match_number(std::string_view text, size_t at, Kind& kind) const {
  struct Matcher {
    Kind kind;
    size_t (*match)(std::string_view, size_t);
  };
  constexpr Matcher kDigits[] = {
      {kIdNumber, match_id_number}, {kCard, match_card}, {kIpv4, match_ipv4}, {kPhone, match_phone}};
  const char c = text[at];
  if ((c == '2' || c == '3') && wanted(kIpv6)) {
    kind = kIpv6;
    if (const size_t length = match_ipv6(text, at); length > 0) {
      return length;
    }
  }
  for (const Matcher& matcher : kDigits) {
    kind = matcher.kind;
    if (wanted(kind) && (is_digit(c) || kind == kPhone)) {
      if (const size_t length = matcher.match(text, at); length > 0) {
        return length;
      }
    }
  }
  return 0;
}

void Pii::measure(DocumentView& document, Measures& measures) const {
  const std::string_view in = document.text();
  std::array<size_t, kNumKinds> counts{};
  std::string out;
  size_t done = 0;  // in[0, done) is in out
  const auto replace = [&](PiiSpan found, Kind kind) {
    ++counts[kind];
    out.append(in.substr(done, found.begin - done));
    out.append(placeholders_[kind]);
    done = found.end;
  };
  for (size_t p = 0; p < in.size();) {
    const char c = in[p];
    if (c == '@' && wanted(kEmail)) {
      if (const PiiSpan found = match_email(in, p, done); found.begin != found.end) {
        replace(found, kEmail);
        p = done;
        continue;
      }
    }
    const bool starts = is_digit(c) || c == '+' || c == '(';
    const char before = p == 0 ? '\0' : in[p - 1];
    const bool inside = is_alnum(before) || (is_digit(c) && (before == '.' || before == '-' || before == ':') && p > 1 && is_digit(in[p - 2]));
    if (!starts || inside) {
      ++p;
      continue;
    }
    Kind kind = kPhone;
    const size_t length = match_number(in, p, kind);
    if (length > 0) {
      replace({p, p + length}, kind);
    }
    p += std::max<size_t>(length, 1);
  }
  for (const size_t count : counts) {
    measures.add(count);
  }
  if (done == 0 || !replace_) {
    return;
  }
  out.append(in.substr(done));
  document.set_text(std::move(out));
}

Verdict Pii::decide(const Measures& measures) const {
  double found = 0;
  for (const double count : measures.numbers) {
    found += count;
  }
  return max_found_ >= 0 && found > max_found_ ? Verdict{false, "pii", found} : Verdict{};
}

}  // namespace athanor
