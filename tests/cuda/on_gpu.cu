// Runs every kernel of athanor/tensor/cuda on a GPU against the same arithmetic on the host. Built and run by compile.py
// where there are nvcc and a GPU. Prints the largest difference of each; exit 1 when one is out of bounds.
#include <cuda_runtime.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "athanor/tensor/cuda/kernels.h"
#include "athanor/tensor/cuda/rows.h"
#include "athanor/tensor/cuda/update.h"

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

constexpr int64_t kElements = 100003;

// An update of two parameters, the second of one element, on the GPU and here. State: float, or uint16_t for bf16.
template <class State>
void optimiser(int rule, const char* name) {
  const auto weight = numbers(kElements, 14), grad = numbers(kElements, 17);
  std::vector<State> m(kElements), v(kElements);
  for (int64_t i = 0; i < kElements; ++i) {
    put_state(m.data(), i, std::fabs(weight[(i + 5) % kElements]), 0);
    put_state(v.data(), i, std::fabs(grad[(i + 3) % kElements]), 0);
  }
  std::vector<float> hw = weight, hg = grad;
  const Device<float> dw(weight), dg(grad);
  const Device<State> dm(m), dv(v);
  const AthanorUpdate step{0.5f, 0.999f, 0.01f, 0.001f, 1e-2f, 1e-3f, 0.1f, 0.95f, 1.5f, 12345};
  const auto table = [](float* w, const float* g, State* a, State* b) {
    return std::vector<AthanorParameter>{{w, g, {a, b}, kElements - 1, 7},
                                         {w + kElements - 1, g + kElements - 1, {a + kElements - 1, b + kElements - 1}, 1, 99}};
  };
  const Device<AthanorParameter> there(table(dw.get(), dg.get(), dm.get(), dv.get()));
  const int state = sizeof(State) == 2 ? ATHANOR_BF16 : ATHANOR_FP32;
  check(static_cast<cudaError_t>(athanor_cuda_update(nullptr, rule, state, 2, there.get(), kElements - 1, &step)), name);
  for (const AthanorParameter& parameter : table(hw.data(), hg.data(), m.data(), v.data())) {
    for (int64_t i = 0; i < parameter.size; ++i) {
      update_element<State>(rule, step, parameter, i);
    }
  }
  compare(name, dw.host(), hw, 1e-4);
  const std::vector<State> got_m = dm.host(), got_v = dv.host();
  std::vector<float> share{0};
  for (int64_t i = 0; i < kElements; ++i) {  // a last bit of fp32 may round the other way
    const bool same = std::fabs(state_at(got_m.data(), i) - state_at(m.data(), i)) <= 1e-5f &&
                      std::fabs(state_at(got_v.data(), i) - state_at(v.data(), i)) <= 1e-5f;
    share[0] += same ? 0.0f : 1.0f / kElements;
  }
  compare("  share of other state", share, {0.0f}, 1e-3);
}

void optimisers() {
  const char* const names[] = {"adamw", "sgd", "momentum", "adagrad", "adadelta", "rmsprop", "rmsprop with momentum", "lion"};
  for (int rule = ATHANOR_ADAMW; rule <= ATHANOR_LION; ++rule) {
    optimiser<float>(rule, names[rule]);
    optimiser<uint16_t>(rule, names[rule]);
  }
  const auto values = numbers(kElements, 18);
  const Device<float> from(values);
  const Device<uint16_t> to(static_cast<size_t>(kElements));
  check(static_cast<cudaError_t>(athanor_cuda_round_by_chance(nullptr, kElements, 3, 4, from.get(), to.get())), "rounding");
  std::vector<float> got, wanted;
  const std::vector<uint16_t> bits = to.host();
  for (int64_t i = 0; i < kElements; ++i) {
    uint16_t rounded = 0;
    put_state(&rounded, 0, values[i], random_bits(3, i, 4));
    got.push_back(state_at(bits.data(), i));
    wanted.push_back(state_at(&rounded, 0));
  }
  compare("rounding by chance", got, wanted, 0);
}

void sum_of_squares() {
  const auto values = numbers(kElements, 17);
  double squares = 0;
  for (const float value : values) {
    squares += static_cast<double>(value) * value;
  }
  const Device<float> there(values), partial(1024), total(1);
  check(static_cast<cudaError_t>(athanor_cuda_sum_of_squares(nullptr, kElements, there.get(), partial.get(), total.get())),
        "sum of squares");
  compare("sum of squares", {static_cast<float>(total.host()[0] / squares)}, {1.0f}, 1e-5);
}

}  // namespace

int main() {
  norms();
  activations();
  cross_entropy();
  rope_and_dropout();
  embedding();
  optimisers();
  sum_of_squares();
  check(cudaDeviceSynchronize(), "the end");
  return all_near ? 0 : 1;
}
