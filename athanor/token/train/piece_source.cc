#include "athanor/token/train/piece_source.h"

#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

constexpr size_t kBatch = 256;
constexpr const char* kMarker = "\xE2\x96\x81";  // U+2581

template <class Fn>
std::string map_characters(std::string_view text, Fn fn) {
  std::string out;
  out.reserve(text.size());
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    fn(decode_utf8(p, end), out);
  }
  return out;
}

// What HF's normalizer Nmt does, which is SentencePiece's table "nmt": control characters go, odd spaces become one.
std::string nmt(std::string_view text) {
  return map_characters(text, [](char32_t c, std::string& out) {
    if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F) {
      return;
    }
    if (c == 0x0A) {
      out.push_back('\n');  // the cut goes by lines
    } else if (c == 0x09 || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) || c == 0x2028 ||
               c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD) {
      out.push_back(' ');
    } else {
      append_utf8(out, c);
    }
  });
}

std::string nmt_nfkc(std::string_view text) { return to_nfkc(nmt(text)); }

std::string lowercase(std::string_view text) {
  return map_characters(text, [](char32_t c, std::string& out) { append_utf8(out, to_lower(c)); });
}

bool is_ideograph(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

std::string clean_bert(std::string_view text) {
  return map_characters(text, [](char32_t c, std::string& out) {
    if (is_space(c)) {
      out.push_back(' ');
      return;
    }
    const Category category = category_of(c);
    if (c == kReplacement || category == Category::kCc || category == Category::kCf || category == Category::kCn ||
        category == Category::kCo) {
      return;
    }
    if (is_ideograph(c)) {
      out.push_back(' ');
      append_utf8(out, c);
      out.push_back(' ');
    } else {
      append_utf8(out, c);
    }
  });
}

std::string bert_uncased(std::string_view text) {
  const std::string parts = to_nfd(clean_bert(text));
  return map_characters(parts, [](char32_t c, std::string& out) {
    if (category_of(c) != Category::kMn) {
      append_utf8(out, to_lower(c));
    }
  });
}

struct Normal {
  NormalKind kind;
  std::string (*apply)(std::string_view);
  std::vector<const char*> types;  // in tokenizer.json
};

const std::vector<Normal>& normals() {
  static const std::vector<Normal> all = {
      {{"none", "as the text stands"}, nullptr, {}},
      {{"nfc", "composed"}, [](std::string_view t) { return to_nfc(t); }, {"NFC"}},
      {{"nfd", "decomposed"}, [](std::string_view t) { return to_nfd(t); }, {"NFD"}},
      {{"nfkc", "composed, compatibility characters replaced"}, [](std::string_view t) { return to_nfkc(t); }, {"NFKC"}},
      {{"nfkd", "decomposed, compatibility characters replaced"}, [](std::string_view t) { return to_nfkd(t); }, {"NFKD"}},
      {{"nmt_nfkc", "SentencePiece's: odd spaces and control characters, then nfkc"}, nmt_nfkc, {"Nmt", "NFKC"}},
      {{"lowercase", "lower case"}, lowercase, {"Lowercase"}},
      {{"bert_uncased", "BERT's: clean, lower case, no accents, ideographs apart"}, bert_uncased, {"BertNormalizer"}},
      {{"bert_cased", "BERT's: clean, ideographs apart"}, clean_bert, {"BertNormalizer"}},
  };
  return all;
}

const Normal& find_normal(const std::string& name) {
  std::string known;
  for (const Normal& normal : normals()) {
    if (name == normal.kind.name) {
      return normal;
    }
    known += (known.empty() ? "" : ", ") + std::string(normal.kind.name);
  }
  throw Error(ErrorKind::kUsage, "there is no normalizer '" + name + "'", "", "one of: " + known);
}

constexpr CutKind kOwnCuts[] = {
    {"metaspace", "SentencePiece's: words with their space as U+2581, line by line", "nmt_nfkc", false},
    {"whitespace", "runs of word characters, and of what is neither word nor space", "none", false},
    {"whitespace_split", "at white space only", "none", false},
    {"bert", "at white space, punctuation apart", "bert_uncased", false},
};

const std::vector<CutKind>& all_cuts() {
  static const std::vector<CutKind> all = [] {
    std::vector<CutKind> list;
    for (const SplitKind& kind : split_kinds()) {
      if (kind.byte_level && kind.name != std::string_view("bytes")) {
        list.push_back({kind.name, kind.about, kind.normalizer != nullptr ? "nfc" : "none", true});
      }
    }
    list.insert(list.end(), std::begin(kOwnCuts), std::end(kOwnCuts));
    return list;
  }();
  return all;
}

const CutKind& find_cut(const std::string& name) {
  std::string known;
  for (const CutKind& kind : all_cuts()) {
    if (name == kind.name) {
      return kind;
    }
    known += (known.empty() ? "" : ", ") + std::string(kind.name);
  }
  throw Error(ErrorKind::kUsage, "there is no pre-tokenizer '" + name + "' to train with", "", "one of: " + known);
}

void count_scanned(Scan scan, std::string_view text, PieceCounter& counter) {
  size_t ends[kBatch];
  size_t begin = 0;
  while (const size_t count = scan(text, begin, ends, kBatch)) {
    for (size_t i = 0; i < count; ++i) {
      counter.add(text.substr(begin, ends[i] - begin), 1);
      begin = ends[i];
    }
  }
}

// Words of a line, at spaces and markers; other white space is an ordinary character, as for SentencePiece.
void count_line(std::string_view line, bool mark_end, std::string& word, PieceCounter& counter) {
  word.assign(kMarker);
  const auto end_word = [&](bool last) {
    if (word.size() > 3) {
      if (last && mark_end) {
        word.push_back('\n');
      }
      counter.add(word, 1);
      word.resize(3);
    }
  };
  while (!line.empty() && (line.back() == ' ' || line.ends_with(kMarker))) {
    line.remove_suffix(line.back() == ' ' ? 1 : 3);
  }
  for (size_t i = 0; i < line.size();) {
    if (line[i] == ' ' || line.substr(i, 3) == kMarker) {
      end_word(false);
      i += line[i] == ' ' ? 1 : 3;
    } else {
      word.push_back(line[i++]);
    }
  }
  end_word(true);
}

void count_lines(std::string_view text, bool mark_ends, PieceCounter& counter) {
  std::string word;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    count_line(text.substr(0, end), mark_ends, word, counter);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

enum class Side : uint8_t { kSpace, kWord, kOther, kAlone };

Side side_of_word(char32_t c) {  // \w as Rust's regex has it: Alphabetic, M, Nd, Pc, Join_Control
  if (is_space(c)) {
    return Side::kSpace;
  }
  const Category category = category_of(c);
  const bool word = is_letter(c) || is_mark(c) || category == Category::kNd || category == Category::kNl ||
                    category == Category::kPc || c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) ||
                    (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
  return word ? Side::kWord : Side::kOther;
}

Side side_of_bert(char32_t c) {
  if (is_space(c)) {
    return Side::kSpace;
  }
  const bool ascii_mark = (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return ascii_mark || is_punctuation(c) ? Side::kAlone : Side::kWord;
}

Side side_of_space(char32_t c) { return is_space(c) ? Side::kSpace : Side::kWord; }

// Runs of characters of one side are pieces; white space is none.
void count_runs(std::string_view text, Side (*side_of)(char32_t), PieceCounter& counter) {
  const char* const end = text.data() + text.size();
  const char* begin = text.data();
  Side side = Side::kSpace;
  for (const char* p = begin; p != end;) {
    const char* const at = p;
    const Side now = side_of(decode_utf8(p, end));
    if (now != side || now == Side::kAlone) {
      if (side != Side::kSpace) {
        counter.add({begin, static_cast<size_t>(at - begin)}, 1);
      }
      begin = at;
      side = now;
    }
  }
  if (side != Side::kSpace) {
    counter.add({begin, static_cast<size_t>(end - begin)}, 1);
  }
}

Json metaspace_json(const char* type) {
  return {{"type", type}, {"replacement", kMarker}, {"prepend_scheme", "always"}, {"split", true}};
}

Json normalizer_json(const Normal& normal, bool metaspace) {
  Json list = Json::array();
  for (const char* type : normal.types) {
    list.push_back({{"type", type}});
    if (type == std::string_view("BertNormalizer")) {
      list.back().update({{"clean_text", true}, {"handle_chinese_chars", true}, {"strip_accents", nullptr},
                          {"lowercase", normal.kind.name == std::string_view("bert_uncased")}});
    }
  }
  if (metaspace) {  // as SentencePiece's remove_extra_whitespaces
    list.push_back({{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}});
    list.push_back({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", " "}});
  }
  if (list.empty()) {
    return nullptr;
  }
  return list.size() == 1 ? list[0] : Json{{"type", "Sequence"}, {"normalizers", list}};
}

}  // namespace

std::span<const CutKind> cut_kinds() { return all_cuts(); }

std::span<const NormalKind> normal_kinds() {
  static const std::vector<NormalKind> kinds = [] {
    std::vector<NormalKind> list;
    for (const Normal& normal : normals()) {
      list.push_back(normal.kind);
    }
    return list;
  }();
  return kinds;
}

PieceSource::PieceSource(const std::string& normalizer, const std::string& pre_tokenizer, bool mark_line_ends)
    : kind_(&find_cut(pre_tokenizer)),
      normalizer_(normalizer.empty() ? kind_->normalizer : normalizer),
      normalize_(find_normal(normalizer_).apply),
      mark_line_ends_(mark_line_ends) {
  if (kind_->byte_level) {
    split_ = &split_kind(pre_tokenizer);
  }
}

bool PieceSource::metaspace() const { return kind_->name == std::string_view("metaspace"); }

void PieceSource::count(std::string_view text, PieceCounter& counter) const {
  std::string normal;
  if (normalize_ != nullptr) {
    normal = normalize_(text);
    text = normal;
  }
  const std::string_view name = kind_->name;
  if (split_ != nullptr) {
    count_scanned(split_->scan, text, counter);
  } else if (name == "metaspace") {
    count_lines(text, mark_line_ends_, counter);
  } else {
    count_runs(text, name == "bert" ? side_of_bert : name == "whitespace" ? side_of_word : side_of_space, counter);
  }
}

Json PieceSource::frame() const {
  Json json = split_ != nullptr ? frame_json(*split_) : Json{{"added_tokens", Json::array()}};
  json["normalizer"] = normalizer_json(find_normal(normalizer_), metaspace());
  if (split_ != nullptr) {
    return json;
  }
  const std::string_view name = kind_->name;
  json["pre_tokenizer"] = metaspace() ? metaspace_json("Metaspace")
                                      : Json{{"type", name == "bert"         ? "BertPreTokenizer"
                                                      : name == "whitespace" ? "Whitespace"
                                                                             : "WhitespaceSplit"}};
  json["decoder"] = metaspace() ? metaspace_json("Metaspace") : Json(nullptr);
  return json;
}

}  // namespace athanor::token
