#include <algorithm>

#include "athanor/clean/near/eval_items.h"

namespace athanor {

namespace {

constexpr double kRareItems = 3;            // a seed of so many items, or less, keeps its weight
constexpr double kRareDocuments = 10;       // and of so many documents,
constexpr double kRareShare = 1e-4;         // plus this share of all

}  // namespace

ItemWeights::ItemWeights(const EvalIndex& index, const std::vector<uint64_t>& document_counts,
                         uint64_t num_documents)
    : index_(index), token_weights_(index.items().size()), mean_(index.items().size(), 0) {
  const double rare = kRareDocuments + kRareShare * static_cast<double>(num_documents);
  const auto weight = [&](uint32_t seed) {
    const double documents = std::max(1.0, static_cast<double>(document_counts[seed]));
    const double items = std::max(1.0, static_cast<double>(index.items_of_seed(seed)));
    return std::min(1.0, rare / documents) * std::min(1.0, kRareItems / items);
  };
  for (uint32_t number = 0; number < token_weights_.size(); ++number) {
    const EvalIndex::Item& item = index.item(number);
    std::vector<float>& weights = token_weights_[number];
    weights.assign(item.tokens.size(), 0);
    if (!item.searched) {
      continue;
    }
    if (!item.is_long) {
      std::fill(weights.begin(), weights.end(), static_cast<float>(weight(item.seeds[0])));
      mean_[number] = weight(item.seeds[0]);
      continue;
    }
    // A token weighs as much as the rarest seed that it is in.
    for (size_t place = 0; place < item.seeds.size(); ++place) {
      const float here = static_cast<float>(weight(item.seeds[place]));
      for (size_t k = 0; k < EvalIndex::kSeed; ++k) {
        weights[place + k] = std::max(weights[place + k], here);
      }
    }
    double sum = 0;
    for (const float one : weights) {
      sum += static_cast<double>(one);
    }
    mean_[number] = sum / static_cast<double>(weights.size());
  }
}

double ItemWeights::score(const ItemMatch& match) const {
  const EvalIndex::Item& item = index_.item(match.item);
  if (is_common(match.item)) {
    return 0;
  }
  if (match.whole) {
    const bool enough = match.answer || item.answers.empty() || item.tokens.size() >= EvalIndex::kAlone;
    return enough ? mean_[match.item] : 0;
  }
  double covered = 0, all = 0;
  const std::vector<float>& weights = token_weights_[match.item];
  for (size_t i = 0; i < weights.size(); ++i) {
    all += static_cast<double>(weights[i]);
    covered += match.covered[i] ? static_cast<double>(weights[i]) : 0;
  }
  return all > 0 ? covered / all : 0;
}

bool ItemWeights::flags(const ItemMatch& match) const {
  const double value = score(match);
  if (match.whole) {
    return value > 0;
  }
  return value > 0 && (value >= index_.options().overlap || match.run >= index_.options().long_run);
}

}  // namespace athanor
