#include "athanor/eval/language_model_eval.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
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
  double num_tokens = 0;
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
double ratio_standard_error(std::span<const Unit> units, double loss) {
  double squares = 0;
  double tokens = 0;
  double count = 0;
  for (const Unit& unit : units) {
    if (unit.num_tokens > 0) {
      const double deviation = unit.nll - loss * unit.num_tokens;
      squares += deviation * deviation;
      tokens += unit.num_tokens;
      count += 1;
    }
  }
  return count < 2 ? 0 : std::sqrt(squares * count / (count - 1)) / tokens;
}

class Scorer {
 public:
  Scorer(const TokenSet& tokens, uint64_t num_windows)
      : tokens_(tokens),
        num_documents_(tokens.num_documents() >= kMinDocuments ? tokens.num_documents() : 0),
        units_(num_documents_ + num_windows) {}

  // losses: of the targets at [begin, begin + count) of the set, which are the `window`th of those scored.
  void add(uint64_t window, uint64_t begin, uint64_t count, const float* losses) {
    double window_nll = 0;
    uint64_t document = num_documents_ == 0 ? 0 : tokens_.document_at(begin);
    for (uint64_t i = 0; i < count; ++i) {
      window_nll += losses[i];
      if (num_documents_ > 0) {
        while (begin + i >= tokens_.document_end(document)) {
          ++document;
        }
        units_[document].nll += losses[i];
        ++units_[document].num_tokens;
      }
    }
    units_[num_documents_ + window] = {window_nll, static_cast<double>(count)};
  }

  void add_up(const EvalShare& share) {
    std::vector<double> values;
    for (const Unit& unit : units_) {
      values.insert(values.end(), {unit.nll, unit.num_tokens});
    }
    share.add_up(values);
    for (size_t i = 0; i < units_.size(); ++i) {
      units_[i] = {values[2 * i], values[2 * i + 1]};
    }
  }

  LanguageModelScore score() const {
    LanguageModelScore score;
    const std::span<const Unit> windows = std::span(units_).subspan(num_documents_);
    for (const Unit& window : windows) {
      score.nll += window.nll;
      score.num_tokens += static_cast<uint64_t>(window.num_tokens);
    }
    score.num_windows = windows.size();
    score.units_are_documents = num_documents_ > 0;
    const std::span<const Unit> units = score.units_are_documents ? std::span(units_).first(num_documents_) : windows;
    score.standard_error = ratio_standard_error(units, score.loss());
    score.num_units = static_cast<uint64_t>(
        std::count_if(units.begin(), units.end(), [](const Unit& unit) { return unit.num_tokens > 0; }));
    return score;
  }

 private:
  const TokenSet& tokens_;
  uint64_t num_documents_;   // 0 where there are too few to be units
  std::vector<Unit> units_;  // documents, then windows
};

}  // namespace

double LanguageModelScore::perplexity() const { return std::exp(loss()); }

double LanguageModelScore::bits_per_byte() const {
  return num_bytes > 0 ? nll / (std::numbers::ln2 * num_bytes) : 0;
}

LanguageModelScore score_language_model(LanguageModel& model, const TokenSet& tokens,
                                        const LanguageModelEvalOptions& options, const EvalShare& share) {
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
  Scorer scorer(tokens, used);
  const auto rows = static_cast<uint64_t>(options.batch_size);
  for (uint64_t first = 0; first < used; first += rows) {
    if (!share.mine(first / rows)) {
      continue;
    }
    std::vector<uint64_t> chosen;
    for (uint64_t place = first; place < std::min(used, first + rows); ++place) {
      chosen.push_back(static_cast<uint64_t>(static_cast<__uint128_t>(place) * windows.count() / used));
    }
    const at::Tensor losses_BT = model.token_losses(windows.batch(chosen)).contiguous();
    const auto* losses = losses_BT.const_data_ptr<float>();
    for (size_t row = 0; row < chosen.size(); ++row) {
      scorer.add(first + row, windows.begin(chosen[row]), windows.size(chosen[row]),
                 losses + row * static_cast<size_t>(options.sequence_length));
    }
  }
  scorer.add_up(share);
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
