// The optimisers' updates on a GPU, and the sum of squares, against the host; a part of on_gpu.cu's program.
#include "athanor/tensor/cuda/update.h"
#include "tests/cuda/testing.h"

namespace testing_cuda {
namespace {

using namespace athanor::cuda;

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
  check(athanor_cuda_update(nullptr, rule, state, 2, there.get(), kElements - 1, &step), name);
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
  compare<float>("  share of other state", share, {0.0f}, 1e-3);
}

void rules() {
  const char* const names[] = {"adamw", "sgd", "momentum", "adagrad", "adadelta", "rmsprop", "rmsprop with momentum", "lion"};
  for (int rule = ATHANOR_ADAMW; rule <= ATHANOR_LION; ++rule) {
    optimiser<float>(rule, names[rule]);
    optimiser<uint16_t>(rule, names[rule]);
  }
}

void rounding() {
  auto values = numbers(kElements, 18);
  values[5] = values[77] = NAN;  // it stays one: compared below by its bits
  const Device<float> from(values);
  const Device<uint16_t> to(static_cast<size_t>(kElements));
  check(athanor_cuda_round_by_chance(nullptr, kElements, 3, 4, from.get(), to.get()), "rounding");
  std::vector<float> got, wanted;
  for (const uint16_t bits : to.host()) {
    got.push_back(bits);
  }
  for (int64_t i = 0; i < kElements; ++i) {
    uint16_t rounded = 0;
    put_state(&rounded, 0, values[i], random_bits(3, i, 4));
    wanted.push_back(rounded);
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
  check(athanor_cuda_sum_of_squares(nullptr, kElements, there.get(), partial.get(), total.get()), "sum of squares");
  compare<float>("sum of squares", {static_cast<float>(total.host()[0] / squares)}, {1.0f}, 1e-5);
}

}  // namespace

void optimisers() {
  rules();
  rounding();
  sum_of_squares();
}

}  // namespace testing_cuda
