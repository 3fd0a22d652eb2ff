#include "athanor/eval/document_scores.h"

#include <ATen/ops/full.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/batch.h"

namespace athanor {

namespace {

// Targets [begin, begin + count) of a document; the input of target i is token i - 1, or end_of_text for the first.
struct Window {
  size_t document;
  size_t begin;
  size_t count;
};

std::vector<Window> cut(std::span<const std::vector<int32_t>> documents, bool scores_first, size_t length) {
  std::vector<Window> windows;
  for (size_t i = 0; i < documents.size(); ++i) {
    for (size_t begin = scores_first ? 0 : 1; begin < documents[i].size(); begin += length) {
      windows.push_back({i, begin, std::min(length, documents[i].size() - begin)});
    }
  }
  // Windows of like length share a batch, so that little of it is padding.
  std::stable_sort(windows.begin(), windows.end(),
                   [](const Window& a, const Window& b) { return a.count > b.count; });
  return windows;
}

Batch batch_of(std::span<const Window> windows, std::span<const std::vector<int32_t>> documents, int32_t end_of_text) {
  const auto rows = static_cast<int64_t>(windows.size());
  const auto length = static_cast<int64_t>(windows.front().count);
  Batch batch{at::full({rows, length}, 0, at::kLong), at::full({rows, length}, -1, at::kLong), {}};
  for (int64_t row = 0; row < rows; ++row) {
    const Window& window = windows[static_cast<size_t>(row)];
    const std::vector<int32_t>& ids = documents[window.document];
    auto* const inputs = batch.tokens_BT.mutable_data_ptr<int64_t>() + row * length;
    auto* const targets = batch.targets_BT.mutable_data_ptr<int64_t>() + row * length;
    for (size_t i = 0; i < window.count; ++i) {
      const size_t at = window.begin + i;
      inputs[i] = at == 0 ? end_of_text : ids[at - 1];
      targets[i] = ids[at];
    }
  }
  return batch;
}

void check(const LanguageModel& model, std::span<const std::vector<int32_t>> documents,
           const DocumentScoreOptions& options) {
  if (options.sequence_length < 1 || options.batch_size < 1 ||
      options.sequence_length > model.config().max_positions) {
    throw Error(ErrorKind::kUsage,
                "windows of " + std::to_string(options.sequence_length) + " tokens, " +
                    std::to_string(options.batch_size) + " at a time: the model holds 1 to " +
                    std::to_string(model.config().max_positions) + " tokens");
  }
  for (const auto& ids : documents) {
    for (const int32_t id : ids) {
      if (id < 0 || id >= model.config().vocab_size) {
        throw Error(ErrorKind::kInput,
                    "a text has the token " + std::to_string(id) + ", the model's vocabulary ends at " +
                        std::to_string(model.config().vocab_size),
                    "", "the tokenizer in the model's folder must be the model's own");
      }
    }
  }
}

}  // namespace

std::vector<DocumentScore> score_documents(LanguageModel& model, std::span<const std::vector<int32_t>> documents,
                                           int32_t end_of_text, const DocumentScoreOptions& options) {
  check(model, documents, options);
  std::vector<DocumentScore> scores(documents.size());
  const std::vector<Window> windows =
      cut(documents, end_of_text >= 0, static_cast<size_t>(options.sequence_length));
  const NoGrad no_grad;
  model.set_training(false);
  model.begin_step();
  for (size_t done = 0; done < windows.size();) {
    const size_t rows = std::min(windows.size() - done, static_cast<size_t>(options.batch_size));
    const std::span<const Window> chosen(windows.data() + done, rows);
    const at::Tensor losses_BT = model.token_losses(batch_of(chosen, documents, end_of_text)).contiguous();
    for (size_t row = 0; row < rows; ++row) {
      const Window& window = chosen[row];
      const float* const losses = losses_BT.const_data_ptr<float>() + row * chosen.front().count;
      DocumentScore& score = scores[window.document];
      score.nll = std::accumulate(losses, losses + window.count, score.nll);
      score.num_tokens += window.count;
    }
    done += rows;
  }
  return scores;
}

}  // namespace athanor
