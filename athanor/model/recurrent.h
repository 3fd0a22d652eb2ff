// Recurrent language models: an embedding, layers of torch.nn.RNN, LSTM or GRU, and a head without bias (the embedding's own
// matrix where tied). Each document of a row begins from a state of zeros. Parameters: embedding.weight, rnn.weight_ih_l0 ...,
// head.weight.
#pragma once

#include <memory>

#include "athanor/model/language_model.h"

namespace athanor {

// Cells begin as PyTorch's do (U(+-1 / sqrt(width))), tables as config.init says.
std::unique_ptr<LanguageModel> make_recurrent(const ModelConfig& config, uint64_t seed);

}  // namespace athanor
