#include "athanor/token/train/piece_source.h"

#include <algorithm>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

constexpr size_t kBatch = 256;
constexpr const char* kMarker = "\xE2\x96\x81";  // U+2581

// Which characters are sure to come through as they are, when a text has no others.
enum class Unchanged : uint8_t { kNone, kAscii, kComposed };

struct Normal {
  NormalKind kind;
  std::vector<const char*> types;  // in tokenizer.json
  Unchanged unchanged;
};

const std::vector<Normal>& normals() {
  static const std::vector<Normal> all = {
      {{"none", "as the text stands"}, {}, Unchanged::kComposed},
      {{"nfc", "composed"}, {"NFC"}, Unchanged::kComposed},
      {{"nfd", "decomposed"}, {"NFD"}, Unchanged::kAscii},
      {{"nfkc", "composed, compatibility characters replaced"}, {"NFKC"}, Unchanged::kComposed},
      {{"nfkd", "decomposed, compatibility characters replaced"}, {"NFKD"}, Unchanged::kAscii},
      {{"nmt_nfkc", "SentencePiece's: odd spaces and control characters, then nfkc"}, {"Nmt", "NFKC"}, Unchanged::kComposed},
      {{"lowercase", "lower case"}, {"Lowercase"}, Unchanged::kNone},
      {{"bert_uncased", "BERT's: clean, lower case, no accents, ideographs apart"}, {"BertNormalizer"}, Unchanged::kNone},
      {{"bert_cased", "BERT's: clean, ideographs apart"}, {"BertNormalizer"}, Unchanged::kNone},
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
  throw Error(ErrorKind::kUsage, "there is no pre-tokenizer '" + name + "' to train with", "",
              "one of: " + known);
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

// Composed forms, and SentencePiece's table, leave these alone where no combining mark is near: printable ASCII, letters of
// Latin 1, dashes and quotation marks, kana, ideographs.
bool is_composed(char32_t c) {
  return (c >= 0xC0 && c <= 0xFF) || (c >= 0x2013 && c <= 0x2014) || (c >= 0x2018 && c <= 0x201F) ||
         (c >= 0x2020 && c <= 0x2022) || (c >= 0x3001 && c <= 0x3002) || (c >= 0x3041 && c <= 0x3096) ||
         (c >= 0x30A1 && c <= 0x30FA) || (c >= 0x4E00 && c <= 0x9FA5);
}

bool stays(std::string_view text, Unchanged unchanged) {
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    if ((*p >= ' ' && *p <= '~') || *p == '\n') {
      ++p;
    } else if (unchanged != Unchanged::kComposed || static_cast<uint8_t>(*p) < 0x80 || !is_composed(decode_utf8(p, end))) {
      return false;
    }
  }
  return unchanged != Unchanged::kNone;
}

std::string normalise(const std::vector<NormalizerStep>& steps, std::string_view text) {
  std::string out(text);
  for (const NormalizerStep& step : steps) {
    if (step.plain) {
      out = step.plain(out);
    } else {
      Aligned aligned = Aligned::of(out, 0, false, true);
      step.apply(aligned);
      out = std::move(aligned.text);
    }
  }
  return out;
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
  while (!line.empty()) {
    size_t end = 0;
    bool marker = false;
    while (end < line.size() && line[end] != ' ' && !marker) {
      marker = line[end] == kMarker[0] && line.substr(end, 3) == kMarker;
      end += marker ? 0 : 1;
    }
    word.append(line.substr(0, end));
    if (end == line.size()) {
      break;
    }
    end_word(false);
    line.remove_prefix(end + (marker ? 3 : 1));
  }
  end_word(true);
}

enum class Side : uint8_t { kSpace, kWord, kOther, kAlone };

Side side_of_word(char32_t c) {  // \w as Rust's regex has it: Alphabetic, M, Nd, Pc, Join_Control
  if (is_space(c)) {
    return Side::kSpace;
  }
  const Category category = category_of(c);
  const bool word = is_letter(c) || is_mark(c) || category == Category::kNd || category == Category::kNl ||
                    category == Category::kPc || c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) ||
                    (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
                    (c >= 0x1F170 && c <= 0x1F189);
  return word ? Side::kWord : Side::kOther;
}

Side side_of_bert(char32_t c) {
  if (is_space(c)) {
    return Side::kSpace;
  }
  const bool ascii_mark =
      (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  return ascii_mark || is_punctuation(c) ? Side::kAlone : Side::kWord;
}

Side side_of_space(char32_t c) {
  return is_space(c) ? Side::kSpace : Side::kWord;
}

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
      list.back().update({{"clean_text", true},
                          {"handle_chinese_chars", true},
                          {"strip_accents", nullptr},
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

std::span<const CutKind> cut_kinds() {
  return all_cuts();
}

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
      mark_line_ends_(mark_line_ends) {
  if (const Json json = normalizer_json(find_normal(normalizer_), false); !json.is_null()) {
    const std::string where = "the normalizer";
    steps_ = read_normalizers(Field(json, "normalizer", where));
  }
  if (kind_->byte_level) {
    split_ = &split_kind(pre_tokenizer);
  }
}

bool PieceSource::metaspace() const {
  return kind_->name == std::string_view("metaspace");
}

// A line at a time, so that no normalizer can join two of them.
void PieceSource::count_lines(std::string_view text, PieceCounter& counter) const {
  const Unchanged unchanged = find_normal(normalizer_).unchanged;
  std::string word, normal;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r') && normalizer_ == "nmt_nfkc") {
      line.remove_suffix(1);  // a space for that normalizer, and spaces at the end go
    }
    if (!steps_.empty() && !stays(line, unchanged)) {
      normal = normalise(steps_, line);
      line = normal;
    }
    count_line(line, mark_line_ends_, word, counter);
  }
}

void PieceSource::count(std::string_view text, PieceCounter& counter) const {
  if (metaspace()) {
    count_lines(text, counter);
    return;
  }
  std::string normal;
  if (!steps_.empty() && !stays(text, find_normal(normalizer_).unchanged)) {
    normal = normalise(steps_, text);
    text = normal;
  }
  const std::string_view name = kind_->name;
  if (split_ != nullptr) {
    count_scanned(split_->scan, text, counter);
  } else {
    count_runs(text,
               name == "bert"         ? side_of_bert
               : name == "whitespace" ? side_of_word
                                      : side_of_space,
               counter);
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
