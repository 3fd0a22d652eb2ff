// Keys and values of the positions a model has seen, so that the next token costs one position's work.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/model/nets/cells.h"
#include "athanor/model/nn/blocks.h"

namespace athanor {

struct KvCache {
  std::vector<LayerCache> layers;
  int64_t batch = 0;
  int64_t capacity = 0;  // positions

  // Recurrent models keep what they remember in place of keys and values.
  std::vector<CellState> states;
  int64_t num_read = 0;

  int64_t length() const { return layers.empty() ? num_read : layers[0].length; }
  // Forgets the positions from `length` on, as many as are there at most; their memory stays. A state cannot be undone: one
  // that has read more is forgotten whole. Returns how many positions remain.
  int64_t truncate(int64_t length) {
    for (LayerCache& layer : layers) {
      layer.length = length;
    }
    if (layers.empty() && length < num_read) {
      states.clear();
      num_read = 0;
    }
    return this->length();
  }
};

}  // namespace athanor
