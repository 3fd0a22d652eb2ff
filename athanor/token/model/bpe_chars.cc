#include "athanor/token/model/bpe_chars.h"

#include <algorithm>
#include <memory>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/backtrack.h"
#include "athanor/token/model/bpe.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/merge_loop.h"
#include "athanor/token/model/merge_table.h"

namespace athanor::token {

namespace {

struct Rules {
  static constexpr uint32_t kNone = MergeTable::kNone;

  explicit Rules(std::vector<Merge> list) : merges(std::move(list)), table(merges.size()) {
    for (size_t rank = 0; rank < merges.size(); ++rank) {
      table.insert(merges[rank].left, merges[rank].right, static_cast<uint32_t>(rank));
    }
  }
  uint32_t find(int32_t left, int32_t right) const { return table.find(left, right); }
  int32_t result(uint32_t rank) const { return merges[rank].result; }
  size_t size() const { return merges.size(); }

  std::vector<Merge> merges;  // by rank
  MergeTable table;
};

// Character -> id of the token that is just it, in pages of 256.
class CharacterIds {
 public:
  explicit CharacterIds(const Vocabulary& vocabulary) : pages_((0x110000 >> 8) + 1) {
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      const std::string& token = vocabulary.token(id);
      const char* p = token.data();
      const char* const end = p + token.size();
      if (token.empty() || token.size() > 4) {
        continue;
      }
      const char32_t code = decode_utf8(p, end);
      if (p == end) {
        std::unique_ptr<Page>& page = pages_[code >> 8];
        if (page == nullptr) {
          page = std::make_unique<Page>();
          page->fill(-1);
        }
        (*page)[code & 255] = id;
      }
    }
  }
  int32_t find(char32_t code) const {
    const std::unique_ptr<Page>& page = pages_[code >> 8];
    return page == nullptr ? -1 : (*page)[code & 255];
  }

 private:
  using Page = std::array<int32_t, 256>;
  std::vector<std::unique_ptr<Page>> pages_;
};

struct Settings {
  std::string prefix, suffix;  // of a character that does not begin, or that ends, a piece
  std::optional<std::string> unknown_token;
  std::optional<int32_t> unknown;
  bool fuse_unknown = false, ignore_merges = false, byte_level = false;
  std::vector<int32_t> byte_ids;  // empty: no byte_fallback
  std::string where;
};

class BpeChars : public TokenModel {
 public:
  BpeChars(const Vocabulary& vocabulary, std::vector<Merge> merges, Settings settings)
      : vocabulary_(vocabulary), rules_(std::move(merges)), characters_(vocabulary), settings_(std::move(settings)) {}

  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const override {
    piece = spell(piece, work);
    if (find_whole(piece, ids)) {
      return;
    }
    read_symbols(piece, work.symbols, nullptr);
    if (work.symbols.size() <= kShortMerge) {
      const size_t count = merge_short(rules_, work.symbols.data(), work.symbols.size());
      ids.insert(ids.end(), work.symbols.begin(), work.symbols.begin() + static_cast<ptrdiff_t>(count));
      return;
    }
    merge_long(rules_, work, 0, nullptr);
    collect(work, ids);
  }

