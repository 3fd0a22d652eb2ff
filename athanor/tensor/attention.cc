#include "athanor/tensor/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/empty.h>

#include <cmath>
#include <optional>
#include <vector>

#include "athanor/tensor/attention_kernel.h"

namespace athanor {
namespace {

// Where each part of one sequence's head lies in the fused rows; one task is one (sequence, key/value head).
struct Layout {
  Layout(const AttentionShape& shape, const at::Tensor& position_N)
      : shape(shape), first(static_cast<size_t>(shape.batch * shape.length)) {
    const int64_t* position = position_N.const_data_ptr<int64_t>();
    for (int64_t n = 0; n < shape.batch * shape.length; ++n) {
      first[n] = n % shape.length - position[n];
    }
  }
  HeadShape head(int64_t sequence, bool bf16) const {
    return {shape.length, shape.head_dim, 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
            first.data() + sequence * shape.length, bf16};
  }
  int64_t tasks() const { return shape.batch * shape.num_kv_heads; }
  int64_t queries_a_group() const { return shape.num_heads / shape.num_kv_heads; }
  // Offset in elements of head `slot` of a sequence, in rows of `width`.
  int64_t at(int64_t sequence, int64_t slot, int64_t width) const {
    return sequence * shape.length * width + slot * shape.head_dim;
  }

  AttentionShape shape;
  std::vector<int64_t> first;
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

AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const at::Tensor& position_N) {
  const Layout layout(shape, position_N);
  const int64_t width = shape.width();
  const int64_t out_width = shape.num_heads * shape.head_dim;
  const bool bf16 = qkv_NF.scalar_type() == at::kBFloat16;
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
      const HeadShape head = layout.head(b, bf16);
      scratch.load(head, {qkv.at(layout.at(b, shape.num_heads + g, width)), width},
                   {qkv.at(layout.at(b, shape.num_heads + shape.num_kv_heads + g, width)), width}, false);
      for (int64_t h = g * layout.queries_a_group(); h < (g + 1) * layout.queries_a_group(); ++h) {
        attention_head_forward(head, scratch, {qkv.at(layout.at(b, h, width)), width}, y.at(layout.at(b, h, out_width)),
                               out_width, lse + (b * shape.num_heads + h) * shape.length);
      }
    }
  });
  return out;
}

at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const at::Tensor& position_N) {
  const Layout layout(shape, position_N);
  const int64_t width = shape.width();
  const int64_t out_width = shape.num_heads * shape.head_dim;
  const bool bf16 = qkv_NF.scalar_type() == at::kBFloat16;
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
      const HeadShape head = layout.head(b, bf16);
      const int64_t k = layout.at(b, shape.num_heads + g, width);
      const int64_t v = layout.at(b, shape.num_heads + shape.num_kv_heads + g, width);
      scratch.load(head, {qkv.at(k), width}, {qkv.at(v), width}, true);
      for (int64_t h = g * layout.queries_a_group(); h < (g + 1) * layout.queries_a_group(); ++h) {
        const int64_t e = layout.at(b, h, out_width);
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

at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD) {
  const int64_t heads = q_BTHD.size(2);
  const int64_t length = q_BTHD.size(1);
  const int64_t total = k_BSGD.size(1);
  at::Tensor mask;
  if (length > 1 && length < total) {
    mask = at::empty({1, 1, length, total}, at::kFloat);
    float* out = mask.mutable_data_ptr<float>();
    for (int64_t t = 0; t < length; ++t) {
      for (int64_t s = 0; s < total; ++s) {
        *out++ = s <= total - length + t ? 0.0f : -INFINITY;
      }
    }
    mask = mask.to(q_BTHD.scalar_type());
  }
  const at::Tensor y_BHTD = std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(
      q_BTHD.transpose(1, 2), expand_heads(k_BSGD, heads), expand_heads(v_BSGD, heads), 0.0,
      length > 1 && length == total, mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt));
  return y_BHTD.transpose(1, 2).reshape({-1, heads * q_BTHD.size(3)});
}

}  // namespace athanor
