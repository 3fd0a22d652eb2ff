#include <algorithm>
#include <bit>

#include "athanor/base/error.h"
#include "athanor/clean/near/eval_items.h"

namespace athanor {

namespace {

constexpr size_t kWholeWidth = 1000;  // so that the count of a short item's whole is not that of its beginning

std::vector<uint64_t> hashes_of(const std::vector<TokenSpan>& tokens) {
  std::vector<uint64_t> hashes;
  for (const TokenSpan& token : tokens) {
    hashes.push_back(token.hash);
  }
  return hashes;
}

}  // namespace

EvalIndex::EvalIndex(std::vector<EvalItem> items, const DecontaminateOptions& options)
    : items_(std::move(items)), options_(options), parsed_(items_.size()) {
  if (options.ngram < static_cast<int64_t>(kSeed) || options.ngram > 64) {
    throw Error(ErrorKind::kUsage, "ngram is " + std::to_string(options.ngram) + ", it must be from 5 to 64",
                "decontaminate", "the usual choice is 13");
  }
  for (size_t width = 1; width <= kSeed; ++width) {
    windows_.emplace_back(width);
  }
  std::vector<TokenSpan> tokens;
  std::vector<bool> used(kSeed + 1, false);
  for (uint32_t number = 0; number < items_.size(); ++number) {
    Item& item = parsed_[number];
    scanner_.scan(items_[number].text, tokens);
    item.tokens = hashes_of(tokens);
    item.is_long = item.tokens.size() >= static_cast<size_t>(options.ngram);
    for (const std::string& answer : items_[number].answers) {
      scanner_.scan(answer, tokens);
      if (!tokens.empty()) {
        item.answers.push_back(hashes_of(tokens));
      }
    }
    item.searched = item.is_long || item.tokens.size() >= kLeast || (!item.tokens.empty() && !item.answers.empty());
    if (!item.searched) {
      ++num_too_short_;
      continue;
    }
    used[std::min(item.tokens.size(), kSeed)] = true;
    item.is_long ? add_long(number) : add_short(number);
  }
  std::erase_if(windows_, [&](const TokenWindow& window) { return !used[window.width()]; });
  for (std::vector<Posting>& list : postings_) {
    if (list.size() > kMaxItemsASeed) {  // says nothing of any one item; still counted
      list.clear();
    }
  }
  for (Item& item : parsed_) {
    std::vector<bool> coverable(item.tokens.size(), false);
    for (size_t place = 0; item.is_long && place < item.seeds.size(); ++place) {
      if (!postings_[item.seeds[place]].empty()) {
        std::fill_n(coverable.begin() + static_cast<std::ptrdiff_t>(place), kSeed, true);
      }
    }
    item.num_coverable = static_cast<size_t>(std::count(coverable.begin(), coverable.end(), true));
  }
  filter_.assign(std::bit_ceil(std::max<size_t>(64, seed_of_hash_.size())) / 4, 0);  // 16 bits a seed
  filter_mask_ = filter_.size() * 64 - 1;
  for (const auto& [hash, seed] : seed_of_hash_) {
    filter_[(hash & filter_mask_) / 64] |= uint64_t{1} << (hash % 64);
  }
}

uint32_t EvalIndex::seed_number(uint64_t hash, size_t width) {
  // The width takes part, so that a short item's whole is never taken for a long one's run.
  const auto [found, is_new] = seed_of_hash_.try_emplace(hash + width, static_cast<uint32_t>(postings_.size()));
  if (is_new) {
    postings_.emplace_back();
    items_of_seed_.push_back(0);
  }
  return found->second;
}

void EvalIndex::add_long(uint32_t number) {
  Item& item = parsed_[number];
  std::vector<TokenSpan> tokens;
  for (const uint64_t hash : item.tokens) {
    tokens.push_back({hash, 0, 0});
  }
  windows_[kSeed - 1].for_each(tokens, [&](size_t place, uint64_t hash) {
    const uint32_t seed = seed_number(hash, kSeed);
    item.seeds.push_back(seed);
    std::vector<Posting>& list = postings_[seed];
    items_of_seed_[seed] += list.empty() || list.back().item != number ? 1 : 0;
    if (list.size() <= kMaxItemsASeed) {
      list.push_back({number, static_cast<uint32_t>(place)});
    }
  });
}

void EvalIndex::add_short(uint32_t number) {
  Item& item = parsed_[number];
  std::vector<TokenSpan> tokens;
  for (const uint64_t hash : item.tokens) {
    tokens.push_back({hash, 0, 0});
  }
  TokenWindow(tokens.size()).for_each(tokens, [&](size_t, uint64_t hash) {
    item.seeds.push_back(seed_number(hash, kWholeWidth + tokens.size()));
    ++items_of_seed_[item.seeds[0]];
  });
  const size_t width = std::min(tokens.size(), kSeed);
  tokens.resize(width);
  windows_[width - 1].for_each(tokens, [&](size_t, uint64_t hash) {
    const uint32_t seed = seed_number(hash, width);
    ++items_of_seed_[seed];
    if (postings_[seed].size() <= kMaxItemsASeed) {
      postings_[seed].push_back({number, 0});
    }
  });
}

void EvalIndex::find(std::string_view text, Scratch& scratch, Found& found) const {
  found.matches.clear();
  found.seeds.clear();
  scanner_.scan(text, scratch.tokens);
  scratch.hits.clear();
  for (const TokenWindow& window : windows_) {
    const uint64_t width = window.width();
    window.for_each(scratch.tokens, [&](size_t at, uint64_t hash) {
      hash += width;
      if ((filter_[(hash & filter_mask_) / 64] >> (hash % 64) & 1) == 0) {
        return;
      }
      const auto seed = seed_of_hash_.find(hash);
      if (seed == seed_of_hash_.end()) {
        return;
      }
      found.seeds.push_back(seed->second);
      for (const Posting& posting : postings_[seed->second]) {
        scratch.hits.push_back({posting.item, static_cast<uint32_t>(at), posting.place});
      }
    });
  }
  std::sort(scratch.hits.begin(), scratch.hits.end(), [](const Scratch::Hit& a, const Scratch::Hit& b) {
    return a.item != b.item ? a.item < b.item : a.at != b.at ? a.at < b.at : a.place < b.place;
  });
  for (size_t first = 0; first < scratch.hits.size();) {
    const uint32_t number = scratch.hits[first].item;
    size_t last = first;
    while (last < scratch.hits.size() && scratch.hits[last].item == number) {
      ++last;
    }
    parsed_[number].is_long ? match_long(number, scratch, first, last, found)
                            : match_short(number, scratch, first, last, found);
    first = last;
  }
  std::sort(found.seeds.begin(), found.seeds.end());
  found.seeds.erase(std::unique(found.seeds.begin(), found.seeds.end()), found.seeds.end());
}

// The stretch of the text, about as long as the item, with the most seeds of it; then what these cover.
void EvalIndex::match_long(uint32_t number, const Scratch& scratch, size_t first, size_t last, Found& found) const {
  const Item& item = parsed_[number];
  const std::vector<Scratch::Hit>& hits = scratch.hits;
  const size_t length = item.tokens.size();
  const size_t least = static_cast<size_t>(options_.overlap / 2 * static_cast<double>(item.num_coverable));
  const size_t least_seeds = std::max<size_t>(1, least / kSeed);  // so many seeds may cover that
  if (last - first < least_seeds) {
    return;
  }
  const size_t stretch = length + length / 4 + kSeed;
  std::vector<uint16_t> count(item.seeds.size(), 0);  // of each place, inside the stretch
  size_t distinct = 0, best = 0, best_begin = first, best_end = first;
  for (size_t begin = first, end = first; end < last; ++end) {
    distinct += count[hits[end].place]++ == 0 ? 1 : 0;
    for (; hits[end].at - hits[begin].at > stretch; ++begin) {
      distinct -= --count[hits[begin].place] == 0 ? 1 : 0;
    }
    if (distinct > best) {
      best = distinct, best_begin = begin, best_end = end + 1;
    }
  }
  ItemMatch match;
  match.item = number;
  match.covered.assign(length, false);
  uint32_t low = ~uint32_t{0}, high = 0;
  std::vector<uint32_t> run_at(item.seeds.size(), 0);   // place -> place in the text where a run is to go on
  std::vector<uint32_t> run_length(item.seeds.size() + 1, 0);
  for (size_t i = best_begin; i < best_end; ++i) {
    const Scratch::Hit& hit = hits[i];
    low = std::min(low, hit.at);
    high = std::max(high, hit.at + static_cast<uint32_t>(kSeed));
    std::fill_n(match.covered.begin() + hit.place, kSeed, true);
    const bool goes_on = hit.place > 0 && run_length[hit.place - 1] > 0 && run_at[hit.place - 1] + 1 == hit.at;
    run_at[hit.place] = hit.at;
    run_length[hit.place] = goes_on ? run_length[hit.place - 1] + 1 : static_cast<uint32_t>(kSeed);
    match.run = std::max(match.run, run_length[hit.place]);
  }
  const size_t covered = static_cast<size_t>(std::count(match.covered.begin(), match.covered.end(), true));
  if (covered < least && match.run < options_.long_run) {
    return;
  }
  match.begin = scratch.tokens[low].begin;
  match.end = scratch.tokens[high - 1].end;
  match.answer = answer_near(item, scratch.tokens, low, high);
  found.matches.push_back(std::move(match));
}

void EvalIndex::match_short(uint32_t number, const Scratch& scratch, size_t first, size_t last, Found& found) const {
  const Item& item = parsed_[number];
  ItemMatch best;
  for (size_t i = first; i < last; ++i) {
    const size_t at = scratch.hits[i].at;
    if (at + item.tokens.size() > scratch.tokens.size() ||
        !std::equal(item.tokens.begin(), item.tokens.end(), scratch.tokens.begin() + static_cast<std::ptrdiff_t>(at),
                    [](uint64_t hash, const TokenSpan& token) { return hash == token.hash; })) {
      continue;
    }
    const size_t end = at + item.tokens.size();
    const bool answer = answer_near(item, scratch.tokens, at, end);
    if (!best.whole || (answer && !best.answer)) {
      best.item = number;
      best.whole = true;
      best.answer = answer;
      best.run = static_cast<uint32_t>(item.tokens.size());
      best.begin = scratch.tokens[at].begin;
      best.end = scratch.tokens[end - 1].end;
    }
  }
  if (best.whole) {
    best.covered.assign(item.tokens.size(), true);
    found.matches.push_back(std::move(best));
    found.seeds.push_back(item.seeds[0]);
  }
}

bool EvalIndex::answer_near(const Item& item, const std::vector<TokenSpan>& tokens, size_t begin, size_t end) const {
  const auto holds = [&](const std::vector<uint64_t>& answer, size_t from, size_t to) {
    const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(from);
    const auto last = tokens.begin() + static_cast<std::ptrdiff_t>(to);
    return std::search(first, last, answer.begin(), answer.end(),
                       [](const TokenSpan& token, uint64_t hash) { return token.hash == hash; }) != last;
  };
  const size_t before = begin - std::min(begin, kAnswerReach);
  const size_t after = std::min(tokens.size(), end + kAnswerReach);
  return std::any_of(item.answers.begin(), item.answers.end(), [&](const std::vector<uint64_t>& answer) {
    return holds(answer, before, begin) || holds(answer, end, after);
  });
}

}  // namespace athanor
