// The loop of BPE training: words as lists of symbols with their counts in, tokens and merges out.
//
//   MergeLoop loop;
//   loop.add_token("a"); ...                 // the first ids: special tokens, then the alphabet
//   loop.add_word(symbols, count); ...
//   loop.run({.vocab_size = 8192});
//   loop.tokens(), loop.merges()
//
// HF's order (Sennrich, Haddow, Birch 2016; huggingface/tokenizers, bpe/trainer.rs): higher count first, then
// the smaller pair of ids. SentencePiece's: higher count, fewer characters, the smaller string; a string that
// is a token already is never made by another pair. Counts are 64 bits wide. Both are kept as the originals
// keep them: a merged pair's own count is left standing, which matters (HF) when two merges give the same
// string and a pair comes to life again.
//
// Memory: 16 bytes a word, 4 a symbol, 4 more a pair of neighbours, and about 60 a different pair.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace athanor::token {

// Pair -> index, open addressing, growing; nothing is ever removed.
class PairIndex {
 public:
  PairIndex() : slots_(1 << 16) {}
  // The pair's index; a new pair gets the next one.
  uint32_t get(uint64_t key);
  uint64_t key(uint32_t index) const { return keys_[index]; }

 private:
  size_t place_of(uint64_t key) const;
  void grow();

  std::vector<uint32_t> slots_;  // index + 1; 0: free
  std::vector<uint64_t> keys_;   // by index
};

// Numbers of words, mostly one or two of them: 16 bytes where a vector takes 24 and an allocation.
class WordList {
 public:
  WordList() = default;
  WordList(WordList&& other) noexcept { swap(other); }
  WordList& operator=(WordList&& other) noexcept {
    WordList(std::move(other)).swap(*this);
    return *this;
  }
  ~WordList() {
    if (capacity_ > kInside) {
      delete[] rest_;
    }
  }

  bool empty() const { return size_ == 0; }
  uint32_t back() const { return begin()[size_ - 1]; }
  const uint32_t* begin() const { return capacity_ > kInside ? rest_ : inside_; }
  const uint32_t* end() const { return begin() + size_; }
  void reserve(uint32_t capacity);
  void push_back(uint32_t word) {
    if (size_ == capacity_) {
      reserve(size_ + size_ / 2 + 2);
    }
    (capacity_ > kInside ? rest_ : inside_)[size_++] = word;
  }

 private:
  static constexpr uint32_t kInside = 2;
  void swap(WordList& other) noexcept;

  uint32_t size_ = 0, capacity_ = kInside;
  union {
    uint32_t inside_[kInside] = {};
    uint32_t* rest_;
  };
};

struct MergeRules {
  int64_t vocab_size = 8192;      // run() stops at so many tokens
  int64_t min_frequency = 0;      // pairs seen less often are not merged
  uint64_t max_token_length = 0;  // in symbols of the alphabet; 0: none. HF's bound is one less than it says
  std::string prefix;             // of symbols inside a word ("##"): a merge takes it off its right part
  bool sentencepiece = false;
  // SentencePiece: whether a string may be a token at all.
  std::function<bool(std::string_view)> valid;
};

class MergeLoop {
 public:
  explicit MergeLoop(MergeRules rules) : rules_(std::move(rules)), queue_(Order{this}) {}
  MergeLoop(const MergeLoop&) = delete;
  MergeLoop& operator=(const MergeLoop&) = delete;

  // The id of the token, a new one when there is none.
  int32_t add_token(const std::string& token);
  // A pair with a negative symbol is never merged.
  void add_word(std::span<const int32_t> symbols, int64_t count);
  // progress (may be empty) gets fractions in [0, 1].
  void run(const std::function<void(double)>& progress);

  const std::vector<std::string>& tokens() const { return tokens_; }
  // left << 32 | right, in order; the same pair may stand there twice (HF), then the later counts.
  const std::vector<uint64_t>& merges() const { return merges_; }
  // The id that merges()[i] makes.
  const std::vector<int32_t>& results() const { return results_; }
  size_t num_words() const { return words_.size(); }
  // Of the words as they now are cut: how often each token stands in them.
  std::vector<uint64_t> token_counts() const;

 private:
  struct Word {
    uint64_t begin;  // in symbols_; it ends at kEnd or at the next word
    int64_t count;
  };
  struct Pair {
    int64_t count = 0;
    uint32_t touched : 31 = 0;  // the round that last raised the count
    uint32_t dead : 1 = false;  // SentencePiece: made already, or not to be made
    WordList words;             // where it may occur
  };
  // Counts go stale; they are checked when popped.
  struct Candidate {
    int64_t count;
    uint64_t key;
    uint32_t pair;
  };
  struct Order {
    const MergeLoop* loop;
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.count != b.count) {
        return a.count < b.count;
      }
      return loop->rules_.sentencepiece ? loop->reads_after(a.key, b.key) : a.key > b.key;
    }
  };
  static constexpr int32_t kEnd = -2;

  bool reads_after(uint64_t a, uint64_t b) const;
  std::string joined(uint64_t key) const;
  uint32_t pair_of(int32_t left, int32_t right);
  uint64_t end_of(uint32_t word) const;
  void note(Pair& pair, uint32_t word);
  void count_pairs();
  bool may_merge(const Candidate& top);
  void merge(const Candidate& top);
  void merge_in(uint32_t number, int32_t left, int32_t right, int32_t result);
  void raise(int32_t left, int32_t right, uint32_t word);

  MergeRules rules_;
  std::vector<std::string> tokens_;
  std::vector<uint32_t> lengths_;  // of tokens_, in symbols of the alphabet
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<Word> words_;
  std::vector<int32_t> symbols_;
  PairIndex index_;
  std::deque<Pair> pairs_;  // by index
  std::priority_queue<Candidate, std::vector<Candidate>, Order> queue_;
  std::vector<uint64_t> merges_;
  std::vector<int32_t> results_;
  std::vector<uint32_t> raised_;
  uint32_t round_ = 0;
};

}  // namespace athanor::token
