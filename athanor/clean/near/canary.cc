#include "athanor/clean/near/canary.h"

#include <xxhash.h>

#include <algorithm>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

std::vector<std::string> words_of(const std::string& text, const TokenScanner& scanner) {
  std::vector<TokenSpan> tokens;
  scanner.scan(text, tokens);
  std::vector<std::string> words;
  for (const TokenSpan& token : tokens) {
    words.push_back(text.substr(token.begin, token.end - token.begin));
  }
  return words;
}

// Words with spaces where the text had something between them, so that Chinese stays without.
std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const bool ascii = static_cast<uint8_t>(word[0]) < 0x80;
    text += (text.empty() || (!ascii && static_cast<uint8_t>(text.back()) >= 0x80) ? "" : " ") + word;
  }
  return text;
}

std::string edited(std::vector<std::string> words, bool is_long, Rng& rng) {
  for (std::string& word : words) {
    if (word[0] >= 'a' && word[0] <= 'z' && rng.below(2) == 0) {
      word[0] = static_cast<char>(word[0] - 32);
    }
  }
  const size_t changes = is_long ? std::max<size_t>(1, words.size() / 25) : 0;
  for (size_t i = 0; i < changes; ++i) {
    words[rng.below(words.size())] = "changed" + std::to_string(rng.below(1000));
  }
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    text += words[i] + (rng.below(8) == 0 ? ",  " : " ");
  }
  return text;
}

std::string shuffled(std::vector<std::string> words, Rng& rng) {
  for (size_t i = words.size(); i > 1; --i) {
    std::swap(words[i - 1], words[rng.below(i)]);
  }
  return joined(words);
}

std::string body(CanaryKind kind, const EvalIndex& index, uint32_t number, Rng& rng) {
  const EvalItem& item = index.items()[number];
  std::vector<std::string> words = words_of(item.text, index.scanner());
  const std::string answer = item.answers.empty() ? "" : "\n" + item.answers[0];
  switch (kind) {
    case CanaryKind::kVerbatim:
      return item.text + answer;
    case CanaryKind::kEdited:
      return edited(std::move(words), index.item(number).is_long, rng) + answer;
    case CanaryKind::kShuffled:
      return shuffled(std::move(words), rng) + answer;
    case CanaryKind::kFragment:
      words.resize((words.size() + 2) / 3);
      return joined(words);
  }
  return "";
}

// In the middle of the host, at a place between two characters.
std::string planted(const std::string& host, const std::string& body, Rng& rng) {
  const size_t middle = utf8_prefix(host, host.size() / 4 + rng.below(host.size() / 2 + 1)).size();
  return host.substr(0, middle) + "\n" + body + "\n" + host.substr(middle);
}

}  // namespace

const char* name_of(CanaryKind kind) {
  switch (kind) {
    case CanaryKind::kVerbatim:
      return "verbatim";
    case CanaryKind::kEdited:
      return "edited";
    case CanaryKind::kShuffled:
      return "shuffled";
    case CanaryKind::kFragment:
      return "fragment";
  }
  return "";
}

std::vector<Canary> make_canaries(const EvalIndex& index, const std::vector<CanaryHost>& hosts, size_t count,
                                  uint64_t seed) {
  std::vector<std::pair<uint64_t, uint32_t>> drawn[2];  // short, long
  for (uint32_t number = 0; number < index.items().size(); ++number) {
    const EvalIndex::Item& item = index.item(number);
    if (item.searched) {
      const std::string& id = index.items()[number].id;
      drawn[item.is_long ? 1 : 0].emplace_back(XXH3_64bits_withSeed(id.data(), id.size(), seed), number);
    }
  }
  for (auto& list : drawn) {
    std::sort(list.begin(), list.end());
  }
  const size_t num_short = std::min(drawn[0].size(), std::max(count / 2, count - std::min(count, drawn[1].size())));
  const size_t num_long = std::min(drawn[1].size(), count - num_short);
  std::vector<uint32_t> chosen;
  for (size_t i = 0; i < num_short; ++i) {
    chosen.push_back(drawn[0][i].second);
  }
  for (size_t i = 0; i < num_long; ++i) {
    chosen.push_back(drawn[1][i].second);
  }
  std::vector<Canary> canaries;
  for (size_t i = 0; i < chosen.size(); ++i) {
    for (const CanaryKind kind :
         {CanaryKind::kVerbatim, CanaryKind::kEdited, CanaryKind::kShuffled, CanaryKind::kFragment}) {
      const bool is_long = index.item(chosen[i]).is_long;
      if (kind == CanaryKind::kShuffled && !is_long && index.item(chosen[i]).tokens.size() < EvalIndex::kSeed) {
        continue;  // too few words for another order that is surely another
      }
      Rng rng(random_at(seed, i, static_cast<uint64_t>(kind)));
      const size_t host = hosts.empty() ? 0 : i % hosts.size();
      canaries.push_back({kind, is_long, chosen[i], host,
                          planted(hosts.empty() ? "" : hosts[host].text, body(kind, index, chosen[i], rng), rng)});
    }
  }
  return canaries;
}

}  // namespace athanor
