// The optimisers' updates on a GPU, element by element: the rules of train/optimizer_rules.h in plain scalar arithmetic, which
// the host's vectors contract and round otherwise in the last bit. State in bf16 is rounded up or down by the host's own random
// bits. As rows.h: no CUDA and no torch header.
#pragma once

#include <cstring>

#include "athanor/tensor/cuda/kernels.h"
#include "athanor/tensor/cuda/rows.h"

namespace athanor::cuda {

ATHANOR_DEVICE uint32_t bits_of(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

ATHANOR_DEVICE float of_bits(uint32_t bits) {
  float x = 0;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// A function of the element's place over all parameters and the update's number alone. The host draws sixteen at a time from
// the place of the first, counted from where the parameter begins: so the high word is that one's.
ATHANOR_DEVICE uint32_t random_bits(uint64_t index, int64_t i, uint64_t rounding) {
  const uint64_t first = index + static_cast<uint64_t>(i & ~int64_t{15});
  uint32_t x = static_cast<uint32_t>(first) + static_cast<uint32_t>(i & 15);
  x ^= static_cast<uint32_t>(rounding) ^ static_cast<uint32_t>(first >> 32) * 0x9e3779b9u;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

// bf16 is held as its bits.
ATHANOR_DEVICE float state_at(const float* slot, int64_t i) { return slot == nullptr ? 0.0f : slot[i]; }
ATHANOR_DEVICE float state_at(const uint16_t* slot, int64_t i) {
  return slot == nullptr ? 0.0f : of_bits(static_cast<uint32_t>(slot[i]) << 16);
}
ATHANOR_DEVICE void put_state(float* slot, int64_t i, float value, uint32_t) {
  if (slot != nullptr) {
    slot[i] = value;
  }
}
ATHANOR_DEVICE void put_state(uint16_t* slot, int64_t i, float value, uint32_t random) {
  if (slot != nullptr) {
    const uint32_t bits = bits_of(value);
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;  // adding to one may carry into the sign, and leave a zero
    slot[i] = static_cast<uint16_t>(nan ? 0x7fc0u : (bits + (random & 0xffffu)) >> 16);
  }
}

ATHANOR_DEVICE float sign_of(float x) { return static_cast<float>(x > 0) - static_cast<float>(x < 0); }

// What the weight goes against, to be multiplied by the step size; m and v are the slots' values, which it changes.
ATHANOR_DEVICE float direction(int rule, const AthanorUpdate& c, float g, float& m, float& v) {
  switch (rule) {
    case ATHANOR_ADAMW:
      m += c.a * (g - m);
      v = c.b * v + (1.0f - c.b) * g * g;
      return m / (std::sqrt(v) * c.c + c.eps);
    case ATHANOR_MOMENTUM:
      m = c.a * m + g;
      return c.b * (g + c.a * m) + (1.0f - c.b) * m;
    case ATHANOR_ADAGRAD:
      m += g * g;
      return g / (std::sqrt(m) + c.eps);
    case ATHANOR_ADADELTA: {
      m = c.a * m + (1.0f - c.a) * g * g;
      const float delta = std::sqrt(v + c.eps) / std::sqrt(m + c.eps) * g;
      v = c.a * v + (1.0f - c.a) * delta * delta;
      return delta;
    }
    case ATHANOR_RMSPROP:
      m = c.a * m + (1.0f - c.a) * g * g;
      return g / (std::sqrt(m) + c.eps);
    case ATHANOR_RMSPROP_MOMENTUM:
      m = c.a * m + (1.0f - c.a) * g * g;
      v = c.b * v + g / (std::sqrt(m) + c.eps);
      return v;
    case ATHANOR_LION: {
      const float sign = sign_of(c.a * m + (1.0f - c.a) * g);
      m = c.b * m + (1.0f - c.b) * g;
      return sign;
    }
    default:  // ATHANOR_SGD
      return g;
  }
}

// State: float, or uint16_t for bf16.
template <class State>
ATHANOR_DEVICE void update_element(int rule, const AthanorUpdate& c, const AthanorParameter& p, int64_t i) {
  auto* const slot0 = static_cast<State*>(p.slots[0]);
  auto* const slot1 = static_cast<State*>(p.slots[1]);
  const float weight = p.weight[i];
  const float g = p.grad[i] * c.grad_scale + c.l2 * weight + c.l1 * sign_of(weight);
  float m = state_at(slot0, i);
  float v = state_at(slot1, i);
  p.weight[i] = weight * c.keep - c.step_size * direction(rule, c, g, m, v);
  const uint32_t random = sizeof(State) == 2 ? random_bits(p.index, i, c.rounding) : 0;
  put_state(slot0, i, m, random);
  put_state(slot1, i, v, random >> 16);
}

}  // namespace athanor::cuda
