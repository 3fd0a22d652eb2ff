// Runs every kernel of athanor/tensor/cuda on a GPU against the same arithmetic on the host. Built and run by compile.py
// where there are nvcc and a GPU. Prints the largest difference of each; exit 1 when one is out of bounds.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "athanor/tensor/cuda/kernels.h"
#include "athanor/tensor/cuda/rows.h"

namespace {

using namespace athanor::cuda;

struct OneLane {
  ATHANOR_DEVICE int index() const { return 0; }
  ATHANOR_DEVICE int count() const { return 1; }
  ATHANOR_DEVICE void meet() const {}
  ATHANOR_DEVICE float sum(float x) const { return x; }
  ATHANOR_DEVICE float max(float x) const { return x; }
};

void check(cudaError_t code, const char* what) {
  if (code != cudaSuccess) {
    std::printf("%s: %s\n", what, cudaGetErrorString(code));
    std::exit(1);
  }
}

// An array on the GPU.
template <class T>
class Device {
 public:
  explicit Device(size_t count) : count_(count) { check(cudaMalloc(&data_, count * sizeof(T)), "cudaMalloc"); }
  explicit Device(const std::vector<T>& host) : Device(host.size()) {
    check(cudaMemcpy(data_, host.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "copy to the GPU");
  }
  ~Device() { cudaFree(data_); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  T* get() const { return data_; }
  std::vector<T> host() const {
    std::vector<T> out(count_);
    check(cudaMemcpy(out.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "copy from the GPU");
    return out;
  }

 private:
  T* data_ = nullptr;
  size_t count_;
};

std::vector<float> numbers(size_t count, uint64_t seed) {
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(static_cast<double>(mix64(seed * 1000003 + i) >> 11) * 0x1p-53 * 4 - 2);
  }
  return out;
}

bool all_near = true;

void compare(const char* what, const std::vector<float>& a, const std::vector<float>& b, double bound) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::fmax(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
  }
  const bool near = worst <= bound;
  all_near = all_near && near;
  std::printf("%-24s %.3g (bound %.3g)%s\n", what, worst, bound, near ? "" : "  FAILED");
}

constexpr int64_t kRows = 301;
constexpr int64_t kFeatures = 771;

void norms() {
  const auto x = numbers(kRows * kFeatures, 1), weight = numbers(kFeatures, 2), bias = numbers(kFeatures, 3);
  const auto dy = numbers(kRows * kFeatures, 4);
  const Device<float> dx_x(x), dev_weight(weight), dev_bias(bias), dev_dy(dy);
  for (const bool centred : {false, true}) {
    const NormShape shape{kFeatures, 1e-5f, centred, 0};
    Device<float> y(x.size()), mean(kRows), rstd(kRows), dx(x.size()), dweight(kFeatures), dbias(kFeatures);
    const Device<float> partial(athanor_cuda_norm_partials(kRows) * 2 * kFeatures);
    check(static_cast<cudaError_t>(athanor_cuda_norm(nullptr, kRows, kFeatures, 1e-5f, centred, 0, dx_x.get(), nullptr,
                                                     nullptr, dev_weight.get(), centred ? dev_bias.get() : nullptr,
                                                     ATHANOR_FP32, y.get(), mean.get(), rstd.get())),
          "norm");
    check(static_cast<cudaError_t>(athanor_cuda_norm_backward(
              nullptr, kRows, kFeatures, centred, 0, ATHANOR_FP32, dev_dy.get(), dx_x.get(), dev_weight.get(),
              mean.get(), rstd.get(), nullptr, dx.get(), dweight.get(), dbias.get(), partial.get())),
          "norm backward");
    std::vector<float> hy(x.size()), hmean(kRows), hrstd(kRows), hdx(x.size()), hdw(kFeatures), hdb(kFeatures);
    for (int64_t n = 0; n < kRows; ++n) {
      const int64_t at = n * kFeatures;
      norm_row(OneLane{}, shape, x.data() + at, nullptr, nullptr, weight.data(), centred ? bias.data() : nullptr,
               hy.data() + at, hmean.data() + n, hrstd.data() + n);
      norm_backward_row(OneLane{}, shape, dy.data() + at, x.data() + at, hmean[n], hrstd[n], weight.data(), nullptr,
                        hdx.data() + at);
    }
    for (int64_t c = 0; c < kFeatures; ++c) {
      norm_backward_weight(c, kFeatures, 0, kRows, dy.data(), x.data(), hmean.data(), hrstd.data(), &hdw[c], &hdb[c]);
    }
    compare(centred ? "layer norm" : "rms norm", y.host(), hy, 1e-4);
    compare("  its dx", dx.host(), hdx, 1e-4);
    compare("  its dweight", dweight.host(), hdw, 1e-2);
  }
}

void activations() {
  const int64_t inner = 333;
  for (int kind = 0; kind < 5; ++kind) {
    const int64_t width = is_gated(static_cast<Gate>(kind)) ? 2 * inner : inner;
    const auto u = numbers(kRows * width, 5), bias = numbers(width, 6), dy = numbers(kRows * inner, 7);
    const Device<float> dev_u(u), dev_bias(bias), dev_dy(dy);
    Device<float> y(kRows * inner), du(u.size());
    check(static_cast<cudaError_t>(athanor_cuda_activation(nullptr, kind, kRows, inner, ATHANOR_FP32, dev_u.get(),
                                                           dev_bias.get(), y.get())), "activation");
    check(static_cast<cudaError_t>(athanor_cuda_activation_backward(nullptr, kind, kRows, inner, ATHANOR_FP32, dev_dy.get(),
                                                                    dev_u.get(), dev_bias.get(), du.get(), nullptr)),
          "activation backward");
    std::vector<float> hy(kRows * inner), hdu(u.size());
    for (int64_t n = 0; n < kRows; ++n) {
      for (int64_t i = 0; i < inner; ++i) {
        activation_element(static_cast<Gate>(kind), i, inner, u.data() + n * width, bias.data(), hy.data() + n * inner);
        activation_backward_element(static_cast<Gate>(kind), i, inner, dy.data() + n * inner, u.data() + n * width,
                                    bias.data(), hdu.data() + n * width, static_cast<float*>(nullptr));
      }
    }
    compare("activation", y.host(), hy, 1e-4);
    compare("  its du", du.host(), hdu, 1e-4);
  }
}

void cross_entropy() {
  const int64_t vocab = 5003;
  const auto logits = numbers(kRows * vocab, 8);
  std::vector<int64_t> target(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    target[n] = n == 3 ? -1 : static_cast<int64_t>(mix64(n) % vocab);
  }
  const Device<float> dev_logits(logits);
  const Device<int64_t> dev_target(target);
  Device<float> loss(kRows);
  check(static_cast<cudaError_t>(athanor_cuda_cross_entropy(nullptr, kRows, vocab, dev_target.get(), 0.1f, 1.0f, 1,
                                                            ATHANOR_FP32, dev_logits.get(), loss.get())), "cross-entropy");
  std::vector<float> mine = logits, hloss(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    cross_entropy_row(OneLane{}, vocab, target[n], 0.1f, 1.0f, true, mine.data() + n * vocab, &hloss[n]);
  }
  compare("cross-entropy", loss.host(), hloss, 1e-4);
  compare("  its gradient", dev_logits.host(), mine, 1e-6);
}

void rope_and_dropout() {
  const int64_t half = 32, heads = 3, width = heads * 2 * half + 10;
  const auto x = numbers(kRows * width, 9), cosine = numbers(64 * half, 10), sine = numbers(64 * half, 11);
  std::vector<int64_t> position(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    position[n] = n % 64;
  }
  const Device<float> dev_x(x), dev_cos(cosine), dev_sin(sine);
  const Device<int64_t> dev_position(position);
  check(static_cast<cudaError_t>(athanor_cuda_rope(nullptr, kRows, width, heads, 2 * half, dev_cos.get(), dev_sin.get(),
                                                   dev_position.get(), 0, ATHANOR_FP32, dev_x.get())), "rope");
  std::vector<float> mine = x;
  for (int64_t n = 0; n < kRows; ++n) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < half; ++i) {
        rope_element(i, half, cosine.data() + position[n] * half, sine.data() + position[n] * half, false,
                     mine.data() + n * width + h * 2 * half);
      }
    }
  }
  compare("rope", dev_x.host(), mine, 1e-5);

  const auto residual = numbers(x.size(), 12);
  const Device<float> dev_in(x), dev_residual(residual);
  Device<float> sum(x.size());
  check(static_cast<cudaError_t>(athanor_cuda_dropout(nullptr, static_cast<int64_t>(x.size()), 5, 1u << 30, 1.25f,
                                                      ATHANOR_FP32, dev_in.get(), dev_residual.get(), sum.get(), nullptr)),
        "dropout");
  std::vector<float> hsum(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    dropout_element(static_cast<int64_t>(i), 5, 1u << 30, 1.25f, x.data(), residual.data(), hsum.data(),
                    static_cast<float*>(nullptr));
  }
  compare("dropout", sum.host(), hsum, 1e-6);
}

