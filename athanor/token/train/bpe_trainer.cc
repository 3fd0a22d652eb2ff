#include <algorithm>
#include <bit>
#include <queue>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/train/piece_counter.h"
#include "athanor/token/split/split.h"
#include "athanor/token/train/trainer.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor {

namespace {

using token::Json;
using token::PieceCounter;

constexpr size_t kBatch = 256;
constexpr int64_t kProgressEvery = 256;  // merges

uint64_t key_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

// Pair -> index, open addressing, growing; nothing is ever removed.
class PairIndex {
 public:
  PairIndex() : slots_(1 << 16) {}

  // The pair's index; a new pair gets the next one.
  uint32_t get(uint64_t key) {
    if (2 * size_ >= slots_.size()) {
      grow();
    }
    Slot& slot = slots_[place_of(key)];
    if (slot.index == 0) {
      slot = {key, ++size_};
    }
    return slot.index - 1;
  }

 private:
  struct Slot {
    uint64_t key = 0;
    uint32_t index = 0;  // + 1; 0: free
  };
  size_t place_of(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t at = (key * 0x9e3779b97f4a7c15ULL) >> (64 - std::countr_zero(slots_.size()));
    while (slots_[at].index != 0 && slots_[at].key != key) {
      at = (at + 1) & mask;
    }
    return at;
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.index != 0) {
        slots_[place_of(slot.key)] = slot;
      }
    }
  }

  std::vector<Slot> slots_;
  uint32_t size_ = 0;
};

struct Word {
  uint64_t begin;  // in the pool of symbols
  uint64_t length;
  int64_t count;
};

struct Pair {
  int64_t count = 0;
  uint32_t touched = 0;          // the round that last raised the count
  std::vector<uint32_t> words;  // where it may occur
};

// The queue's order: higher count first, then the smaller pair. Counts go stale; they are checked when popped.
struct Candidate {
  int64_t count;
  uint64_t key;
  uint32_t pair;
  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : key > other.key;
  }
};

// The merge loop. The counts are kept as HF tokenizers keeps them: a merged pair's own count is left standing,
// which matters when two merges give the same string and a pair so comes to life again.
class MergeLoop {
 public:
  MergeLoop(const PieceCounter& counter, const std::vector<std::string>& special_tokens) {
    for (const std::string& token : special_tokens) {
      add_token(token);
    }
    std::vector<char32_t> characters(256);
    for (int byte = 0; byte < 256; ++byte) {
      characters[byte] = token::character_of_byte(static_cast<uint8_t>(byte));
    }
    std::sort(characters.begin(), characters.end());
    int32_t byte_ids[256];
    for (const char32_t character : characters) {
      std::string token;
      append_utf8(token, character);
      byte_ids[token::byte_of_character(character)] = add_token(token);
    }
    load_words(counter, byte_ids);
    for (uint32_t i = 0; i < pairs_.size(); ++i) {
      queue_.push({pairs_[i].count, keys_[i], i});
    }
  }

  void run(const BpeTrainOptions& options, const std::function<void(double)>& progress) {
    const int64_t first = static_cast<int64_t>(tokens_.size());
    while (static_cast<int64_t>(tokens_.size()) < options.vocab_size && !queue_.empty()) {
      Candidate top = queue_.top();
      queue_.pop();
      Pair& pair = pairs_[top.pair];
      if (pair.words.empty()) {
        continue;  // merged already through a better entry
      }
      if (top.count != pair.count) {
        top.count = pair.count;
        queue_.push(top);
        continue;
      }
      if (top.count < 1 || top.count < options.min_frequency) {
        break;
      }
      merge(top);
      const int64_t done = static_cast<int64_t>(tokens_.size()) - first;
      if (progress && done % kProgressEvery == 0) {
        progress(static_cast<double>(done) / static_cast<double>(options.vocab_size - first));
      }
    }
    if (progress) {
      progress(1.0);
    }
  }

  Json vocab() const {
    Json json = Json::object();
    for (size_t id = 0; id < tokens_.size(); ++id) {
      json[tokens_[id]] = id;
    }
    return json;
  }

  // In order; of two equal pairs the later stays, as when HF tokenizers writes them.
  Json merges() const {
    std::unordered_map<uint64_t, size_t> last;
    for (size_t i = 0; i < merges_.size(); ++i) {
      last[merges_[i]] = i;
    }
    Json json = Json::array();
    for (size_t i = 0; i < merges_.size(); ++i) {
      if (last[merges_[i]] == i) {
        json.push_back({tokens_[merges_[i] >> 32], tokens_[merges_[i] & 0xFFFFFFFF]});
      }
    }
    return json;
  }

