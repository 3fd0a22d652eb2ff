// Keys and values of the positions a model has seen, so that the next token costs one position's work.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/model/nn/blocks.h"

namespace athanor {

struct KvCache {
  std::vector<LayerCache> layers;
  int64_t batch = 0;
  int64_t capacity = 0;  // positions

  int64_t length() const { return layers.empty() ? 0 : layers[0].length; }
  // Forgets the positions from `length` on; their memory stays.
  void truncate(int64_t length) {
    for (LayerCache& layer : layers) {
      layer.length = length;
    }
  }
};

}  // namespace athanor
