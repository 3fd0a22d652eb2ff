#include "athanor/train/loader.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <unordered_set>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/eval/document_marks.h"

namespace athanor {

namespace {

// Places for random_at, so that no two uses share a number.
constexpr uint64_t kOffsetDraw = 1;
constexpr uint64_t kWindowDraw = 2;

}  // namespace

Loader::Loader(const TokenSet& tokens, const LoaderOptions& options)
    : tokens_(tokens), options_(options), num_tokens_(tokens.num_tokens()) {
  if (options.sequence_length < 1) {
    throw Error(ErrorKind::kUsage, "must be at least 1", "sequence_length");
  }
  const auto length = static_cast<uint64_t>(options.sequence_length);
  if (num_tokens_ < length + 1) {
    throw Error(ErrorKind::kInput,
                "the training set has " + std::to_string(num_tokens_) + " tokens, fewer than one window of " +
                    std::to_string(length) + " and its target",
                "", "give more text or a smaller sequence_length");
  }
  num_samples_ = num_tokens_ / length;
}

uint64_t Loader::window_begin(uint64_t sample) const {
  const auto seed = static_cast<uint64_t>(options_.seed);
  const auto length = static_cast<uint64_t>(options_.sequence_length);
  if (options_.random_windows) {
    const uint64_t places = num_tokens_ - length;  // the bias of % is below places / 2^64
    return random_at(seed, kWindowDraw, sample, 1) % places;
  }
  const uint64_t epoch = sample / num_samples_;
  const uint64_t offset = random_at(seed, epoch, kOffsetDraw, 1) % length;
  const uint64_t index = permute(sample % num_samples_, num_samples_, random_at(seed, epoch));
  return (offset + index * length) % num_tokens_;
}

Batch Loader::batch(uint64_t first, int64_t count) const {
  const int64_t length = options_.sequence_length;
  Batch batch;
  batch.tokens_BT = at::empty({count, length}, at::kLong);
  batch.targets_BT = at::empty({count, length}, at::kLong);
  auto* inputs = batch.tokens_BT.mutable_data_ptr<int64_t>();
  auto* targets = batch.targets_BT.mutable_data_ptr<int64_t>();
  std::vector<int32_t> window(static_cast<size_t>(length) + 1);
  for (int64_t row = 0; row < count; ++row) {
    const uint64_t begin = window_begin(first + static_cast<uint64_t>(row));
    const uint64_t before_end = std::min<uint64_t>(window.size(), num_tokens_ - begin);
    tokens_.read(begin, before_end, window.data());
    if (before_end < window.size()) {
      tokens_.read(0, window.size() - before_end, window.data() + before_end);
    }
    std::copy(window.begin(), window.end() - 1, inputs + row * length);
    std::copy(window.begin() + 1, window.end(), targets + row * length);
  }
  if (options_.document_mask) {
    batch.document_BT = document_marks(batch.tokens_BT, tokens_.end_of_text());
  }
  return batch;
}

std::vector<std::string> Loader::documents_of(uint64_t first, int64_t count, size_t max_ids) const {
  std::vector<std::string> ids;
  std::unordered_set<uint64_t> seen;
  const auto window = static_cast<uint64_t>(options_.sequence_length) + 1;
  for (int64_t row = 0; row < count; ++row) {
    const uint64_t begin = window_begin(first + static_cast<uint64_t>(row));
    for (uint64_t token = 0; token < window;) {
      const uint64_t place = (begin + token) % num_tokens_;
      const uint64_t document = tokens_.document_at(place);
      const uint64_t end = tokens_.document_end(document);
      token += std::max<uint64_t>(1, end > place ? end - place : 1);
      if (seen.insert(document).second && ids.size() < max_ids) {
        ids.push_back(tokens_.document_id(document));
      }
    }
  }
  if (seen.size() > ids.size()) {
    ids.push_back("... and " + std::to_string(seen.size() - ids.size()) + " more");
  }
  return ids;
}

}  // namespace athanor
