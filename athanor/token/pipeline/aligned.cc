#include "athanor/token/pipeline/aligned.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

size_t character_length(const std::string& text, size_t at) {
  const char* p = text.data() + at;
  decode_utf8(p, text.data() + text.size());
  return static_cast<size_t>(p - text.data()) - at;
}

}  // namespace

Aligned Aligned::of(std::string_view text, uint32_t origin, bool tracked, bool repair) {
  Aligned out;
  out.tracked = tracked;
  out.origin = origin;
  out.begun_with = text.size();
  if (!tracked) {
    out.text = !repair || is_valid_utf8(text) ? std::string(text) : repair_utf8(text);
    return out;
  }
  out.text.reserve(text.size());
  out.spans.reserve(text.size());
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* p = begin; p != end;) {
    const char* const from = p;
    const uint32_t at = origin + static_cast<uint32_t>(p - begin);
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    if (valid || repair) {
      append_utf8(out.text, code);
    } else {
      out.text.append(from, p);
    }
    out.spans.resize(out.text.size(), Span{at, origin + static_cast<uint32_t>(p - begin)});
  }
  return out;
}

void Aligned::append(const Aligned& other) {
  text += other.text;
  spans.insert(spans.end(), other.spans.begin(), other.spans.end());
}

void rewrite(Aligned& aligned, const std::vector<Change>& changes) {
  std::string out;
  out.reserve(aligned.text.size());
  std::vector<Span> spans;
  size_t at = 0;
  for (const Change& each : changes) {
    if (each.code >= kRawByte) {
      out += static_cast<char>(each.code - kRawByte);
    } else {
      append_utf8(out, each.code);
    }
    if (!aligned.tracked) {
      continue;
    }
    const Span nothing{aligned.origin, aligned.origin};
    const bool inserted = each.change > 0;
    const size_t from = inserted ? at - 1 : std::min(at, aligned.spans.size() - 1);
    spans.resize(out.size(), (inserted && at == 0) || aligned.spans.empty() ? nothing : aligned.spans[from]);
    for (int i = inserted ? 0 : each.change - 1; i < 0 && at < aligned.text.size(); ++i) {
      at += character_length(aligned.text, at);
    }
  }
  aligned.text = std::move(out);
  aligned.spans = std::move(spans);
}

void prepend(Aligned& aligned, std::string_view prefix) {
  aligned.text.insert(0, prefix);
  if (aligned.tracked) {
    const Span first = aligned.spans.front();
    aligned.spans.insert(aligned.spans.begin(), prefix.size(), first);
  }
}

void check_growth(size_t from, size_t now) {
  if (now > (size_t{1} << 22) && now / 100 > from) {
    throw Error(ErrorKind::kInput, "the normalizers of the tokenizer make " + std::to_string(now) + " bytes of " +
                                       std::to_string(from));
  }
}

void keep(Aligned& aligned, size_t begin, size_t end) {
  aligned.text = aligned.text.substr(begin, end - begin);
  if (aligned.tracked) {
    aligned.spans = std::vector<Span>(aligned.spans.begin() + begin, aligned.spans.begin() + end);
  }
}

}  // namespace athanor::token
