#include "athanor/model/nn/linear_group.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <numeric>

#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

// One after the other in one storage?
bool adjacent(const Tensors& parts) {
  const char* next = static_cast<const char*>(parts[0].const_data_ptr());
  for (const at::Tensor& part : parts) {
    if (!part.is_contiguous() || part.const_data_ptr() != next || !part.is_alias_of(parts[0])) {
      return false;
    }
    next += part.nbytes();
  }
  return true;
}

at::Tensor join(const Tensors& parts) {
  if (parts.size() <= 1) {
    return parts.empty() ? at::Tensor() : parts[0].detach();
  }
  NoGrad no_grad;
  if (!adjacent(parts)) {
    return at::cat(parts, 0);
  }
  int64_t rows = 0;
  for (const at::Tensor& part : parts) {
    rows += part.size(0);
  }
  std::vector<int64_t> sizes = parts[0].sizes().vec();
  sizes[0] = rows;
  return parts[0].detach().as_strided(sizes, parts[0].strides());
}

bool any_needs_grad(const Tensors& parts) {
  for (const at::Tensor& part : parts) {
    if (part.requires_grad()) {
      return true;
    }
  }
  return false;
}

// Appends the rows of grad that belong to each part; nothing defined where grad is not.
void split_rows(const at::Tensor& grad, const std::vector<int64_t>& rows, Tensors& out) {
  int64_t first = 0;
  for (const int64_t count : rows) {
    out.push_back(grad.defined() ? grad.narrow(0, first, count) : at::Tensor());
    first += count;
  }
}

std::vector<int64_t> row_counts(const Tensors& parts) {
  std::vector<int64_t> rows;
  for (const at::Tensor& part : parts) {
    rows.push_back(part.size(0));
  }
  return rows;
}

Tensors parts_of(const at::Tensor& block, const std::vector<int64_t>& sizes) {
  Tensors parts;
  int64_t first = 0;
  for (const int64_t count : sizes) {
    parts.push_back(block.narrow(0, first, count).detach());
    first += count;
  }
  return parts;
}

}  // namespace

void WeightCache::set_precision(Precision precision) {
  precision_ = precision;
  entries_.clear();
}

at::Tensor WeightCache::get(const at::Tensor& weight) {
  if (precision_ == Precision::kFp32) {
    return weight.detach();
  }
  Entry& entry = entries_[weight.const_data_ptr()];
  if (!entry.copy.defined() || entry.copy.sizes() != weight.sizes()) {
    entry = {weight.detach(), at::empty(weight.sizes(), weight.options().dtype(scalar_type(precision_)).requires_grad(false)),
             false};
  }
  if (!entry.fresh) {
    NoGrad no_grad;
    convert(weight, entry.copy);
    entry.fresh = true;
  }
  return entry.copy;
}

at::Tensor WeightCache::get(const at::Tensor& weight, int64_t rows) {
  return precision_ == Precision::kBf16 && rounds_fp32_weights(rows, weight) ? weight.detach() : get(weight);
}

void WeightCache::clear() {
  for (auto& [address, entry] : entries_) {
    entry.fresh = false;
  }
}

at::Tensor LinearGroup::weight() const { return join(weights); }
at::Tensor LinearGroup::bias() const { return join(biases); }

GroupShape::GroupShape(const LinearGroup& group)
    : weight_rows(row_counts(group.weights)),
      bias_rows(row_counts(group.biases)),
      weight_grad(any_needs_grad(group.weights)),
      bias_grad(any_needs_grad(group.biases)) {}

void GroupShape::append_gradients(const at::Tensor& dy, const at::Tensor& x, Tensors& out) const {
  append_gradients(dy, x, bias_grad ? column_sum(dy) : at::Tensor(), out);
}

void GroupShape::append_gradients(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dbias,
                                  Tensors& out) const {
  split_rows(weight_grad ? to_dtype(linear_grad_weight(dy, x), at::kFloat) : at::Tensor(), weight_rows, out);
  split_rows(dbias, bias_rows, out);
}

void append(Tensors& inputs, const LinearGroup& group) {
  inputs.insert(inputs.end(), group.weights.begin(), group.weights.end());
  inputs.insert(inputs.end(), group.biases.begin(), group.biases.end());
}

at::Tensor linear_layer(WeightCache& weights, const LinearGroup& group, const at::Tensor& x_NC) {
  Tensors inputs = {x_NC};
  append(inputs, group);
  const auto forward = [&](Tensors& saved) {
    const at::Tensor x = to_dtype(x_NC, scalar_type(weights.precision()));
    const at::Tensor w = weights.get(group.weight(), x.size(0));
    const at::Tensor bias = group.bias();
    saved = {x, w};
    return linear(x, w, bias.defined() ? to_dtype(bias, x.scalar_type()) : bias);
  };
  return custom_op(std::move(inputs), forward,
                   [shape = GroupShape(group), dtype = x_NC.scalar_type()](const Tensors& s, const at::Tensor& dy) {
                     Tensors gradients = {to_dtype(linear_grad_input(dy, s[1]), dtype)};
                     shape.append_gradients(dy, s[0], gradients);
                     return gradients;
                   });
}

Tensors adjacent_rows(const std::vector<int64_t>& rows, int64_t columns) {
  const int64_t total = std::accumulate(rows.begin(), rows.end(), int64_t{0});
  return parts_of(at::zeros({total, columns}, at::kFloat), rows);
}

Tensors adjacent_parts(const std::vector<int64_t>& sizes) {
  const int64_t total = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  return parts_of(at::zeros({total}, at::kFloat), sizes);
}

}  // namespace athanor
