#include "athanor/classic/fasttext_corpus.h"

#include <algorithm>
#include <bit>

#include "athanor/base/error.h"

namespace athanor {

StringCounts::StringCounts() : slots_(1 << 12) {}

size_t StringCounts::place(std::string_view text, uint32_t hash) const {
  const size_t mask = slots_.size() - 1;
  size_t at = (hash * uint64_t{0x9e3779b97f4a7c15}) >> (64 - std::countr_zero(slots_.size()));
  while (slots_[at] != 0) {
    const Entry& entry = entries_[static_cast<size_t>(slots_[at] - 1)];
    if (entry.hash == hash && entry.text == text) {
      break;
    }
    at = (at + 1) & mask;
  }
  return at;
}

int32_t StringCounts::add(std::string_view text, uint32_t hash) {
  const size_t at = place(text, hash);
  if (slots_[at] != 0) {
    ++entries_[static_cast<size_t>(slots_[at] - 1)].count;
    return slots_[at] - 1;
  }
  if (entries_.size() >= 500'000'000) {
    throw Error(ErrorKind::kInput, "more than 500 million different tokens", "", "cut the text otherwise, or sample it");
  }
  entries_.push_back({std::string(text), 1, hash});
  const auto number = static_cast<int32_t>(entries_.size() - 1);
  slots_[at] = number + 1;
  if (2 * entries_.size() > slots_.size()) {
    slots_.assign(2 * slots_.size(), 0);
    for (size_t i = 0; i < entries_.size(); ++i) {
      slots_[place(entries_[i].text, entries_[i].hash)] = static_cast<int32_t>(i) + 1;
    }
  }
  return number;
}

std::vector<int32_t> StringCounts::by_count(int64_t min_count) const {
  std::vector<int32_t> order;
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].count >= min_count) {
      order.push_back(static_cast<int32_t>(i));
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return entries_[static_cast<size_t>(a)].count > entries_[static_cast<size_t>(b)].count;
  });
  return order;
}

void FastTextCorpus::add(std::span<const std::string_view> labels, std::string_view text) {
  for (const std::string_view label : labels) {
    if (label.empty() || label.find('\0') != std::string_view::npos) {
      throw Error(ErrorKind::kInput, "a label is empty or holds a NUL character", "document " + std::to_string(num_documents()),
                  "look at the label field");
    }
    labels_.push_back(names_.add(label, fasttext_hash(label)));
  }
  each_fasttext_token(text, [&](std::string_view token, uint32_t hash) {
    if (!token.starts_with(kFastTextLabelPrefix)) {
      tokens_.push_back(words_.add(token, hash));
      ++num_tokens_;
    }
  });
  num_tokens_ += labels.size();
  label_ends_.push_back(labels_.size());
  token_ends_.push_back(tokens_.size());
}

}  // namespace athanor
