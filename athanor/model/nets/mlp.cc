// Fully connected layers over the numbers of a table's row and an embedding of each of its categories.
#include <ATen/ops/cat.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

// Numbers a category gets, by how many there are (fastai's rule); model.embedding overrules it.
int64_t embedding_width(int64_t categories, int64_t given) {
  const auto rule = static_cast<int64_t>(std::lround(1.6 * std::pow(static_cast<double>(categories), 0.56)));
  return given > 0 ? given : std::clamp<int64_t>(rule, 1, 128);
}

class Mlp : public Net {
 public:
  explicit Mlp(const NetConfig& config) : Net(config) {
    int64_t width = config.shape.num_values;
    for (size_t i = 0; i < config.shape.categories.size(); ++i) {
      const int64_t categories = config.shape.categories[i];
      const int64_t each = embedding_width(categories, config.options.embedding);
      embeddings_.push_back(std::make_unique<Embedding>(inits_, categories, each, 1.0 / std::sqrt(static_cast<double>(each))));
      register_child("embeddings." + std::to_string(i), *embeddings_.back());
      width += each;
    }
    for (const int64_t next : whole(config.options.hidden)) {
      const std::string number = std::to_string(layers_.size());
      layers_.push_back(std::make_unique<Linear>(inits_, width, next));
      register_child("layers." + number, *layers_.back());
      if (config.options.norm == "batch") {
        batch_norms_.push_back(std::make_unique<BatchNorm>(inits_, next));
        register_child("norms." + number, *batch_norms_.back());
      } else if (config.options.norm == "layer") {
        layer_norms_.push_back(std::make_unique<LayerNorm>(inits_, next));
        register_child("norms." + number, *layer_norms_.back());
      }
      width = next;
    }
    classifier_ = std::make_unique<Linear>(inits_, width, config.num_outputs());
    register_child("classifier", *classifier_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    const NetOptions& options = config().options;
    std::vector<at::Tensor> parts{batch.values_BF};
    for (size_t i = 0; i < embeddings_.size(); ++i) {
      parts.push_back(embeddings_[i]->forward(batch.categories_BK.select(1, static_cast<int64_t>(i))));
    }
    at::Tensor x_BC = enter(at::cat(parts, 1));
    for (size_t i = 0; i < layers_.size(); ++i) {
      x_BC = layers_[i]->forward(x_BC);
      const bool fused = !batch_norms_.empty() && options.activation == "relu";
      x_BC = !batch_norms_.empty()   ? batch_norms_[i]->forward(x_BC, fused)
             : !layer_norms_.empty() ? layer_norms_[i]->forward(x_BC)
                                     : x_BC;
      x_BC = fused ? x_BC : net_activation(options.activation, x_BC);
      note_activation("layers." + std::to_string(i), x_BC);
      x_BC = net_dropout(x_BC, options.dropout, random_at(dropout_seed, i), training());
    }
    return classifier_->forward(x_BC).to(at::kFloat);
  }

 private:
  std::vector<std::unique_ptr<Embedding>> embeddings_;
  std::vector<std::unique_ptr<Linear>> layers_;
  std::vector<std::unique_ptr<BatchNorm>> batch_norms_;
  std::vector<std::unique_ptr<LayerNorm>> layer_norms_;
  std::unique_ptr<Linear> classifier_;
};

}  // namespace

std::unique_ptr<Net> make_mlp(const NetConfig& config) { return std::make_unique<Mlp>(config); }

}  // namespace athanor