void embedding() {
  const int64_t vocab = 50, tokens = 400;
  const auto dy = numbers(tokens * kFeatures, 13);
  std::vector<int64_t> order, first;
  for (int64_t row = 0; row < vocab; ++row) {
    first.push_back(static_cast<int64_t>(order.size()));
    for (int64_t n = 0; n < tokens; ++n) {
      if (static_cast<int64_t>(mix64(n) % vocab) == row) {
        order.push_back(n);
      }
    }
  }
  first.push_back(static_cast<int64_t>(order.size()));
  const Device<float> dev_dy(dy);
  const Device<int64_t> dev_order(order), dev_first(first);
  const Device<float> table(std::vector<float>(vocab * kFeatures, 0.0f));
  check(static_cast<cudaError_t>(athanor_cuda_embedding_backward(nullptr, vocab, kFeatures, dev_order.get(), dev_first.get(),
                                                                 ATHANOR_FP32, dev_dy.get(), table.get())), "embedding");
  std::vector<float> mine(vocab * kFeatures, 0.0f);
  for (int64_t row = 0; row < vocab; ++row) {
    for (int64_t c = 0; c < kFeatures; ++c) {
      embedding_backward_element(c, kFeatures, order.data(), first[row], first[row + 1], dy.data(),
                                 mine.data() + row * kFeatures);
    }
  }
  compare("embedding backward", table.host(), mine, 1e-4);
}