  void encode_sampled(std::string_view piece, const Sampling& sampling, Rng& rng, Workspace& work,
                      std::vector<int32_t>& ids) const override {
    if (sampling.dropout <= 0) {
      return encode(piece, work, ids);
    }
    piece = spell(piece, work);
    read_symbols(piece, work.symbols, nullptr);
    merge_long(rules_, work, sampling.dropout, &rng);
    collect(work, ids);
  }

  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override {
    const size_t first = spans.size();
    const std::string_view spelt = spell(piece, work);
    if (find_whole(spelt, ids)) {
      spans.push_back({0, static_cast<uint32_t>(piece.size())});
      return;
    }
    std::vector<uint32_t> ends;  // of the symbols
    read_symbols(spelt, work.symbols, &ends);
    merge_long(rules_, work, 0, nullptr);
    collect(work, ids);
    for (uint32_t i = 0; i < ends.size(); i = work.next[i]) {
      spans.push_back({i == 0 ? 0 : ends[i - 1], ends[work.next[i] - 1]});
    }
    if (settings_.byte_level) {
      std::vector<uint32_t> bytes{0};  // by position in the spelling: bytes of the piece before it
      for (const char c : spelt) {
        bytes.push_back(bytes.back() + ((static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0));
      }
      for (size_t i = first; i < spans.size(); ++i) {
        spans[i] = {bytes[spans[i].begin], bytes[spans[i].end]};
      }
    }
  }

  // A merge of unknown or byte tokens would join text that its own text does not show.
  bool visit_joined(const std::function<void(std::string_view)>& visit) const override {
    std::vector<bool> opaque(vocabulary_.size());
    for (const int32_t id : settings_.byte_ids) {
      opaque[std::max(id, 0)] = opaque[std::max(id, 0)] || id >= 0;
    }
    if (settings_.unknown) {
      opaque[*settings_.unknown] = true;
    }
    if (settings_.ignore_merges || !settings_.prefix.empty() || !settings_.suffix.empty() ||
        std::any_of(rules_.merges.begin(), rules_.merges.end(),
                    [&](const Merge& merge) { return opaque[merge.left] || opaque[merge.right]; })) {
      return false;
    }
    for (const Merge& merge : rules_.merges) {
      visit(vocabulary_.token(merge.result));
    }
    return true;
  }

  void write(const Vocabulary& vocabulary, std::string& out) const override {
    vocabulary.write(out);
    out += ",\n    \"merges\": [";
    const char* separator = "\n";
    for (const Merge& merge : rules_.merges) {
      out += separator;
      out += "      [" + json_string(vocabulary.token(merge.left)) + ", " + json_string(vocabulary.token(merge.right)) + "]";
      separator = ",\n";
    }
    out += rules_.merges.empty() ? "]" : "\n    ]";
  }

 private:
  std::string_view spell(std::string_view piece, Workspace& work) const {
    if (!settings_.byte_level) {
      return piece;
    }
    work.text = bytes_to_token(piece);
    return work.text;
  }

  bool find_whole(std::string_view piece, std::vector<int32_t>& ids) const {
    const std::optional<int32_t> whole = settings_.ignore_merges ? vocabulary_.find(piece) : std::nullopt;
    if (whole) {
      ids.push_back(*whole);
    }
    return whole.has_value();
  }

  // One symbol a character, or several for its bytes; ends: the bytes of piece up to the end of each, where, as in HF
  // tokenizers, characters that are left out do not count.
  void read_symbols(std::string_view piece, std::vector<int32_t>& symbols, std::vector<uint32_t>* ends) const {
    symbols.clear();
    const auto push = [&](int32_t id, size_t length) {
      symbols.push_back(id);
      if (ends != nullptr) {
        ends->push_back((ends->empty() ? 0 : ends->back()) + static_cast<uint32_t>(length));
      }
    };
    size_t unknown_length = 0;  // of the unknown token that waits for what follows it
    const char* const begin = piece.data();
    const char* const end = begin + piece.size();
    for (const char* p = begin; p != end;) {
      const char* const start = p;
      const char32_t code = decode_utf8(p, end);
      const std::string_view character(start, static_cast<size_t>(p - start));
      std::string affixed;
      const int32_t id = settings_.prefix.empty() && settings_.suffix.empty()
                             ? characters_.find(code)
                             : find_affixed(character, start == begin, p == end, affixed);
      if (id >= 0) {
        if (unknown_length != 0) {
          push(*settings_.unknown, unknown_length);
          unknown_length = 0;
        }
        push(id, character.size());
        continue;
      }
      const std::string_view missing = affixed.empty() ? character : affixed;
      if (!settings_.byte_ids.empty() && has_bytes(missing)) {
        for (const char byte : missing) {
          push(settings_.byte_ids[static_cast<uint8_t>(byte)], 1);
        }
      } else if (settings_.unknown_token) {
        if (unknown_length != 0 && !settings_.fuse_unknown) {
          push(*settings_.unknown, unknown_length);
          unknown_length = 0;
        }
        require_unknown(missing);
        unknown_length += character.size();
      }
    }
    if (unknown_length != 0) {
      push(*settings_.unknown, unknown_length);
    }
  }

  int32_t find_affixed(std::string_view character, bool first, bool last, std::string& affixed) const {
    affixed = (first ? "" : settings_.prefix) + std::string(character) + (last ? settings_.suffix : "");
    return vocabulary_.find(affixed).value_or(-1);
  }

  bool has_bytes(std::string_view text) const {
    return std::all_of(text.begin(), text.end(),
                       [&](char byte) { return settings_.byte_ids[static_cast<uint8_t>(byte)] >= 0; });
  }

  void require_unknown(std::string_view character) const {
    if (!settings_.unknown) {
      throw Error(ErrorKind::kInput,
                  "the character " + json_string(character) + " is not in the vocabulary, nor is the unknown token " +
                      json_string(*settings_.unknown_token),
                  settings_.where, "add the token to model.vocab");
    }
  }

  static void collect(const Workspace& work, std::vector<int32_t>& ids) {
    for (uint32_t i = 0; i < work.symbols.size(); i = work.next[i]) {
      ids.push_back(work.symbols[i]);
    }
  }

  const Vocabulary& vocabulary_;  // the tokenizer's, which outlives its model
  Rules rules_;
  CharacterIds characters_;
  Settings settings_;
};

// The result of a merge loses the prefix of its second token.
Merge read_merge(const Field& field, const Vocabulary& vocabulary, size_t prefix) {
  const auto [left, right] = read_merge_tokens(field);
  if (right.size() < prefix) {
    field.fail("has a second token shorter than model.continuing_subword_prefix");
  }
  const auto id_of = [&](const std::string& token) {
    const std::optional<int32_t> id = vocabulary.find(token);
    if (!id) {
      field.fail("needs the token " + json_string(token) + ", which is not in the vocabulary");
    }
    return *id;
  };
  return {id_of(left), id_of(right), id_of(left + right.substr(prefix))};
}

Settings read_settings(const Field& model, bool byte_level, const Vocabulary& vocabulary) {
  Settings settings;
  const auto text = [&](const char* name) {
    const std::optional<Field> field = model.find(name);
    return field ? std::optional<std::string>(field->string()) : std::nullopt;
  };
  settings.prefix = text("continuing_subword_prefix").value_or("");
  settings.suffix = text("end_of_word_suffix").value_or("");
  settings.unknown_token = text("unk_token");
  if (settings.unknown_token) {
    settings.unknown = vocabulary.find(*settings.unknown_token);
  }
  settings.fuse_unknown = model.flag("fuse_unk", false);
  settings.ignore_merges = model.flag("ignore_merges", false);
  settings.byte_level = byte_level;
  if (model.flag("byte_fallback", false)) {
    settings.byte_ids = byte_tokens(vocabulary);
  }
  settings.where = model.where();
  const std::optional<Field> dropout = model.find("dropout");
  if (dropout && dropout->value() != 0) {
    dropout->fail("is not honoured: encoding is deterministic", "set it to null, and ask for dropout when encoding");
  }
  return settings;
}

}  // namespace

std::unique_ptr<TokenModel> make_bpe_chars(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  vocabulary.read(model.at("vocab"));
  Settings settings = read_settings(model, byte_level, vocabulary);
  const Field list = model.at("merges");
  if (list.list().size() >= Rules::kNone) {
    list.fail("holds more than " + std::to_string(Rules::kNone - 1) + " merges");
  }
  std::vector<Merge> merges;
  merges.reserve(list.value().size());
  for (size_t i = 0; i < list.value().size(); ++i) {
    merges.push_back(read_merge(list.item(i), vocabulary, settings.prefix.size()));
  }
  return std::make_unique<BpeChars>(vocabulary, std::move(merges), std::move(settings));
}

}  // namespace athanor::token
