#include "athanor/tensor/embedding.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <string>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

ATHANOR_SIMD void add_row(float* to, const float* from, int64_t width) {
  for (int64_t i = 0; i < width; ++i) {
    to[i] += from[i];
  }
}

// grad_VC (+)= rows of dy. Each thread owns a range of table rows and reads all tokens in order.
void add_rows(const at::Tensor& dy_NC, const at::Tensor& index_N, at::Tensor& grad_VC, bool first) {
  RECORD_USER_SCOPE("athanor::embedding_backward");
  if (device::on_gpu(dy_NC)) {
    const at::Tensor rows = device::embedding_backward(dy_NC, index_N, grad_VC.size(0));
    first ? grad_VC.copy_(rows) : grad_VC.add_(rows);
    return;
  }
  const int64_t num_rows = grad_VC.size(0);
  const int64_t tokens = dy_NC.size(0);
  const int64_t width = dy_NC.size(1);
  const float* dy = dy_NC.const_data_ptr<float>();
  const int64_t* index = index_N.const_data_ptr<int64_t>();
  float* out = grad_VC.mutable_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(64, (num_rows + at::get_num_threads() - 1) / at::get_num_threads());
  at::parallel_for(0, num_rows, grain, [&](int64_t begin, int64_t end) {
    if (first) {
      std::fill(out + begin * width, out + end * width, 0.0f);
    }
    for (int64_t n = 0; n < tokens; ++n) {
      if (index[n] >= begin && index[n] < end) {
        add_row(out + index[n] * width, dy + n * width, width);
      }
    }
  });
}

}  // namespace

void check_indices(const at::Tensor& index_N, int64_t size, const char* what) {
  const int64_t* index = index_N.const_data_ptr<int64_t>();
  for (int64_t n = 0; n < index_N.numel(); ++n) {
    if (index[n] < 0 || index[n] >= size) {
      throw Error(ErrorKind::kInput,
                  std::string(what) + " " + std::to_string(index[n]) + " is outside the model's table of " +
                      std::to_string(size),
                  "element " + std::to_string(n) + " of the batch",
                  "check that the tokens were made with this model's tokenizer");
    }
  }
}

at::Tensor embedding_backward(const at::Tensor& dy_NC, const at::Tensor& index_N, int64_t num_rows) {
  at::Tensor grad = at::empty({num_rows, dy_NC.size(1)}, dy_NC.options());
  add_rows(dy_NC, index_N, grad, true);
  return grad;
}

at::Tensor embedding(const at::Tensor& index_N, const at::Tensor& table_VC, const at::Tensor& second_index_N,
                     const at::Tensor& second_PC, std::shared_ptr<TiedGradient> tied) {
  const at::Tensor index = index_N.contiguous();
  const bool two = second_PC.defined();
  const at::Tensor second_index = two ? second_index_N.contiguous() : at::Tensor();
  check_indices(index, table_VC.size(0), "token");
  if (two) {
    check_indices(second_index, second_PC.size(0), "position");
  }
  return custom_op(
      {table_VC, second_PC},
      [&](std::vector<at::Tensor>&) {
        if (device::on_gpu(table_VC)) {
          return device::look_up(index, table_VC, second_index, second_PC);
        }
        const int64_t width = table_VC.size(1);
        at::Tensor y = at::empty({index.numel(), width}, table_VC.options());
        const float* table = table_VC.const_data_ptr<float>();
        const float* second = two ? second_PC.const_data_ptr<float>() : nullptr;
        const int64_t* rows = index.const_data_ptr<int64_t>();
        const int64_t* second_rows = two ? second_index.const_data_ptr<int64_t>() : nullptr;
        float* out = y.mutable_data_ptr<float>();
        at::parallel_for(0, index.numel(), std::max<int64_t>(1, 16384 / width), [&](int64_t begin, int64_t end) {
          for (int64_t n = begin; n < end; ++n) {
            std::copy_n(table + rows[n] * width, width, out + n * width);
            if (two) {
              add_row(out + n * width, second + second_rows[n] * width, width);
            }
          }
        });
        return y;
      },
      [index, second_index, two, tokens = table_VC.size(0), positions = two ? second_PC.size(0) : 0,
       tied = std::move(tied)](const std::vector<at::Tensor>&, const at::Tensor& dy) {
        at::Tensor dtable;
        if (tied && tied->dw_VC.defined()) {
          add_rows(dy, index, tied->dw_VC, false);
          tied->dw_VC.reset();  // autograd takes a gradient that nobody else holds as it is, and copies others
        } else {
          dtable = embedding_backward(dy, index, tokens);
        }
        return std::vector<at::Tensor>{dtable, two ? embedding_backward(dy, second_index, positions) : at::Tensor()};
      });
}

}  // namespace athanor
