#include "athanor/token/pipeline/normalizer.h"

#include <algorithm>

#include "athanor/base/lower.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/pipeline/bert_normalizer.h"
#include "athanor/token/pipeline/fields.h"
#include "athanor/token/pipeline/precompiled.h"
#include "athanor/token/pipeline/regex.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

namespace {

using Step = NormalizerStep;

void append_lower(char32_t code, std::string& out) {
  if (code == 0x130) {  // the one character with two
    out += "i\xCC\x87";
    return;
  }
  const auto* const last = class_table::kLowerCase + class_table::kNumLowerCase;
  const auto* const found = std::lower_bound(class_table::kLowerCase, last, code,
                                             [](const auto& entry, char32_t wanted) { return entry.code < wanted; });
  append_utf8(out, found != last && found->code == code ? static_cast<char32_t>(found->lower) : to_lower(code));
}

Step make_nfc(const Field&) {
  return {"NFC", [](Aligned& text) { apply_normal_form(text, true, false); }, &hf_nfc, true};
}
Step make_nfd(const Field&) {
  return {"NFD", [](Aligned& text) { apply_normal_form(text, false, false); }, nullptr, true};
}
Step make_nfkc(const Field&) {
  return {"NFKC", [](Aligned& text) { apply_normal_form(text, true, true); }, nullptr, true};
}
Step make_nfkd(const Field&) {
  return {"NFKD", [](Aligned& text) { apply_normal_form(text, false, true); }, nullptr, true};
}

// What SentencePiece's nmt_nfkc does beside NFKC: control characters go, odd spaces become spaces.
void nmt(char32_t code, std::string& out) {
  const bool dropped = (code >= 0x1 && code <= 0x8) || code == 0xB || (code >= 0xE && code <= 0x1F) ||
                       code == 0x7F || code == 0x8F || code == 0x9F;
  if (dropped) {
    return;
  }
  const bool space = code == 0x9 || code == 0xA || code == 0xC || code == 0xD || code == 0x1680 ||
                     (code >= 0x200B && code <= 0x200F) || code == 0x2028 || code == 0x2029 || code == 0x2581 ||
                     code == 0xFEFF || code == 0xFFFD;
  append_utf8(out, space ? U' ' : code);
}
Step make_nmt(const Field&) {
  return {"Nmt", [](Aligned& text) { map_characters(text, &nmt); }, nullptr};
}

Step make_lowercase(const Field&) {
  return {"Lowercase", [](Aligned& text) { map_characters(text, &append_lower); }, nullptr};
}

Step make_strip_accents(const Field&) {
  const auto map = [](char32_t code, std::string& out) {
    if (!has_class(code, kAccentBit)) {
      append_utf8(out, code);
    }
  };
  return {"StripAccents", [map](Aligned& text) { map_characters(text, map); }, nullptr};
}

Step make_strip(const Field& field) {
  const bool left = field.at("strip_left").boolean();
  const bool right = field.at("strip_right").boolean();
  const auto apply = [left, right](Aligned& text) {
    const char* const begin = text.text.data();
    const char* const end = begin + text.text.size();
    const char* first = begin;
    for (const char* p = begin; left && p != end && has_class(decode_utf8(p, end), kWhiteBit);) {
      first = p;
    }
    const char* last = first;  // after the last character that is no space
    for (const char* p = first; p != end;) {
      last = !has_class(decode_utf8(p, end), kWhiteBit) || !right ? p : last;
    }
    keep(text, static_cast<size_t>(first - begin), static_cast<size_t>(last - begin));
  };
  return {"Strip", apply, nullptr};
}

Step make_prepend(const Field& field) {
  const std::string prefix = field.at("prepend").string();
  const auto apply = [prefix](Aligned& text) {
    if (!text.text.empty()) {
      prepend(text, prefix);
    }
  };
  return {"Prepend", apply, nullptr};
}

// What replaces a match shares the span of the match's last byte.
void replace(Aligned& text, const Finder& finder, const std::string& content) {
  std::string out;
  std::vector<Span> spans;
  const size_t begun_with = text.begun_with > 0 ? text.begun_with : text.text.size();
  size_t done = 0;
  const auto copy_to = [&](size_t end) {
    out.append(text.text, done, end - done);
    if (text.tracked) {
      spans.insert(spans.end(), text.spans.begin() + done, text.spans.begin() + end);
    }
    done = end;
  };
  finder.for_each(text.text, [&](size_t begin, size_t end) {
    copy_to(begin);
    out += content;
    check_growth(begun_with, out.size());
    if (text.tracked) {
      spans.resize(out.size(), end == 0 ? Span{text.origin, text.origin} : text.spans[end - 1]);
    }
    done = end;
  });
  copy_to(text.text.size());
  text.text = std::move(out);
  text.spans = std::move(spans);
}
Step make_replace(const Field& field) {
  const std::string content = field.at("content").string();
  const Finder finder = read_pattern(field.at("pattern"));
  return {"Replace", naming(field, [finder, content](Aligned& text) { replace(text, finder, content); }), nullptr};
}

Step make_byte_level(const Field&) {
  const auto map = [](char32_t code, std::string& out) {
    std::string bytes;
    append_utf8(bytes, code);
    out += bytes_to_token(bytes);
  };
  return {"ByteLevel", [map](Aligned& text) { map_characters(text, map); }, nullptr};
}

Step make_precompiled(const Field& field) {
  const auto map = std::make_shared<const Charsmap>(Charsmap::read(field.at("precompiled_charsmap")));
  if (field.flag("longest_match", false)) {  // our own: what SentencePiece does (file/sentencepiece.cc)
    return {"Precompiled", [map](Aligned& text) { map->apply_longest(text); }, nullptr};
  }
  return {"Precompiled", [map](Aligned& text) { map->apply(text); }, nullptr};
}

Step make_bert(const Field& field) {
  BertOptions options;
  options.clean_text = field.at("clean_text").boolean();
  options.handle_chinese_chars = field.at("handle_chinese_chars").boolean();
  options.lowercase = field.at("lowercase").boolean();
  const std::optional<Field> strip = field.find("strip_accents");
  options.strip_accents = strip ? strip->boolean() : options.lowercase;
  const auto apply = [options](Aligned& text) {
    if (options.clean_text) {
      map_characters(text, [](char32_t code, std::string& out) {
        if (code != 0 && !has_class(code, kBertControlBit)) {
          append_utf8(out, has_class(code, kWhiteBit) ? U' ' : code);
        }
      });
    }
    if (options.handle_chinese_chars) {
      map_characters(text, [](char32_t code, std::string& out) {
        const char* const space = is_bert_chinese(code) ? " " : "";
        out += space;
        append_utf8(out, code);
        out += space;
      });
    }
    if (options.strip_accents) {
      apply_normal_form(text, false, false);
      map_characters(text, [](char32_t code, std::string& out) {
        if (!has_class(code, kBertMarkBit)) {
          append_utf8(out, code);
        }
      });
    }
    if (options.lowercase) {
      map_characters(text, &append_lower);
    }
  };
  return {"BertNormalizer", apply, nullptr};
}

struct NormalizerKind {
  const char* type;
  Step (*make)(const Field&);
  std::initializer_list<const char*> fields;  // beside "type"
};
const NormalizerKind kNormalizers[] = {
    {"NFC", &make_nfc, {}},
    {"NFD", &make_nfd, {}},
    {"NFKC", &make_nfkc, {}},
    {"NFKD", &make_nfkd, {}},
    {"Nmt", &make_nmt, {}},
    {"Lowercase", &make_lowercase, {}},
    {"StripAccents", &make_strip_accents, {}},
    {"Strip", &make_strip, {"strip_left", "strip_right"}},
    {"Prepend", &make_prepend, {"prepend"}},
    {"Replace", &make_replace, {"pattern", "content"}},
    {"ByteLevel", &make_byte_level, {}},
    {"Precompiled", &make_precompiled, {"precompiled_charsmap", "longest_match"}},
    {"BertNormalizer", &make_bert, {"clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}},
};

void read_into(const Field& field, std::vector<Step>& steps) {
  const Field type = field.at("type");
  if (type.string() == "Sequence") {
    refuse_other_fields(field, {"normalizers"});
    const Field list = field.at("normalizers");
    for (size_t i = 0; i < list.list().size(); ++i) {
      read_into(list.item(i), steps);
    }
    return;
  }
  for (const NormalizerKind& kind : kNormalizers) {
    if (type.string() == kind.type) {
      refuse_other_fields(field, kind.fields);
      steps.push_back(kind.make(field));
      return;
    }
  }
  type.fail("is " + json_string(type.string()) + ", which is not supported", "supported: " + normalizer_types());
}

}  // namespace

std::vector<Step> read_normalizers(const Field& field) {
  std::vector<Step> steps;
  read_into(field, steps);
  return steps;
}

std::string normalizer_types() {
  std::string names;
  for (const NormalizerKind& kind : kNormalizers) {
    names += kind.type + std::string(", ");
  }
  return names + "Sequence";
}

}  // namespace athanor::token
