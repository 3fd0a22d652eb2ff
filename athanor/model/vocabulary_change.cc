#include "athanor/model/vocabulary_change.h"

#include <ATen/ops/empty_like.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/tensor.h>

#include <string>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"

namespace athanor {

namespace {

// rows_VD by the mean of source rows.
void fill_rows(const at::Tensor& old_VD, std::span<const std::vector<int32_t>> sources, at::Tensor rows_VD) {
  const at::Tensor mean_D = old_VD.mean(0);
  for (size_t id = 0; id < sources.size(); ++id) {
    at::Tensor row_D = rows_VD.select(0, static_cast<int64_t>(id));
    if (sources[id].empty()) {
      row_D.copy_(mean_D);
    } else if (sources[id].size() == 1) {
      row_D.copy_(old_VD.select(0, sources[id][0]));
    } else {
      const std::vector<int64_t> wide(sources[id].begin(), sources[id].end());
      row_D.copy_(old_VD.index_select(0, at::tensor(wide)).mean(0));
    }
  }
}

// The new id that stands for the old one alone; -1 when it is gone.
int32_t moved(int32_t old, std::span<const std::vector<int32_t>> sources) {
  for (size_t id = 0; id < sources.size(); ++id) {
    if (sources[id].size() == 1 && sources[id][0] == old) {
      return static_cast<int32_t>(id);
    }
  }
  return -1;
}

void check(const ModelConfig& config, std::span<const std::vector<int32_t>> sources) {
  for (size_t id = 0; id < sources.size(); ++id) {
    for (const int32_t from : sources[id]) {
      if (from < 0 || from >= config.vocab_size) {
        throw Error(ErrorKind::kInput,
                    "token " + std::to_string(id) + " comes from the id " + std::to_string(from) +
                        ", the model's vocabulary ends at " + std::to_string(config.vocab_size),
                    "", "the tokenizer in the model's folder must be the model's own");
      }
    }
  }
}

}  // namespace

bool is_token_table(std::string_view name) {
  return name == "embedding.weight" || name == "head.weight" || name.ends_with("embed_tokens.weight") || name.ends_with("wte.weight") || name.ends_with("lm_head.weight");
}

std::unique_ptr<LanguageModel> change_vocabulary(const LanguageModel& model,
                                                 std::span<const std::vector<int32_t>> sources) {
  ModelConfig config = model.config();
  check(config, sources);
  config.vocab_size = static_cast<int64_t>(sources.size());
  config.bos_id = config.bos_id < 0 ? config.bos_id : moved(config.bos_id, sources);
  decltype(config.eos_ids) ends;
  for (const auto id : config.eos_ids) {
    if (const int32_t now = moved(static_cast<int32_t>(id), sources); now >= 0) {
      ends.push_back(now);
    }
  }
  config.eos_ids = ends;
  std::unique_ptr<LanguageModel> changed = make_model(config, 0);
  const std::vector<NamedParameter> from = model.named_parameters();
  const std::vector<NamedParameter> to = changed->named_parameters();
  const NoGrad no_grad;
  for (size_t i = 0; i < to.size(); ++i) {
    at::Tensor target = to[i].tensor;
    if (is_token_table(to[i].name)) {
      fill_rows(from[i].tensor, sources, target);
    } else {
      target.copy_(from[i].tensor);
    }
  }
  return changed;
}

}  // namespace athanor
