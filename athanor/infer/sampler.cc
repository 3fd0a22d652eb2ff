#include "athanor/infer/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

int32_t greedy(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Ids by falling logit, at most `count` of them; ties by id, so that the order is one.
std::vector<int32_t> most_likely(std::span<const float> logits, size_t count) {
  std::vector<int32_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto before = [&](int32_t a, int32_t b) {
    return logits[a] != logits[b] ? logits[a] > logits[b] : a < b;
  };
  std::partial_sort(ids.begin(), ids.begin() + count, ids.end(), before);
  ids.resize(count);
  return ids;
}

}  // namespace

void validate(const SampleOptions& options) {
  const auto need = [](bool good, const std::string& what) {
    if (!good) {
      throw Error(ErrorKind::kUsage, what);
    }
  };
  need(options.temperature >= 0 && std::isfinite(options.temperature), "temperature must be 0 or more");
  need(options.top_k >= 0, "top_k must be 0 (all) or more");
  need(options.top_p > 0 && options.top_p <= 1, "top_p must be above 0 and at most 1");
  need(options.max_tokens >= 0, "max_tokens must be 0 or more");
}

int32_t sample(std::span<const float> logits, const SampleOptions& options, uint64_t position) {
  if (logits.empty() || std::any_of(logits.begin(), logits.end(), [](float x) { return std::isnan(x); })) {
    throw Error(ErrorKind::kInternal, "the model gave logits that are not numbers", "",
                "its weights may be damaged: evaluate it, or load an earlier checkpoint");
  }
  if (options.temperature == 0) {
    return greedy(logits);
  }
  const bool all = options.top_k == 0 || static_cast<size_t>(options.top_k) >= logits.size();
  const std::vector<int32_t> ids = most_likely(logits, all ? logits.size() : static_cast<size_t>(options.top_k));
  std::vector<double> weight(ids.size());
  double total = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    weight[i] = std::exp((static_cast<double>(logits[ids[i]]) - logits[ids[0]]) / options.temperature);
    total += weight[i];
  }
  size_t kept = ids.size();
  if (options.top_p < 1) {
    double reached = 0;
    for (kept = 0; kept < ids.size() && reached < options.top_p * total; ++kept) {
      reached += weight[kept];
    }
    total = reached;
  }
  double left = to_unit(random_at(options.seed, position)) * total;
  for (size_t i = 0; i + 1 < kept; ++i) {
    left -= weight[i];
    if (left < 0) {
      return ids[i];
    }
  }
  return ids[kept - 1];
}

}  // namespace athanor