  Json report(size_t num_specials) const {
    std::vector<bool> used(tokens_.size());
    uint64_t num_tokens = 0;
    for (const Word& word : words_) {
      num_tokens += word.length * static_cast<uint64_t>(word.count);
      for (uint64_t i = 0; i < word.length; ++i) {
        used[symbols_[word.begin + i]] = true;
      }
    }
    const auto num_used = static_cast<size_t>(std::count(used.begin(), used.end(), true));
    return {{"vocab_size", tokens_.size()},
            {"num_merges", merges_.size()},
            {"num_bytes", num_bytes_},
            {"num_tokens", num_tokens},
            {"bytes_per_token", num_tokens == 0 ? 0.0 : static_cast<double>(num_bytes_) / static_cast<double>(num_tokens)},
            {"num_pieces", words_.size()},
            {"num_unused_tokens", tokens_.size() - num_used - num_specials}};
  }

 private:
  int32_t add_token(const std::string& token) {
    const auto [found, is_new] = ids_.emplace(token, static_cast<int32_t>(tokens_.size()));
    if (is_new) {
      tokens_.push_back(token);
    }
    return found->second;
  }

  uint32_t pair_of(int32_t left, int32_t right) {
    const uint64_t key = key_of(left, right);
    const uint32_t index = index_.get(key);
    if (index == pairs_.size()) {
      pairs_.emplace_back();
      keys_.push_back(key);
    }
    return index;
  }

  void load_words(const PieceCounter& counter, const int32_t* byte_ids) {
    words_.reserve(counter.entries().size());
    for (const PieceCounter::Entry& entry : counter.entries()) {
      const uint32_t number = static_cast<uint32_t>(words_.size());
      words_.push_back({symbols_.size(), entry.piece.size(), entry.count});
      num_bytes_ += entry.piece.size() * static_cast<uint64_t>(entry.count);
      for (const char byte : entry.piece) {
        symbols_.push_back(byte_ids[static_cast<uint8_t>(byte)]);
      }
      const int32_t* const symbols = symbols_.data() + words_.back().begin;
      for (uint64_t i = 0; i + 1 < words_.back().length; ++i) {
        Pair& pair = pairs_[pair_of(symbols[i], symbols[i + 1])];
        pair.count += entry.count;
        note(pair, number);
      }
    }
  }

  static void note(Pair& pair, uint32_t word) {
    if (pair.words.empty() || pair.words.back() != word) {
      pair.words.push_back(word);
    }
  }

  void merge(const Candidate& top) {
    const int32_t left = static_cast<int32_t>(top.key >> 32);
    const int32_t right = static_cast<int32_t>(top.key & 0xFFFFFFFF);
    const int32_t result = add_token(tokens_[left] + tokens_[right]);
    merges_.push_back(top.key);
    const std::vector<uint32_t> words = std::move(pairs_[top.pair].words);
    pairs_[top.pair].words = {};
    ++round_;
    raised_.clear();
    for (const uint32_t word : words) {
      merge_in(word, left, right, result);
    }
    for (const uint32_t pair : raised_) {
      if (pairs_[pair].count > 0) {
        queue_.push({pairs_[pair].count, keys_[pair], pair});
      }
    }
  }

  void merge_in(uint32_t number, int32_t left, int32_t right, int32_t result) {
    Word& word = words_[number];
    int32_t* const symbols = symbols_.data() + word.begin;
    uint64_t kept = 0;
    for (uint64_t i = 0; i < word.length; ++i) {
      if (symbols[i] != left || i + 1 == word.length || symbols[i + 1] != right) {
        symbols[kept++] = symbols[i];
        continue;
      }
      if (kept > 0) {
        pairs_[pair_of(symbols[kept - 1], left)].count -= word.count;
        raise(symbols[kept - 1], result, number);
      }
      if (i + 2 < word.length) {
        pairs_[pair_of(right, symbols[i + 2])].count -= word.count;
        raise(result, symbols[i + 2], number);
      }
      symbols[kept++] = result;
      ++i;
    }
    word.length = kept;
  }

  void raise(int32_t left, int32_t right, uint32_t word) {
    const uint32_t index = pair_of(left, right);
    Pair& pair = pairs_[index];
    pair.count += words_[word].count;
    note(pair, word);
    if (pair.touched != round_) {
      pair.touched = round_;
      raised_.push_back(index);
    }
  }

