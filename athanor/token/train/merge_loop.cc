#include "athanor/token/train/merge_loop.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace athanor::token {

namespace {

constexpr int64_t kProgressEvery = 256;  // merges

uint64_t key_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}
int32_t left_of(uint64_t key) { return static_cast<int32_t>(key >> 32); }
int32_t right_of(uint64_t key) { return static_cast<int32_t>(key & 0xFFFFFFFF); }

}  // namespace

uint32_t PairIndex::get(uint64_t key) {
  if (2 * keys_.size() >= slots_.size()) {
    grow();
  }
  uint32_t& slot = slots_[place_of(key)];
  if (slot == 0) {
    keys_.push_back(key);
    slot = static_cast<uint32_t>(keys_.size());
  }
  return slot - 1;
}

size_t PairIndex::place_of(uint64_t key) const {
  const size_t mask = slots_.size() - 1;
  size_t at = (key * 0x9e3779b97f4a7c15ULL) >> (64 - std::countr_zero(slots_.size()));
  while (slots_[at] != 0 && keys_[slots_[at] - 1] != key) {
    at = (at + 1) & mask;
  }
  return at;
}

void PairIndex::grow() {
  slots_.assign(2 * slots_.size(), 0);
  for (uint32_t i = 0; i < keys_.size(); ++i) {
    slots_[place_of(keys_[i])] = i + 1;
  }
}

void WordList::reserve(uint32_t capacity) {
  if (capacity <= capacity_) {
    return;
  }
  auto* const more = new uint32_t[capacity];
  std::copy(begin(), end(), more);
  if (capacity_ > kInside) {
    delete[] rest_;
  }
  rest_ = more;
  capacity_ = capacity;
}

void WordList::swap(WordList& other) noexcept {
  static_assert(sizeof(inside_) == sizeof(rest_));
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  uint32_t mine[kInside];
  std::memcpy(mine, inside_, sizeof mine);
  std::memcpy(inside_, other.inside_, sizeof mine);
  std::memcpy(other.inside_, mine, sizeof mine);
}

int32_t MergeLoop::add_token(const std::string& token) {
  const auto [found, is_new] = ids_.emplace(token, static_cast<int32_t>(tokens_.size()));
  if (is_new) {
    tokens_.push_back(token);
    lengths_.push_back(1);
  }
  return found->second;
}

void MergeLoop::add_word(std::span<const int32_t> symbols, int64_t count) {
  words_.push_back({symbols_.size(), count});
  symbols_.insert(symbols_.end(), symbols.begin(), symbols.end());
}

std::string MergeLoop::joined(uint64_t key) const {
  const std::string& left = tokens_[left_of(key)];
  const std::string& right = tokens_[right_of(key)];
  if (!rules_.prefix.empty() && right.starts_with(rules_.prefix)) {
    return left + right.substr(rules_.prefix.size());
  }
  return left + right;
}

// SentencePiece's order of two pairs with equal counts.
bool MergeLoop::reads_after(uint64_t a, uint64_t b) const {
  const uint32_t length_a = lengths_[left_of(a)] + lengths_[right_of(a)];
  const uint32_t length_b = lengths_[left_of(b)] + lengths_[right_of(b)];
  if (length_a != length_b) {
    return length_a > length_b;
  }
  const std::string &left_a = tokens_[left_of(a)], &right_a = tokens_[right_of(a)];
  const std::string &left_b = tokens_[left_of(b)], &right_b = tokens_[right_of(b)];
  const size_t size_a = left_a.size() + right_a.size(), size_b = left_b.size() + right_b.size();
  for (size_t i = 0; i < std::min(size_a, size_b); ++i) {
    const char byte_a = i < left_a.size() ? left_a[i] : right_a[i - left_a.size()];
    const char byte_b = i < left_b.size() ? left_b[i] : right_b[i - left_b.size()];
    if (byte_a != byte_b) {
      return static_cast<uint8_t>(byte_a) > static_cast<uint8_t>(byte_b);
    }
  }
  return size_a != size_b ? size_a > size_b : a > b;
}

uint32_t MergeLoop::pair_of(int32_t left, int32_t right) {
  const uint64_t key = key_of(left, right);
  const uint32_t index = index_.get(key);
  if (index == pairs_.size()) {
    pairs_.emplace_back();
    pairs_.back().dead = left < 0 || right < 0;
    if (rules_.sentencepiece && !pairs_.back().dead && rules_.valid) {
      pairs_.back().dead = !rules_.valid(joined(key));
    }
  }
  return index;
}

uint64_t MergeLoop::end_of(uint32_t word) const {
  return word + 1 < words_.size() ? words_[word + 1].begin : symbols_.size();
}

void MergeLoop::note(Pair& pair, uint32_t word) {
  if (!pair.dead && (pair.words.empty() || pair.words.back() != word)) {
    pair.words.push_back(word);
  }
}

