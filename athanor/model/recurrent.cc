// N tokens of all rows, S texts (a document's part of a row), C features.
#include "athanor/model/recurrent.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/init.h"
#include "athanor/model/nets/cells.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/embedding.h"

namespace athanor {
namespace {

// The texts of a batch as one packed sequence: step by step, the longest first.
struct PackedTexts {
  at::Tensor place_N;        // int64: where step n of the packed sequence stands in the rows
  at::Tensor inverse_N;      // and the reverse
  at::Tensor batch_sizes_T;  // int64: texts that have a step t
  int64_t num_texts = 0;
};

PackedTexts pack_texts(const at::Tensor& document_BT, int64_t rows, int64_t length) {
  struct Text {
    int64_t begin;
    int64_t length;
  };
  std::vector<Text> texts;
  const at::Tensor document = document_BT.defined() ? document_BT.to(at::kInt).contiguous() : at::Tensor();
  const int32_t* id = document.defined() ? document.const_data_ptr<int32_t>() : nullptr;
  for (int64_t n = 0; n < rows * length; ++n) {
    if (n % length == 0 || (id != nullptr && id[n] != id[n - 1])) {
      texts.push_back({n, 0});
    }
    ++texts.back().length;
  }
  std::stable_sort(texts.begin(), texts.end(), [](const Text& a, const Text& b) { return a.length > b.length; });
  PackedTexts packed;
  packed.num_texts = static_cast<int64_t>(texts.size());
  packed.place_N = at::empty({rows * length}, at::kLong);
  packed.inverse_N = at::empty({rows * length}, at::kLong);
  packed.batch_sizes_T = at::empty({texts.front().length}, at::kLong);
  auto* place = packed.place_N.mutable_data_ptr<int64_t>();
  auto* inverse = packed.inverse_N.mutable_data_ptr<int64_t>();
  int64_t n = 0;
  for (int64_t t = 0; t < texts.front().length; ++t) {
    int64_t have = 0;
    for (; have < packed.num_texts && texts[static_cast<size_t>(have)].length > t; ++have, ++n) {
      place[n] = texts[static_cast<size_t>(have)].begin + t;
      inverse[place[n]] = n;
    }
    packed.batch_sizes_T.mutable_data_ptr<int64_t>()[t] = have;
  }
  return packed;
}

at::Tensor first_texts(const at::Tensor& state, int64_t count) {
  return state.defined() ? state.detach().narrow(1, 0, count) : state;
}

class Recurrent : public LanguageModel {
 public:
  Recurrent(const ModelConfig& c, uint64_t seed)
      : LanguageModel(c), cells_(inits_, {c.family, c.hidden_size, c.hidden_size, c.num_layers, false}) {
    tokens_ = register_parameter("embedding.weight", at::zeros({c.vocab_size, c.hidden_size}), c.tie_embeddings);
    register_child("rnn", cells_);
    if (!c.tie_embeddings) {
      head_ = register_parameter("head.weight", at::zeros({c.vocab_size, c.hidden_size}), true);
    }
    initialise(*this, c, seed);
    initialise_net(*this, inits_, seed);
  }

  at::Tensor hidden(const Batch& batch, uint64_t dropout_seed) override {
    const int64_t rows = batch.tokens_BT.size(0);
    const int64_t length = batch.tokens_BT.size(1);
    const double p = training() ? config().dropout : 0.0;
    const PackedTexts packed = pack_texts(batch.document_BT, rows, length);
    const at::Tensor tokens_N = batch.tokens_BT.contiguous().view({-1}).index_select(0, packed.place_N);
    at::Tensor x_NC = embedding(tokens_N, tokens_).to(scalar_type(precision()));
    for (size_t layer = 0; layer < cells_.num_layers(); ++layer) {
      x_NC = net_dropout(x_NC, p, random_at(dropout_seed, layer), training());
      x_NC = run_layer(layer, x_NC, packed);
      note_activation("layers." + std::to_string(layer), x_NC);
    }
    x_NC = net_dropout(x_NC, p, random_at(dropout_seed, cells_.num_layers()), training());
    return x_NC.index_select(0, packed.inverse_N.to(x_NC.device())).view({rows, length, config().hidden_size});
  }

  int64_t context_limit() const override { return int64_t{1} << 40; }

  KvCache make_cache(int64_t batch, int64_t /*capacity*/) const override {
    KvCache cache;
    cache.batch = batch;
    cache.capacity = context_limit();
    return cache;
  }

  at::Tensor decode_step(const at::Tensor& tokens_BT, KvCache& cache) override {
    NoGrad no_grad;
    const int64_t rows = tokens_BT.size(0);
    const int64_t length = tokens_BT.size(1);
    if (rows != cache.batch || length < 1) {
      throw Error(ErrorKind::kInternal, "a decoding step of " + std::to_string(rows) + " x " + std::to_string(length) +
                                            " tokens does not fit a cache of " + std::to_string(cache.batch));
    }
    cache.states.resize(cells_.num_layers());
    const at::Tensor sizes_T = at::full({length}, rows, at::kLong);
    at::Tensor x_NC = embedding(tokens_BT.t().contiguous().view({-1}), tokens_).to(scalar_type(precision()));
    for (size_t layer = 0; layer < cells_.num_layers(); ++layer) {
      x_NC = cells_.run(layer, x_NC, sizes_T, rows, cache.states[layer]);
    }
    cache.num_read += length;
    return last_logits(x_NC.narrow(0, (length - 1) * rows, rows).contiguous());
  }

 protected:
  at::Tensor head_weight() const override { return head_.defined() ? head_ : tokens_; }

 private:
  // In pieces of bptt steps, over whose borders the state goes and the gradient does not.
  at::Tensor run_layer(size_t layer, const at::Tensor& x_NC, const PackedTexts& packed) {
    const int64_t steps = packed.batch_sizes_T.size(0);
    const int64_t piece = config().bptt > 0 && training() ? config().bptt : steps;
    const auto* sizes = packed.batch_sizes_T.const_data_ptr<int64_t>();
    CellState state;
    std::vector<at::Tensor> parts;
    int64_t at = 0;
    for (int64_t t = 0; t < steps; t += piece) {
      const int64_t count = std::min(piece, steps - t);
      const int64_t tokens = std::accumulate(sizes + t, sizes + t + count, int64_t{0});
      state = {first_texts(state.hidden, sizes[t]), first_texts(state.cell, sizes[t])};
      parts.push_back(cells_.run(layer, x_NC.narrow(0, at, tokens), packed.batch_sizes_T.narrow(0, t, count), sizes[t], state));
      at += tokens;
    }
    return parts.size() == 1 ? parts.front() : at::cat(parts, 0);
  }

  NetInits inits_;
  Cells cells_;
  at::Tensor tokens_;  // [V, C]
  at::Tensor head_;    // [V, C]; undefined when tied
};

}  // namespace

std::unique_ptr<LanguageModel> make_recurrent(const ModelConfig& config, uint64_t seed) {
  return std::make_unique<Recurrent>(config, seed);
}

}  // namespace athanor
