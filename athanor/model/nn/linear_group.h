// Weights in compute precision, and matrices that read the same input.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "athanor/tensor/dtype.h"

namespace athanor {

// Compute-precision copies of fp32 weights, made once a step. In fp32 a weight is its own copy.
class WeightCache {
 public:
  void set_precision(Precision precision);
  Precision precision() const { return precision_; }
  // The weight in compute precision; valid until clear().
  at::Tensor get(const at::Tensor& weight);
  // For the products of so many rows (tensor/gemm.h) alone: the fp32 weight itself where they round it as they read.
  at::Tensor get(const at::Tensor& weight, int64_t rows);
  // Call when weights may have changed. Keeps the memory for the next step's copies.
  void clear();

 private:
  struct Entry {
    at::Tensor source;
    at::Tensor copy;
    bool fresh;
  };
  Precision precision_ = Precision::kFp32;
  std::unordered_map<const void*, Entry> entries_;
};

// Matrices that read the same input, kept as rows of one block of memory so that they are one product: q, k, v
// (or gate, up) as HF names them, or a single fused one. Biases: none, or one per matrix.
struct LinearGroup {
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> biases;
  at::Tensor weight() const;  // all rows; a view where the parts lie one after the other, else a copy
  at::Tensor bias() const;    // undefined where there is none
};

// What the gradient of a linear group needs to know of it, apart from tensors.
struct GroupShape {
  explicit GroupShape(const LinearGroup& group);
  // For y = x w^T + b: dL/dw of each part, then dL/db of each.
  void append_gradients(const at::Tensor& dy, const at::Tensor& x, std::vector<at::Tensor>& out) const;
  // The same where dL/db is already summed.
  void append_gradients(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dbias,
                        std::vector<at::Tensor>& out) const;

  std::vector<int64_t> weight_rows;
  std::vector<int64_t> bias_rows;
  bool weight_grad;
  bool bias_grad;
};

void append(std::vector<at::Tensor>& inputs, const LinearGroup& group);

// Recorded by autograd: x w^T + b for x_NC (fp32 or compute precision) -> [N, M] in compute precision.
at::Tensor linear_layer(WeightCache& weights, const LinearGroup& group, const at::Tensor& x_NC);

// Parameters of the given row counts as consecutive rows of one zeroed [sum, columns] block of memory.
std::vector<at::Tensor> adjacent_rows(const std::vector<int64_t>& rows, int64_t columns);
// The same for vectors.
std::vector<at::Tensor> adjacent_parts(const std::vector<int64_t>& sizes);

}  // namespace athanor
