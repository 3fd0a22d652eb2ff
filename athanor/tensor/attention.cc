#include "athanor/tensor/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/attention_kernel.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/device/transfer.h"

namespace athanor {
namespace {

// Where each part of one sequence's head lies in the fused rows; one task is one (sequence, key/value head).
struct Layout {
  Layout(const AttentionShape& shape, const KeyIntervals& keys)
      : shape(shape), begin(keys.begin_N.const_data_ptr<int64_t>()), end(keys.end_N.const_data_ptr<int64_t>()) {
    const int64_t rows = shape.batch * shape.length;
    bool good = keys.begin_N.numel() == rows && keys.end_N.numel() == rows;
    for (int64_t n = 0; good && n < rows; ++n) {
      good = begin[n] >= 0 && begin[n] <= end[n] && end[n] <= shape.length;
    }
    if (!good) {
      throw Error(ErrorKind::kInternal, "the attention's key intervals leave their rows");
    }
  }
  HeadShape head(int64_t sequence, at::ScalarType dtype) const {
    HeadShape made = plain_head(sequence, dtype);
    made.threshold = static_cast<uint32_t>(shape.dropout * 4294967296.0);
    made.kept = static_cast<float>(1.0 / (1.0 - shape.dropout));
    return made;
  }
  uint64_t dropout_key(int64_t sequence, int64_t slot) const {
    return mix64(shape.dropout_key ^ mix64(static_cast<uint64_t>(sequence * shape.num_heads + slot)));
  }
  HeadShape plain_head(int64_t sequence, at::ScalarType dtype) const {
    const double scale = shape.scale > 0 ? shape.scale : 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
    const int64_t row = sequence * shape.length;
    return {shape.length, shape.head_dim, static_cast<float>(scale), begin + row, end + row, dtype};
  }
  int64_t tasks() const { return shape.batch * shape.num_kv_heads; }
  int64_t queries_a_group() const { return shape.num_heads / shape.num_kv_heads; }
  // Offset in elements of head `slot` of a sequence, in rows of `width`.
  int64_t at(int64_t sequence, int64_t slot, int64_t width) const {
    return sequence * shape.length * width + slot * shape.head_dim;
  }

  AttentionShape shape;
  const int64_t* begin;
  const int64_t* end;
};

// A tensor's memory, addressed in elements.
struct Elements {
  explicit Elements(const at::Tensor& tensor)
      : data(static_cast<char*>(const_cast<void*>(tensor.const_data_ptr()))), size(tensor.element_size()) {}
  void* at(int64_t offset) const { return data + offset * size; }
  char* data;
  int64_t size;
};

// Key/value heads [B, S, G, D] as [B, H, S, D].
at::Tensor expand_heads(const at::Tensor& x_BSGD, int64_t num_heads) {
  const int64_t groups = x_BSGD.size(2);
  const at::Tensor x_BGSD = x_BSGD.transpose(1, 2);
  if (groups == num_heads) {
    return x_BGSD;
  }
  return x_BGSD.unsqueeze(2)
      .expand({x_BSGD.size(0), groups, num_heads / groups, x_BSGD.size(1), x_BSGD.size(3)})
      .reshape({x_BSGD.size(0), num_heads, x_BSGD.size(1), x_BSGD.size(3)});
}

}  // namespace

KeyIntervals causal_keys(const at::Tensor& position_N, int64_t length, int64_t window) {
  const int64_t rows = position_N.numel();
  KeyIntervals keys{at::empty({rows}, at::kLong), at::empty({rows}, at::kLong), {.window = window}};
  const int64_t* position = position_N.const_data_ptr<int64_t>();
  int64_t* begin = keys.begin_N.mutable_data_ptr<int64_t>();
  int64_t* end = keys.end_N.mutable_data_ptr<int64_t>();
  for (int64_t n = 0; n < rows; ++n) {
    end[n] = n % length + 1;
    begin[n] = end[n] - 1 - (window > 0 ? std::min(position[n], window - 1) : position[n]);
  }
  return keys;
}

KeyIntervals row_keys(const at::Tensor& length_B, int64_t length) {
  const int64_t rows = length_B.numel();
  KeyIntervals keys{at::zeros({rows * length}, at::kLong), at::empty({rows * length}, at::kLong), {.causal = false}};
  const int64_t* count = length_B.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < rows; ++b) {
    std::fill_n(keys.end_N.mutable_data_ptr<int64_t>() + b * length, length, count[b]);
  }
  return keys;
}

KeyIntervals document_keys(const at::Tensor& position_N, int64_t length) {
  KeyIntervals keys = causal_keys(position_N, length);
  keys.runs.causal = false;
  const int64_t* position = position_N.const_data_ptr<int64_t>();
  int64_t* end = keys.end_N.mutable_data_ptr<int64_t>();
  for (int64_t n = position_N.numel() - 2; n >= 0; --n) {  // a query reads as far as the next of its document
    if ((n + 1) % length != 0 && position[n + 1] == position[n] + 1) {
      end[n] = end[n + 1];
    }
  }
  return keys;
}

KeyIntervals on_device(const KeyIntervals& keys, const at::Tensor& position_N, int64_t length, at::Device device) {
  if (device.is_cpu()) {
    return keys;
  }
  KeyIntervals moved{device::transfer(keys.begin_N, device), device::transfer(keys.end_N, device), keys.runs};
  if (!position_N.defined()) {
    return moved;
  }
  const int64_t* position = position_N.const_data_ptr<int64_t>();
  std::vector<int32_t> begin;
  for (int64_t n = 0; n < position_N.numel(); ++n) {
    if (position[n] == 0 || n % length == 0) {
      begin.push_back(static_cast<int32_t>(n));
    }
  }
  begin.push_back(static_cast<int32_t>(position_N.numel()));
  for (size_t i = 1; i < begin.size(); ++i) {
    moved.runs.longest = std::max<int64_t>(moved.runs.longest, begin[i] - begin[i - 1]);
  }
  const at::Tensor host = at::empty({static_cast<int64_t>(begin.size())}, at::kInt);
  std::copy(begin.begin(), begin.end(), host.mutable_data_ptr<int32_t>());
  moved.runs.begin = device::transfer(host, device);
  return moved;
}

AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys) {
  RECORD_USER_SCOPE("athanor::attention_forward");
  if (device::on_gpu(qkv_NF)) {
    return device::attention_forward(shape, qkv_NF, keys);
  }
  const Layout layout(shape, keys);
  const int64_t width = shape.width();
  const int64_t out_width = shape.num_heads * shape.head_dim;
  AttentionOutput out{at::empty({shape.batch * shape.length, out_width}, qkv_NF.options()),
                      at::empty({shape.batch, shape.num_heads, shape.length}, qkv_NF.options().dtype(at::kFloat))};
  const Elements qkv(qkv_NF);
  const Elements y(out.y_NE);
  float* lse = out.lse_BHT.mutable_data_ptr<float>();
  at::parallel_for(0, layout.tasks(), 1, [&](int64_t begin, int64_t end) {
    AttentionScratch scratch;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / shape.num_kv_heads;
      const int64_t g = task % shape.num_kv_heads;
      HeadShape head = layout.head(b, qkv_NF.scalar_type());
      scratch.load(head, {qkv.at(layout.at(b, shape.num_heads + g, width)), width},
                   {qkv.at(layout.at(b, shape.num_heads + shape.num_kv_heads + g, width)), width}, false);
      for (int64_t h = g * layout.queries_a_group(); h < (g + 1) * layout.queries_a_group(); ++h) {
        head.dropout_key = layout.dropout_key(b, h);
        attention_head_forward(head, scratch, {qkv.at(layout.at(b, h, width)), width}, y.at(layout.at(b, h, out_width)),
                               out_width, lse + (b * shape.num_heads + h) * shape.length);
      }
    }
  });
  return out;
}

at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const KeyIntervals& keys) {
  RECORD_USER_SCOPE("athanor::attention_backward");
  if (device::on_gpu(qkv_NF)) {
    return device::attention_backward(shape, dy_NE, qkv_NF, out, keys);
  }
  const Layout layout(shape, keys);
  const int64_t width = shape.width();
  const int64_t out_width = shape.num_heads * shape.head_dim;
  at::Tensor dqkv_NF = at::empty(qkv_NF.sizes(), qkv_NF.options());
  const Elements qkv(qkv_NF);
  const Elements dqkv(dqkv_NF);
  const Elements y(out.y_NE);
  const Elements dy(dy_NE);
  const float* lse = out.lse_BHT.const_data_ptr<float>();
  at::parallel_for(0, layout.tasks(), 1, [&](int64_t begin, int64_t end) {
    AttentionScratch scratch;
    for (int64_t task = begin; task < end; ++task) {
      const int64_t b = task / shape.num_kv_heads;
      const int64_t g = task % shape.num_kv_heads;
      HeadShape head = layout.head(b, qkv_NF.scalar_type());
      const int64_t k = layout.at(b, shape.num_heads + g, width);
      const int64_t v = layout.at(b, shape.num_heads + shape.num_kv_heads + g, width);
      scratch.load(head, {qkv.at(k), width}, {qkv.at(v), width}, true);
      for (int64_t h = g * layout.queries_a_group(); h < (g + 1) * layout.queries_a_group(); ++h) {
        const int64_t e = layout.at(b, h, out_width);
        head.dropout_key = layout.dropout_key(b, h);
        attention_head_backward(head, scratch, {qkv.at(layout.at(b, h, width)), width}, {y.at(e), out_width},
                                {dy.at(e), out_width}, lse + (b * shape.num_heads + h) * shape.length,
                                dqkv.at(layout.at(b, h, width)), width);
      }
      store_head(head, scratch.dk_SD, scratch.padded_dim, dqkv.at(k), width);
      store_head(head, scratch.dv_SD, scratch.padded_dim, dqkv.at(v), width);
    }
  });
  return dqkv_NF;
}

at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD,
                            int64_t window, double scale) {
  const int64_t heads = q_BTHD.size(2);
  const int64_t length = q_BTHD.size(1);
  const int64_t past = k_BSGD.size(1) - length;
  // Keys before the first query's window are read by none.
  const int64_t skipped = window > 0 ? std::max<int64_t>(0, past + 1 - window) : 0;
  const int64_t total = past + length - skipped;
  const bool masked = length > 1 && (total > length || (window > 0 && window < length));
  at::Tensor mask;
  if (masked) {
    mask = at::empty({1, 1, length, total}, at::kFloat);
    float* out = mask.mutable_data_ptr<float>();
    for (int64_t t = 0; t < length; ++t) {
      const int64_t last = total - length + t;
      for (int64_t s = 0; s < total; ++s) {
        *out++ = s <= last && (window == 0 || s > last - window) ? 0.0f : -INFINITY;
      }
    }
    mask = mask.to(q_BTHD.scalar_type());
  }
  const at::Tensor y_BHTD = std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(
      q_BTHD.transpose(1, 2), expand_heads(k_BSGD.narrow(1, skipped, total), heads),
      expand_heads(v_BSGD.narrow(1, skipped, total), heads), 0.0, length > 1 && !masked,
      masked ? std::optional<at::Tensor>(mask) : std::nullopt,
      scale > 0 ? std::optional<double>(scale) : std::nullopt));
  return y_BHTD.transpose(1, 2).reshape({-1, heads * q_BTHD.size(3)});
}

}  // namespace athanor
