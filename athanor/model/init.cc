#include "athanor/model/init.h"

#include <ATen/Parallel.h>

#include <cmath>
#include <string>
#include <string_view>

#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/normal.h"

namespace athanor {

void fill_normal(at::Tensor& tensor, double std, uint64_t key) {
  float* out = tensor.mutable_data_ptr<float>();
  at::parallel_for(0, tensor.numel(), 8192, [&](int64_t begin, int64_t end) {
    fill_normal_span(out + begin, begin, end - begin, std, key);
  });
}

void fill_uniform(at::Tensor& tensor, double bound, uint64_t key) {
  float* out = tensor.mutable_data_ptr<float>();
  at::parallel_for(0, tensor.numel(), 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      out[i] = static_cast<float>(bound * (2.0 * to_unit(random_at(key, i)) - 1.0));
    }
  });
}

namespace {

bool has(std::string_view name, std::string_view part) { return name.find(part) != std::string_view::npos; }

void fill_matrix(const std::string& name, at::Tensor& tensor, const ModelConfig& config, uint64_t key) {
  const double in = static_cast<double>(tensor.size(1));
  const double out = static_cast<double>(tensor.size(0));
  if (config.init == "xavier_uniform") {
    fill_uniform(tensor, std::sqrt(6.0 / (in + out)), key);
  } else if (config.init == "xavier_normal") {
    fill_normal(tensor, std::sqrt(2.0 / (in + out)), key);
  } else if (config.init == "kaiming") {
    fill_normal(tensor, std::sqrt(2.0 / in), key);
  } else {
    const bool residual = has(name, "o_proj.") || has(name, "down_proj.") || has(name, "c_proj.");
    const double layers = static_cast<double>(config.num_layers);
    fill_normal(tensor, residual ? config.init_std / std::sqrt(2.0 * layers) : config.init_std, key);
  }
}

}  // namespace

void initialise(Module& model, const ModelConfig& config, uint64_t seed) {
  NoGrad no_grad;
  const double norm_weight = family_of(config.family).plus_one ? 0.0 : 1.0;
  for (NamedParameter& parameter : model.named_parameters()) {
    const uint64_t key = mix64(seed ^ xxh3_64(parameter.name));
    at::Tensor tensor = parameter.tensor;
    if (tensor.dim() == 1) {
      tensor.fill_(has(parameter.name, ".bias") ? 0.0 : norm_weight);
    } else if (has(parameter.name, "embed_tokens") || has(parameter.name, "wte") || has(parameter.name, "wpe") ||
               has(parameter.name, "_embeddings.")) {
      fill_normal(tensor, config.init_std, key);
    } else {
      fill_matrix(parameter.name, tensor, config, key);
    }
  }
}

}  // namespace athanor
