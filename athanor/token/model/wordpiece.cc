#include "athanor/token/model/wordpiece.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_trie.h"

namespace athanor::token {

namespace {

constexpr uint32_t kNone = ByteTrie::kNone;
constexpr size_t kMaxPops = size_t{1} << 26;  // real vocabularies need some hundred thousand

// Where matching goes on when a node has no child for the next byte: `count` tokens are complete, and the rest of
// what was read is the suffix trie's node `fail` (kNone: the word cannot be covered).
struct Link {
  uint32_t fail = kNone;
  uint32_t first = 0, count = 0;  // in pops
};

struct Automaton {
  ByteTrie trie;
  std::vector<Link> links;  // by node
};

class WordPiece : public TokenModel {
 public:
  struct Settings {
    std::string unknown_token;
    std::optional<int32_t> unknown;
    std::string prefix;
    size_t max_chars;
    std::string where;
  };

  WordPiece(const Vocabulary& vocabulary, Settings settings) : vocabulary_(vocabulary), settings_(std::move(settings)) {
    std::vector<std::pair<std::string_view, int32_t>> words, suffixes;
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      std::string_view token = vocabulary.token(id);
      if (!vocabulary.has(id) || count_code_points(token) > settings_.max_chars + settings_.prefix.size()) {
        continue;
      }
      words.emplace_back(token, id);
      if (token.starts_with(settings_.prefix)) {
        suffixes.emplace_back(token.substr(settings_.prefix.size()), id);
      }
    }
    build(std::move(suffixes), suffixes_);
    build(std::move(words), words_);
  }

  void encode(std::string_view piece, Workspace&, std::vector<int32_t>& ids) const override {
    const size_t begin = ids.size();
    if ((piece.size() > settings_.max_chars && count_code_points(piece) > settings_.max_chars) || !match(piece, ids)) {
      ids.resize(begin);
      ids.push_back(unknown());
    }
  }

  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override {
    size_t i = ids.size();
    encode(piece, work, ids);
    const uint32_t size = static_cast<uint32_t>(piece.size());
    if (i + 1 == ids.size()) {  // one token, or the unknown one: the whole word
      spans.push_back({0, size});
      return;
    }
    uint32_t begin = 0;
    for (; i < ids.size(); ++i) {
      const size_t prefix = begin == 0 ? 0 : settings_.prefix.size();
      const uint32_t end = begin + static_cast<uint32_t>(vocabulary_.token(ids[i]).size() - prefix);
      spans.push_back({begin, end});
      begin = end;
    }
  }

 private:
  // Suffixes come first: all links lead into them. Song et al. 2021, algorithm 2.
  void build(std::vector<std::pair<std::string_view, int32_t>> strings, Automaton& automaton) {
    std::vector<ByteTrie::Node> nodes;
    automaton.trie = ByteTrie(std::move(strings), &nodes);
    automaton.links.resize(automaton.trie.size());
    for (const ByteTrie::Node& node : nodes) {
      automaton.links[node.node] = link_of(node, automaton);
    }
  }

  Link link_of(const ByteTrie::Node& node, const Automaton& automaton) {
    const uint32_t first = static_cast<uint32_t>(pops_.size());
    if (pops_.size() > kMaxPops) {
      throw Error(ErrorKind::kInput, "the tokens of this WordPiece vocabulary are too long", settings_.where);
    }
    if (automaton.trie.value(node.node) >= 0) {
      pops_.push_back(automaton.trie.value(node.node));
      return {ByteTrie::kRoot, first, 1};
    }
    const Link& parent = automaton.links[node.parent];
    append_pops(parent);
    uint32_t fail = parent.fail;
    while (fail != kNone) {
      const uint32_t next = suffixes_.trie.child(fail, node.byte);
      if (next != kNone) {
        return {next, first, static_cast<uint32_t>(pops_.size()) - first};
      }
      append_pops(suffixes_.links[fail]);
      fail = suffixes_.links[fail].fail;
    }
    pops_.resize(first);
    return {};
  }

  void append_pops(const Link& link) {
    for (uint32_t i = 0; i < link.count; ++i) {
      pops_.push_back(pops_[link.first + i]);
    }
  }

  // False when the word cannot be covered.
  bool match(std::string_view piece, std::vector<int32_t>& ids) const {
    const Automaton* automaton = &words_;
    uint32_t node = ByteTrie::kRoot;
    const auto fall_back = [&] {
      const Link& link = automaton->links[node];
      ids.insert(ids.end(), pops_.begin() + link.first, pops_.begin() + link.first + link.count);
      node = link.fail;
      automaton = &suffixes_;
      return node != kNone;
    };
    for (const char byte : piece) {
      uint32_t next;
      while ((next = automaton->trie.child(node, static_cast<uint8_t>(byte))) == kNone) {
        if (!fall_back()) {
          return false;
        }
      }
      node = next;
    }
    while (automaton != &suffixes_ || node != ByteTrie::kRoot) {
      if (!fall_back()) {
        return false;
      }
    }
    return true;
  }

  int32_t unknown() const {
    if (!settings_.unknown) {
      throw Error(ErrorKind::kInput,
                  "a word is not covered by the vocabulary, and the unknown token " +
                      json_string(settings_.unknown_token) + " is not in it",
                  settings_.where, "add the token to model.vocab");
    }
    return *settings_.unknown;
  }

  const Vocabulary& vocabulary_;  // the tokenizer's, which outlives its model
  Settings settings_;
  std::vector<int32_t> pops_;
  Automaton words_;     // every token, from the start of a word
  Automaton suffixes_;  // those with the prefix, without it
};

}  // namespace

std::unique_ptr<TokenModel> make_word_piece(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  if (byte_level) {
    model.at("vocab").fail("is a WordPiece, which does not go with a ByteLevel pre_tokenizer");
  }
  vocabulary.read(model.at("vocab"));
  WordPiece::Settings settings{"[UNK]", std::nullopt, "##", 100, model.where()};
  if (const std::optional<Field> token = model.find("unk_token")) {
    settings.unknown_token = token->string();
  }
  if (const std::optional<Field> prefix = model.find("continuing_subword_prefix")) {
    settings.prefix = prefix->string();
  }
  if (const std::optional<Field> chars = model.find("max_input_chars_per_word")) {
    settings.max_chars = static_cast<size_t>(chars->integer(0, int64_t{1} << 40));
  }
  settings.unknown = vocabulary.find(settings.unknown_token);
  return std::make_unique<WordPiece>(vocabulary, std::move(settings));
}

}  // namespace athanor::token