// Twice through the words: the lists get their exact size before they are filled.
void MergeLoop::count_pairs() {
  std::vector<uint32_t> sizes;
  for (const bool fill : {false, true}) {
    for (uint32_t number = 0; number < words_.size(); ++number) {
      const uint64_t end = end_of(number);
      for (uint64_t i = words_[number].begin; i + 1 < end; ++i) {
        const uint32_t index = pair_of(symbols_[i], symbols_[i + 1]);
        if (fill) {
          pairs_[index].count += words_[number].count;
          note(pairs_[index], number);
        } else {
          sizes.resize(pairs_.size());
          sizes[index] += 1;
        }
      }
    }
    for (size_t i = 0; !fill && i < pairs_.size(); ++i) {
      pairs_[i].words.reserve(pairs_[i].dead ? 0 : sizes[i]);
    }
  }
  for (uint32_t i = 0; i < pairs_.size(); ++i) {
    if (!pairs_[i].dead) {
      queue_.push({pairs_[i].count, index_.key(i), i});
    }
  }
}

// SentencePiece makes a string once only; HF as often as a pair asks for it.
bool MergeLoop::may_merge(const Candidate& top) {
  Pair& pair = pairs_[top.pair];
  if (pair.dead) {
    return false;
  }
  if (rules_.sentencepiece && ids_.contains(joined(top.key))) {
    pair.dead = true;
    pair.words = WordList();
    return false;
  }
  return !pair.words.empty();  // else merged already through a better entry
}

void MergeLoop::run(const std::function<void(double)>& progress) {
  symbols_.shrink_to_fit();
  words_.shrink_to_fit();
  count_pairs();
  const int64_t first = static_cast<int64_t>(tokens_.size());
  while (static_cast<int64_t>(tokens_.size()) < rules_.vocab_size && !queue_.empty()) {
    Candidate top = queue_.top();
    queue_.pop();
    const Pair& pair = pairs_[top.pair];
    if (pair.dead || pair.words.empty()) {
      continue;
    }
    if (top.count != pair.count) {
      top.count = pair.count;
      queue_.push(top);
      continue;
    }
    if (top.count < 1 || top.count < rules_.min_frequency) {
      break;
    }
    if (!may_merge(top)) {
      continue;
    }
    merge(top);
    const int64_t done = static_cast<int64_t>(tokens_.size()) - first;
    if (progress && done % kProgressEvery == 0) {
      progress(static_cast<double>(done) / static_cast<double>(rules_.vocab_size - first));
    }
  }
  if (progress) {
    progress(1.0);
  }
}

void MergeLoop::merge(const Candidate& top) {
  const int32_t left = left_of(top.key);
  const int32_t right = right_of(top.key);
  const size_t before = tokens_.size();
  const int32_t result = add_token(joined(top.key));
  if (tokens_.size() > before) {
    lengths_[result] = lengths_[left] + lengths_[right];
  }
  merges_.push_back(top.key);
  results_.push_back(result);
  const WordList words = std::move(pairs_[top.pair].words);
  pairs_[top.pair].dead = rules_.sentencepiece;
  ++round_;
  raised_.clear();
  for (const uint32_t word : words) {
    merge_in(word, left, right, result);
  }
  for (const uint32_t pair : raised_) {
    if (pairs_[pair].count > 0 && !pairs_[pair].dead) {
      queue_.push({pairs_[pair].count, index_.key(pair), pair});
    }
  }
}

void MergeLoop::merge_in(uint32_t number, int32_t left, int32_t right, int32_t result) {
  const int64_t count = words_[number].count;
  int32_t* const symbols = symbols_.data() + words_[number].begin;
  const uint64_t room = end_of(number) - words_[number].begin;
  uint64_t kept = 0, i = 0;
  for (; i < room && symbols[i] != kEnd; ++i) {
    const bool last = i + 1 == room || symbols[i + 1] == kEnd;
    if (symbols[i] != left || last || symbols[i + 1] != right) {
      symbols[kept++] = symbols[i];
      continue;
    }
    if (kept > 0) {
      pairs_[pair_of(symbols[kept - 1], left)].count -= count;
      raise(symbols[kept - 1], result, number);
    }
    if (i + 2 < room && symbols[i + 2] != kEnd) {
      pairs_[pair_of(right, symbols[i + 2])].count -= count;
      raise(result, symbols[i + 2], number);
    }
    symbols[kept++] = result;
    ++i;
  }
  std::fill(symbols + kept, symbols + std::min(i, room), kEnd);
}

void MergeLoop::raise(int32_t left, int32_t right, uint32_t word) {
  if (rules_.max_token_length > 0 && left >= 0 && right >= 0 &&
      lengths_[left] + lengths_[right] >= rules_.max_token_length) {
    return;
  }
  const uint32_t index = pair_of(left, right);
  Pair& pair = pairs_[index];
  pair.count += words_[word].count;
  note(pair, word);
  if (pair.touched != round_) {
    pair.touched = round_;
    raised_.push_back(index);
  }
}

std::vector<uint64_t> MergeLoop::token_counts() const {
  std::vector<uint64_t> counts(tokens_.size());
  for (uint32_t number = 0; number < words_.size(); ++number) {
    for (uint64_t i = words_[number].begin, end = end_of(number); i < end && symbols_[i] != kEnd; ++i) {
      if (symbols_[i] >= 0) {
        counts[symbols_[i]] += static_cast<uint64_t>(words_[number].count);
      }
    }
  }
  return counts;
}

}  // namespace athanor::token