void optimiser() {
  const size_t count = 100003;
  auto weight = numbers(count, 14), m = numbers(count, 15), v = numbers(count, 16);
  const auto grad = numbers(count, 17);
  for (float& value : v) {
    value = std::fabs(value);
  }
  const Device<float> dw(weight), dg(grad), dm(m), dv(v);
  const Device<float*> weights(std::vector<float*>{dw.get()}), ms(std::vector<float*>{dm.get()}),
      vs(std::vector<float*>{dv.get()});
  const Device<const float*> grads(std::vector<const float*>{dg.get()});
  const Device<int64_t> sizes(std::vector<int64_t>{static_cast<int64_t>(count)});
  const float constants[7] = {0.5f, 0.999f, 1e-2f, 0.1f, 0.95f, 1.5f, 1e-8f};
  check(static_cast<cudaError_t>(athanor_cuda_adamw(nullptr, 1, weights.get(), grads.get(), ms.get(), vs.get(), sizes.get(),
                                                    static_cast<int64_t>(count), constants)), "adamw");
  const AdamwStep step{constants[0], constants[1], constants[2], constants[3], constants[4], constants[5], constants[6]};
  double squares = 0;
  for (size_t i = 0; i < count; ++i) {
    adamw_element(step, static_cast<int64_t>(i), weight.data(), grad.data(), m.data(), v.data());
    squares += static_cast<double>(grad[i]) * grad[i];
  }
  compare("adamw", dw.host(), weight, 1e-5);
  const Device<float> partial(1024), total(1);
  check(static_cast<cudaError_t>(athanor_cuda_sum_of_squares(nullptr, static_cast<int64_t>(count), dg.get(), partial.get(),
                                                             total.get())), "sum of squares");
  compare("sum of squares", {static_cast<float>(total.host()[0] / squares)}, {1.0f}, 1e-5);
}

}  // namespace

int main() {
  norms();
  activations();
  cross_entropy();
  rope_and_dropout();
  embedding();
  optimiser();
  check(cudaDeviceSynchronize(), "the end");
  return all_near ? 0 : 1;
}
