#include "athanor/infer/engine.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <string>

#include "athanor/base/error.h"

namespace athanor {
namespace {

void check_prompt(std::span<const int32_t> prompt, int64_t vocab_size) {
  if (prompt.empty()) {
    throw Error(ErrorKind::kInput, "the prompt has no tokens", "", "give a text, or the model's bos token");
  }
  for (const int32_t id : prompt) {
    if (id < 0 || id >= vocab_size) {
      throw Error(ErrorKind::kInput,
                  "token " + std::to_string(id) + " is outside the model's vocabulary of " + std::to_string(vocab_size),
                  "the prompt", "use the tokenizer that lies beside the model");
    }
  }
}

bool ends_answer(int32_t id, const SampleOptions& options, const ModelConfig& config) {
  return std::find(options.stop.begin(), options.stop.end(), id) != options.stop.end() ||
         std::find(config.eos_ids.begin(), config.eos_ids.end(), id) != config.eos_ids.end();
}

}  // namespace

const char* name_of(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

Engine::Engine(LanguageModel& model)
    : model_(model), cache_(model.make_cache(1, model.config().max_positions)) {
  model_.begin_step();
}

// Logits after ids, which follow what the cache holds.
at::Tensor Engine::read(std::span<const int32_t> ids) {
  const auto count = static_cast<int64_t>(ids.size());
  at::Tensor tokens = at::empty({1, count}, at::kLong);
  std::copy(ids.begin(), ids.end(), tokens.mutable_data_ptr<int64_t>());
  const at::Tensor logits = model_.decode_step(tokens, cache_);
  cached_.insert(cached_.end(), ids.begin(), ids.end());
  num_reads_ += count;
  return logits;
}

// Logits after the whole context, reading only what the cache does not hold yet.
at::Tensor Engine::read_context(const std::vector<int32_t>& context) {
  size_t same = 0;
  while (same < cached_.size() && same + 1 < context.size() && cached_[same] == context[same]) {
    ++same;
  }
  same = static_cast<size_t>(cache_.truncate(static_cast<int64_t>(same)));
  cached_.resize(same);
  return read(std::span(context).subspan(same));
}

Generation Engine::generate(std::span<const int32_t> prompt, const SampleOptions& options, const OnToken& on_token) {
  validate(options);
  check_prompt(prompt, model_.config().vocab_size);
  const auto most = static_cast<size_t>(model_.context_limit());
  std::vector<int32_t> context(prompt.end() - static_cast<std::ptrdiff_t>(std::min(prompt.size(), most)), prompt.end());
  uint64_t position = prompt.size();
  num_reads_ = 0;
  Generation out;
  while (static_cast<int64_t>(out.ids.size()) < options.max_tokens) {
    if (context.size() > most) {
      context.erase(context.begin(), context.end() - static_cast<std::ptrdiff_t>((most + 1) / 2));
    }
    const at::Tensor logits = read_context(context);
    const std::span<const float> values(logits.const_data_ptr<float>(), static_cast<size_t>(logits.numel()));
    const int32_t id = sample(values, options, position++);
    if (ends_answer(id, options, model_.config())) {
      out.finish = Finish::kStop;
      break;
    }
    out.ids.push_back(id);
    context.push_back(id);
    if (on_token && !on_token(id)) {
      out.finish = Finish::kCancelled;
      break;
    }
  }
  out.num_reads = num_reads_;
  return out;
}

Generation generate(LanguageModel& model, std::span<const int32_t> prompt, const SampleOptions& options,
                    const OnToken& on_token) {
  return Engine(model).generate(prompt, options, on_token);
}

}  // namespace athanor
