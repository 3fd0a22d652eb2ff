#include "athanor/eval/language_model_eval.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/eval/document_marks.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/batch.h"

namespace athanor {

namespace {

constexpr uint64_t kMinDocuments = 8;

// One unit of the spread: a document or a window.
struct Unit {
  double nll = 0;
  uint64_t num_tokens = 0;
};

// Window w predicts tokens [first + w * T, first + (w + 1) * T), cut at the end of the set.
class Windows {
 public:
  Windows(const TokenSet& tokens, const LanguageModelEvalOptions& options)
      : tokens_(tokens), length_(static_cast<uint64_t>(options.sequence_length)),
        mask_(options.document_mask), first_(tokens.end_of_text() >= 0 ? 0 : 1) {
    if (tokens.num_tokens() > first_) {
      count_ = (tokens.num_tokens() - first_ + length_ - 1) / length_;
    }
  }

  uint64_t count() const { return count_; }
  uint64_t begin(uint64_t window) const { return first_ + window * length_; }
  uint64_t size(uint64_t window) const { return std::min(length_, tokens_.num_tokens() - begin(window)); }

  Batch batch(const std::vector<uint64_t>& windows) const {
    const auto rows = static_cast<int64_t>(windows.size());
    const auto length = static_cast<int64_t>(length_);
    Batch batch{at::empty({rows, length}, at::kLong), at::empty({rows, length}, at::kLong), {}};
    auto* inputs = batch.tokens_BT.mutable_data_ptr<int64_t>();
    auto* targets = batch.targets_BT.mutable_data_ptr<int64_t>();
    for (int64_t row = 0; row < rows; ++row) {
      fill(windows[static_cast<size_t>(row)], inputs + row * length, targets + row * length);
    }
    if (mask_) {
      batch.document_BT = document_marks(batch.tokens_BT, tokens_.end_of_text());
    }
    return batch;
  }

 private:
  void fill(uint64_t window, int64_t* inputs, int64_t* targets) const {
    const uint64_t start = begin(window);
    const uint64_t used = size(window);
    std::vector<int32_t> ids(used + 1);
    if (start == 0) {
      ids[0] = tokens_.end_of_text();
      tokens_.read(0, used, ids.data() + 1);
    } else {
      tokens_.read(start - 1, used + 1, ids.data());
    }
    for (uint64_t i = 0; i < length_; ++i) {
      inputs[i] = i < used ? ids[i] : 0;
      targets[i] = i < used ? ids[i + 1] : -1;
    }
  }

  const TokenSet& tokens_;
  uint64_t length_;
  bool mask_;
  uint64_t first_;
  uint64_t count_ = 0;
};

// Standard error of sum(nll) / sum(tokens) over independent units (linearised ratio estimator).
double ratio_standard_error(const std::vector<Unit>& units, double loss) {
  double squares = 0;
  double tokens = 0;
  double count = 0;
  for (const Unit& unit : units) {
    if (unit.num_tokens > 0) {
      const double deviation = unit.nll - loss * static_cast<double>(unit.num_tokens);
      squares += deviation * deviation;
      tokens += static_cast<double>(unit.num_tokens);
      count += 1;
    }
  }
  return count < 2 ? 0 : std::sqrt(squares * count / (count - 1)) / tokens;
}

class Scorer {
 public:
  explicit Scorer(const TokenSet& tokens)
      : tokens_(tokens), by_document_(tokens.num_documents() >= kMinDocuments ? tokens.num_documents() : 0) {}

  // losses: of the targets at [begin, begin + count) of the set.
  void add(uint64_t begin, uint64_t count, const float* losses) {
    double window_nll = 0;
    uint64_t document = by_document_.empty() ? 0 : tokens_.document_at(begin);
    for (uint64_t i = 0; i < count; ++i) {
      window_nll += losses[i];
      if (!by_document_.empty()) {
        while (begin + i >= tokens_.document_end(document)) {
          ++document;
        }
        by_document_[document].nll += losses[i];
        ++by_document_[document].num_tokens;
      }
    }
    nll_ += window_nll;
    num_tokens_ += count;
    by_window_.push_back({window_nll, count});
  }

