// Prompts to tokens: prefill once, then one position's work a token.
//
//   Generation answer = generate(*model, prompt_ids, {.temperature = 0.7, .seed = 1}, [&](int32_t id) {
//     print(tokenizer.decode(id)); return true; });
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "athanor/infer/sampler.h"
#include "athanor/model/language_model.h"

namespace athanor {

enum class Finish {
  kStop,       // the model ended its answer, or a stop token came
  kLength,     // max_tokens
  kCancelled,  // on_token said so
};
const char* name_of(Finish finish);  // "stop", "length", "cancelled"

struct Generation {
  std::vector<int32_t> ids;  // the answer alone, without prompt and stop token
  Finish finish = Finish::kLength;
  int64_t num_reads = 0;  // positions computed, prefills included: what the cache saves is seen here
};

// Called with each token of the answer as it comes; false ends the generation.
using OnToken = std::function<bool(int32_t id)>;

// One conversation over one model. Keeps the cache between calls: a prompt that begins with what was read before (a
// chat's history) only pays for its new part. Not for several threads at once.
//
// A context that outgrows the model's positions slides: the oldest half is dropped and the rest read again, so an
// answer never ends for that reason; `position` in sampling goes on counting. A prompt longer than the model's
// positions keeps its end.
class Engine {
 public:
  explicit Engine(LanguageModel& model);

  // Error(kInput) for an empty prompt or an id outside the vocabulary; Error(kUsage) for options out of range.
  Generation generate(std::span<const int32_t> prompt, const SampleOptions& options, const OnToken& on_token = {});

 private:
  at::Tensor read(std::span<const int32_t> ids);
  at::Tensor read_context(const std::vector<int32_t>& context);

  LanguageModel& model_;
  KvCache cache_;
  std::vector<int32_t> cached_;  // the ids that the cache holds
  int64_t num_reads_ = 0;
};

Generation generate(LanguageModel& model, std::span<const int32_t> prompt, const SampleOptions& options,
                    const OnToken& on_token = {});

}  // namespace athanor
