// Recurrent networks: Elman (tanh), LSTM (Hochreiter and Schmidhuber 1997, with PyTorch's gates), GRU (Cho et al. 2014). Layers
// one after another over packed sequences, so that neither padding nor the rest of a batch changes a row, and dropout
// between layers has our own masks.
#include <ATen/ops/_pack_padded_sequence.h>
#include <ATen/ops/_pad_packed_sequence.h>
#include <ATen/ops/argsort.h>
#include <ATen/ops/cat.h>

#include <limits>

#include "athanor/base/rng.h"
#include "athanor/model/nets/cells.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

constexpr double kEmbeddingDeviation = 0.1;

class RecurrentNet : public Net {
 public:
  explicit RecurrentNet(const NetConfig& config)
      : Net(config),
        cells_(inits_, {config.options.family, is_text() ? config.options.embedding : config.shape.num_values,
                        config.options.width, config.options.layers, config.options.bidirectional}),
        classifier_(inits_, config.options.width * (config.options.bidirectional ? 2 : 1), config.num_outputs()) {
    if (is_text()) {
      embedding_ = std::make_unique<Embedding>(inits_, config.shape.vocab_size, config.options.embedding,
                                               kEmbeddingDeviation);
      register_child("embedding", *embedding_);
    }
    register_child("rnn", cells_);
    register_child("classifier", classifier_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    const double p = config().options.dropout;
    at::Tensor x_BTE = enter(is_text() ? embedding_->forward(batch.tokens_BT) : batch.values_BTF);
    x_BTE = is_text() ? net_dropout(x_BTE, p, random_at(dropout_seed, 0), training()) : x_BTE;
    const at::Tensor order = at::argsort(batch.lengths_B, /*stable=*/true, 0, /*descending=*/true);
    const at::Tensor lengths = batch.lengths_B.index_select(0, order);
    auto [data, batch_sizes] = at::_pack_padded_sequence(x_BTE.index_select(0, order.to(x_BTE.device())), lengths, true);
    at::Tensor last;
    for (size_t layer = 0; layer < cells_.num_layers(); ++layer) {
      data = layer == 0 ? data : net_dropout(data, p, random_at(dropout_seed, layer), training());
      CellState state;
      data = cells_.run(layer, data, batch_sizes, lengths.size(0), state);
      last = state.hidden;
    }
    at::Tensor pooled = pool(data, batch_sizes, last, lengths);
    pooled = net_dropout(pooled, p, random_at(dropout_seed, cells_.num_layers(), 1), training());
    return classifier_.forward(pooled).to(at::kFloat).index_select(0, at::argsort(order).to(pooled.device()));
  }

 private:
  bool is_text() const { return config().shape.kind == InputKind::kText; }

  at::Tensor pool(const at::Tensor& data, const at::Tensor& batch_sizes, const at::Tensor& last,
                  const at::Tensor& lengths) const {
    if (config().options.pooling == "last") {
      return last.size(0) == 1 ? last[0] : at::cat({last[0], last[1]}, 1);
    }
    const bool highest = config().options.pooling == "max";
    const double padding = highest ? -std::numeric_limits<double>::infinity() : 0.0;
    const at::Tensor steps_BTH =
        std::get<0>(at::_pad_packed_sequence(data, batch_sizes, true, padding, batch_sizes.size(0)));
    if (highest) {
      return steps_BTH.amax({1});
    }
    return steps_BTH.sum(at::IntArrayRef{1}).div(lengths.to(data.device(), at::kFloat).unsqueeze(1));
  }

  std::unique_ptr<Embedding> embedding_;
  Cells cells_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Net> make_rnn(const NetConfig& config) { return std::make_unique<RecurrentNet>(config); }

}  // namespace athanor