  LanguageModelScore score() const {
    LanguageModelScore score;
    score.nll = nll_;
    score.num_tokens = num_tokens_;
    score.num_windows = by_window_.size();
    score.units_are_documents = !by_document_.empty();
    const std::vector<Unit>& units = score.units_are_documents ? by_document_ : by_window_;
    score.standard_error = ratio_standard_error(units, score.loss());
    score.num_units = static_cast<uint64_t>(
        std::count_if(units.begin(), units.end(), [](const Unit& unit) { return unit.num_tokens > 0; }));
    return score;
  }

 private:
  const TokenSet& tokens_;
  std::vector<Unit> by_document_;
  std::vector<Unit> by_window_;
  double nll_ = 0;
  uint64_t num_tokens_ = 0;
};

}  // namespace

double LanguageModelScore::perplexity() const { return std::exp(loss()); }

double LanguageModelScore::bits_per_byte() const {
  return num_bytes > 0 ? nll / (std::numbers::ln2 * num_bytes) : 0;
}

LanguageModelScore score_language_model(LanguageModel& model, const TokenSet& tokens,
                                        const LanguageModelEvalOptions& options) {
  if (options.sequence_length < 1 || options.batch_size < 1) {
    throw Error(ErrorKind::kUsage, "sequence_length and batch_size of an evaluation must be at least 1");
  }
  if (tokens.vocab_size() > model.config().vocab_size) {
    throw Error(ErrorKind::kUsage,
                "the tokens are of a vocabulary of " + std::to_string(tokens.vocab_size()) + ", the model's is " +
                    std::to_string(model.config().vocab_size),
                "", "encode the documents with the model's own tokenizer");
  }
  const Windows windows(tokens, options);
  if (windows.count() == 0) {
    throw Error(ErrorKind::kInput, "the token set has nothing to score", "", "give it at least one document");
  }
  const auto limit = static_cast<uint64_t>(std::max<int64_t>(0, options.max_windows));
  const uint64_t used = limit == 0 ? windows.count() : std::min(limit, windows.count());
  const NoGrad no_grad;
  model.set_training(false);
  model.begin_step();
  Scorer scorer(tokens);
  for (uint64_t done = 0; done < used;) {
    std::vector<uint64_t> chosen;
    while (done < used && chosen.size() < static_cast<size_t>(options.batch_size)) {
      chosen.push_back(static_cast<uint64_t>(static_cast<__uint128_t>(done) * windows.count() / used));
      ++done;
    }
    const at::Tensor losses_BT = model.token_losses(windows.batch(chosen)).contiguous();
    const auto* losses = losses_BT.const_data_ptr<float>();
    for (size_t row = 0; row < chosen.size(); ++row) {
      scorer.add(windows.begin(chosen[row]), windows.size(chosen[row]),
                 losses + row * static_cast<size_t>(options.sequence_length));
    }
  }
  LanguageModelScore score = scorer.score();
  score.whole_set = used == windows.count();
  score.num_bytes = static_cast<double>(tokens.num_bytes());
  if (!score.whole_set) {
    score.num_bytes *= static_cast<double>(score.num_tokens) / static_cast<double>(tokens.num_tokens());
  }
  return score;
}

nlohmann::json evaluate_language_model(LanguageModel& model, const TokenSet& tokens,
                                       const LanguageModelEvalOptions& options) {
  const LanguageModelScore score = score_language_model(model, tokens, options);
  nlohmann::json result;
  result["loss"] = {{"value", score.loss()},
                    {"unit", "nats/token"},
                    {"standard_error", score.standard_error},
                    {"over", score.units_are_documents ? "documents" : "windows"},
                    {"num_units", score.num_units}};
  result["perplexity"] = {{"value", score.perplexity()}, {"unit", "1/token"}};
  if (score.num_bytes > 0) {
    result["bits_per_byte"] = {{"value", score.bits_per_byte()},
                               {"unit", "bits/byte"},
                               {"standard_error", score.loss() > 0 ? score.bits_per_byte() * score.standard_error /
                                                                         score.loss()
                                                                   : 0.0}};
  }
  result["tokens"] = {{"value", score.num_tokens}, {"unit", "tokens"}};
  result["bytes"] = {{"value", static_cast<uint64_t>(std::llround(score.num_bytes))},
                     {"unit", "bytes"},
                     {"estimated", !score.whole_set}};
  result["windows"] = {{"value", score.num_windows}, {"unit", "windows"}};
  result["sequence_length"] = {{"value", options.sequence_length}, {"unit", "tokens"}};
  result["whole_set"] = score.whole_set;
  return result;
}

}  // namespace athanor
