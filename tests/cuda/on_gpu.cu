// Runs every kernel of athanor/tensor/cuda on a GPU against the same arithmetic on the host, in every storage type. Built and run
// by compile.py where there are nvcc and a GPU. Prints the largest difference of each; exit 1 when an element is out of bounds.
#include "tests/cuda/testing.h"

namespace testing_cuda {
namespace {

using namespace athanor::cuda;

constexpr int64_t kRows = 301;
constexpr int64_t kFeatures = 771;

template <class T>
void norms() {
  constexpr int kCode = Storage<T>::kCode;
  const auto x = numbers(kRows * kFeatures, 1), weight = numbers(kFeatures, 2), bias = numbers(kFeatures, 3);
  const auto dy = numbers<T>(kRows * kFeatures, 4);
  const Device<float> dev_x(x), dev_weight(weight), dev_bias(bias);
  const Device<T> dev_dy(dy);
  for (const bool centred : {false, true}) {
    const NormShape shape{kFeatures, 1e-5f, centred, 0};
    Device<T> y(x.size());
    Device<float> mean(kRows), rstd(kRows), dx(x.size()), dweight(kFeatures), dbias(kFeatures);
    float* const dev_mean = centred ? mean.get() : nullptr;
    const Device<float> partial(athanor_cuda_norm_partials(kRows) * 2 * kFeatures);
    check(athanor_cuda_norm(nullptr, kRows, kFeatures, 1e-5f, centred, 0, dev_x.get(), nullptr, nullptr, dev_weight.get(),
                            centred ? dev_bias.get() : nullptr, kCode, y.get(), dev_mean, rstd.get()), "norm");
    check(athanor_cuda_norm_backward(nullptr, kRows, kFeatures, centred, 0, kCode, dev_dy.get(), dev_x.get(), dev_weight.get(),
                                     dev_mean, rstd.get(), nullptr, dx.get(), dweight.get(), centred ? dbias.get() : nullptr,
                                     partial.get()), "norm backward");
    std::vector<T> hy(x.size());
    std::vector<float> hmean(kRows), hrstd(kRows), hdx(x.size()), hdw(kFeatures), hdb(kFeatures);
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
    if (centred) {
      compare("  its dbias", dbias.host(), hdb, 1e-2);
    }
  }
}

template <class T>
void activations() {
  constexpr int kCode = Storage<T>::kCode;
  const int64_t inner = 333;
  for (int kind = 0; kind < 5; ++kind) {
    const int64_t width = is_gated(static_cast<Gate>(kind)) ? 2 * inner : inner;
    const auto u = numbers<T>(kRows * width, 5), dy = numbers<T>(kRows * inner, 7);
    const auto bias = numbers(width, 6);
    const Device<T> dev_u(u), dev_dy(dy);
    const Device<float> dev_bias(bias);
    Device<T> y(kRows * inner), again(kRows * inner), du(u.size());
    check(athanor_cuda_activation(nullptr, kind, kRows, inner, kCode, dev_u.get(), dev_bias.get(), y.get()), "activation");
    check(athanor_cuda_activation_backward(nullptr, kind, kRows, inner, kCode, dev_dy.get(), dev_u.get(), dev_bias.get(), du.get(),
                                           again.get()), "activation backward");
    std::vector<T> hy(kRows * inner), hdu(u.size());
    for (int64_t n = 0; n < kRows; ++n) {
      for (int64_t i = 0; i < inner; ++i) {
        activation_element(static_cast<Gate>(kind), i, inner, u.data() + n * width, bias.data(), hy.data() + n * inner);
        activation_backward_element(static_cast<Gate>(kind), i, inner, dy.data() + n * inner, u.data() + n * width,
                                    bias.data(), hdu.data() + n * width, static_cast<T*>(nullptr));
      }
    }
    compare("activation", y.host(), hy, 1e-4);
    compare("  once more", again.host(), hy, 1e-4);
    compare("  its du", du.host(), hdu, 1e-4);
  }
}

template <class T>
void cross_entropy() {
  const int64_t vocab = 5003;
  const auto logits = numbers<T>(kRows * vocab, 8);
  std::vector<int64_t> target(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    target[n] = n == 3 ? -1 : static_cast<int64_t>(mix64(n) % vocab);
  }
  const Device<T> dev_logits(logits);
  const Device<int64_t> dev_target(target);
  Device<float> loss(kRows);
  check(athanor_cuda_cross_entropy(nullptr, kRows, vocab, dev_target.get(), 0.1f, 1.0f, 1, Storage<T>::kCode, dev_logits.get(),
                                   loss.get()), "cross-entropy");
  std::vector<T> mine = logits;
  std::vector<float> hloss(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    cross_entropy_row(OneLane{}, vocab, target[n], 0.1f, 1.0f, true, mine.data() + n * vocab, &hloss[n]);
  }
  compare("cross-entropy", loss.host(), hloss, 1e-4);
  compare("  its gradient", dev_logits.host(), mine, 1e-6);
}

template <class T>
void rope() {
  const int64_t half = 32, heads = 3, width = heads * 2 * half + 10;
  const auto x = numbers<T>(kRows * width, 9);
  const auto cosine = numbers(64 * half, 10), sine = numbers(64 * half, 11);
  std::vector<int64_t> position(kRows);
  for (int64_t n = 0; n < kRows; ++n) {
    position[n] = n % 64;
  }
  const Device<T> dev_x(x);
  const Device<float> dev_cos(cosine), dev_sin(sine);
  const Device<int64_t> dev_position(position);
  check(athanor_cuda_rope(nullptr, kRows, width, heads, 2 * half, dev_cos.get(), dev_sin.get(), dev_position.get(), 0,
                          Storage<T>::kCode, dev_x.get()), "rope");
  std::vector<T> mine = x;
  for (int64_t n = 0; n < kRows; ++n) {
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < half; ++i) {
        rope_element(i, half, cosine.data() + position[n] * half, sine.data() + position[n] * half, false,
                     mine.data() + n * width + h * 2 * half);
      }
    }
  }
  compare("rope", dev_x.host(), mine, 1e-5);
}