  std::vector<std::string> tokens_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::vector<int32_t> symbols_;
  PairIndex index_;
  std::vector<Pair> pairs_;
  std::vector<uint64_t> keys_;  // of pairs_
  std::priority_queue<Candidate> queue_;
  std::vector<uint64_t> merges_;
  std::vector<uint32_t> raised_;
  uint32_t round_ = 0;
  uint64_t num_bytes_ = 0;
};

void count_pieces(const token::SplitKind& kind, std::string_view text, PieceCounter& counter) {
  std::string normal;
  if (kind.normalizer != nullptr) {
    normal = to_nfc(text);  // the only one in the table of split.cc
    text = normal;
  }
  size_t ends[kBatch];
  size_t begin = 0;
  while (const size_t count = kind.scan(text, begin, ends, kBatch)) {
    for (size_t i = 0; i < count; ++i) {
      counter.add(text.substr(begin, ends[i] - begin), 1);
      begin = ends[i];
    }
  }
}

}  // namespace

struct BpeTrainer::State {
  BpeTrainOptions options;
  const token::SplitKind* kind;
  PieceCounter counter;
  Json report;
};

BpeTrainer::BpeTrainer(BpeTrainOptions options) : state_(new State{std::move(options), nullptr, {}, {}}) {
  const BpeTrainOptions& o = state_->options;
  state_->kind = &token::split_kind(o.pre_tokenizer);
  if (!state_->kind->byte_level) {
    throw Error(ErrorKind::kUsage, "the pre-tokenizer '" + o.pre_tokenizer + "' is not for byte-level BPE");
  }
  const int64_t least = 256 + static_cast<int64_t>(o.special_tokens.size());
  if (o.vocab_size < least || o.vocab_size > token::kMaxVocabulary) {
    throw Error(ErrorKind::kUsage, "vocab_size must be from " + std::to_string(least) +
                                       " (the bytes and the special tokens) to " +
                                       std::to_string(token::kMaxVocabulary) + ", not " +
                                       std::to_string(o.vocab_size));
  }
  std::vector<std::string_view> seen;
  for (const std::string& token : o.special_tokens) {
    // A single character could be the spelling of a byte.
    if (!is_valid_utf8(token) || count_code_points(token) < 2) {
      throw Error(ErrorKind::kUsage, "a special token must be UTF-8 text of two characters or more");
    }
    if (std::find(seen.begin(), seen.end(), token) != seen.end()) {
      throw Error(ErrorKind::kUsage, "the special token '" + token + "' is given twice");
    }
    seen.push_back(token);
  }
}

BpeTrainer::~BpeTrainer() = default;
BpeTrainer::BpeTrainer(BpeTrainer&&) noexcept = default;
BpeTrainer& BpeTrainer::operator=(BpeTrainer&&) noexcept = default;

void BpeTrainer::add(std::string_view text) { count_pieces(*state_->kind, text, state_->counter); }

void BpeTrainer::add(std::span<const std::string_view> texts, ThreadPool& pool) {
  std::vector<PieceCounter> counters(static_cast<size_t>(std::max(pool.num_threads(), 1)));
  pool.parallel_for(counters.size(), [&](size_t part) {
    for (size_t i = part; i < texts.size(); i += counters.size()) {
      count_pieces(*state_->kind, texts[i], counters[part]);
    }
  });
  for (const PieceCounter& counter : counters) {
    for (const PieceCounter::Entry& entry : counter.entries()) {
      state_->counter.add(entry.piece, entry.count);
    }
  }
}

Tokenizer BpeTrainer::train(const std::function<void(double)>& progress) {
  State& s = *state_;
  if (s.counter.entries().empty()) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  Json added = Json::array();
  for (const std::string& content : s.options.special_tokens) {
    added.push_back(token::added_token_json(static_cast<int32_t>(added.size()), content));
  }
  MergeLoop loop(s.counter, s.options.special_tokens);
  s.counter = PieceCounter();
  loop.run(s.options, progress);
  s.report = loop.report(added.size());
  Json json = token::frame_json(*s.kind);
  json["added_tokens"] = std::move(added);
  Json& model = json["model"];
  model["vocab"] = loop.vocab();
  model["merges"] = loop.merges();
  return Tokenizer::from_json(json.dump(), "the trained tokenizer");
}

const nlohmann::json& BpeTrainer::report() const { return state_->report; }

}  // namespace athanor
