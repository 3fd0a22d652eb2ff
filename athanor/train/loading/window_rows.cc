#include <algorithm>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/train/loading/packed_rows.h"
#include "athanor/train/loading/rows.h"

namespace athanor {

namespace {

// Places for random_at, so that no two uses share a number.
constexpr uint64_t kOffsetDraw = 1;
constexpr uint64_t kWindowDraw = 2;

}  // namespace

WindowRows::WindowRows(const TokenSet& tokens, const LoaderOptions& options)
    : tokens_(tokens), options_(options), num_tokens_(tokens.num_tokens()) {
  const auto length = static_cast<uint64_t>(options.sequence_length);
  if (num_tokens_ < length + 1) {
    throw Error(ErrorKind::kInput,
                "the training set has " + std::to_string(num_tokens_) + " tokens, fewer than one window of " +
                    std::to_string(length) + " and its target",
                "", "give more text or a smaller sequence_length");
  }
  num_rows_ = num_tokens_ / length;
}

uint64_t WindowRows::window_begin(uint64_t sample) const {
  const auto seed = static_cast<uint64_t>(options_.seed);
  const auto length = static_cast<uint64_t>(options_.sequence_length);
  if (options_.sampling == "random") {
    const uint64_t places = num_tokens_ - length;  // the bias of % is below places / 2^64
    return random_at(seed, kWindowDraw, sample, 1) % places;
  }
  if (options_.sampling == "ordered") {
    return sample % num_rows_ * length;
  }
  const uint64_t epoch = sample / num_rows_;
  const uint64_t offset = random_at(seed, epoch, kOffsetDraw, 1) % length;
  const uint64_t index = permute(sample % num_rows_, num_rows_, random_at(seed, epoch));
  return (offset + index * length) % num_tokens_;
}

void WindowRows::fill(uint64_t sample, const RowPlace& place) const {
  const auto length = static_cast<size_t>(options_.sequence_length);
  std::vector<int32_t> window(length + 1);
  const uint64_t begin = window_begin(sample);
  const uint64_t before_end = std::min<uint64_t>(window.size(), num_tokens_ - begin);
  tokens_.read(begin, before_end, window.data());
  if (before_end < window.size()) {  // past the end it goes on at the start
    tokens_.read(0, window.size() - before_end, window.data() + before_end);
  }
  std::copy(window.begin(), window.end() - 1, place.inputs);
  std::copy(window.begin() + 1, window.end(), place.targets);
  // As an input, end_of_text belongs to the document that it opens (eval/document_marks.h).
  int32_t document = 0;
  for (size_t t = 0; t < length; ++t) {
    document += t > 0 && window[t] == tokens_.end_of_text() ? 1 : 0;
    place.documents[t] = document;
  }
}

void WindowRows::documents(uint64_t sample, const std::function<void(uint64_t)>& see) const {
  const auto window = static_cast<uint64_t>(options_.sequence_length) + 1;
  const uint64_t begin = window_begin(sample);
  for (uint64_t token = 0; token < window;) {
    const uint64_t place = (begin + token) % num_tokens_;
    const uint64_t document = tokens_.document_at(place);
    const uint64_t end = tokens_.document_end(document);
    token += std::max<uint64_t>(1, end > place ? end - place : 1);
    see(document);
  }
}

std::unique_ptr<Rows> make_rows(const TokenSet& tokens, const LoaderOptions& options) {
  if (options.sequence_length < 1) {
    throw Error(ErrorKind::kUsage, "must be at least 1", "sequence_length");
  }
  if (options.packing == "best_fit") {
    return std::make_unique<PackedRows>(tokens, options);
  }
  return std::make_unique<WindowRows>(tokens, options);
}

}  // namespace athanor
