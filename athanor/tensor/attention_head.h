// What the attention kernels know of a head.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>

namespace athanor {

// One sequence's fused q, k, v: row t of head-slice x starts at x + t * stride. Sizes in elements.
struct HeadView {
  const void* data;
  int64_t stride;
};

struct HeadShape {
  int64_t length;    // T
  int64_t head_dim;  // D
  float scale;
  const int64_t* begin;  // [T]: the first key that query t reads
  const int64_t* end;    // [T]: one past its last; a query without keys gives 0
  at::ScalarType dtype;  // fp32, bf16 or fp16
  // Dropout of the probabilities: query t keeps key s where mix64(dropout_key + t T + s) >> 32 >= threshold.
  uint32_t threshold = 0;
  float kept = 1;  // what is kept is multiplied by
  uint64_t dropout_key = 0;
};

}  // namespace athanor