template <class T>
void dropout() {
  constexpr int64_t kCount = 61301;
  const auto x = numbers<T>(kCount, 9);
  const auto residual = numbers(kCount, 12);
  const Device<T> dev_x(x);
  const Device<float> dev_residual(residual);
  Device<float> sum(kCount);
  Device<T> alone(kCount);
  check(athanor_cuda_dropout(nullptr, kCount, 5, 1u << 30, 1.25f, Storage<T>::kCode, dev_x.get(), dev_residual.get(), sum.get(),
                             nullptr), "dropout");
  check(athanor_cuda_dropout(nullptr, kCount, 5, 1u << 30, 1.25f, Storage<T>::kCode, dev_x.get(), nullptr, nullptr, alone.get()),
        "dropout alone");
  std::vector<float> hsum(kCount);
  std::vector<T> halone(kCount);
  for (int64_t i = 0; i < kCount; ++i) {
    dropout_element(i, 5, 1u << 30, 1.25f, x.data(), residual.data(), hsum.data(), static_cast<T*>(nullptr));
    dropout_element(i, 5, 1u << 30, 1.25f, x.data(), nullptr, nullptr, halone.data());
  }
  compare("dropout, with residual", sum.host(), hsum, 1e-6);
  compare("dropout", alone.host(), halone, 1e-6);
}

template <class T>
void embedding() {
  const int64_t vocab = 50, tokens = 400;
  const auto dy = numbers<T>(tokens * kFeatures, 13);
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
  const Device<T> dev_dy(dy);
  const Device<int64_t> dev_order(order), dev_first(first);
  const Device<float> table(std::vector<float>(vocab * kFeatures, 0.0f));
  check(athanor_cuda_embedding_backward(nullptr, vocab, kFeatures, dev_order.get(), dev_first.get(), Storage<T>::kCode,
                                        dev_dy.get(), table.get()), "embedding");
  std::vector<float> mine(vocab * kFeatures, 0.0f);
  for (int64_t row = 0; row < vocab; ++row) {
    for (int64_t c = 0; c < kFeatures; ++c) {
      embedding_backward_element(c, kFeatures, order.data(), first[row], first[row + 1], dy.data(),
                                 mine.data() + row * kFeatures);
    }
  }
  compare("embedding backward", table.host(), mine, 1e-4);
}

template <class T>
void rows() {
  norms<T>();
  activations<T>();
  cross_entropy<T>();
  rope<T>();
  dropout<T>();
  embedding<T>();
}

}  // namespace
}  // namespace testing_cuda

int main() {
  testing_cuda::rows<float>();
  testing_cuda::rows<__nv_bfloat16>();
  testing_cuda::rows<__half>();
  testing_cuda::optimisers();
  testing_cuda::check(cudaDeviceSynchronize(), "the end");
  return testing_cuda::all_near ? 0 : 1;
}
