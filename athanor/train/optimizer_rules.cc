#include "athanor/train/optimizer_rules.h"

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/tensor/simd.h"

namespace athanor {

namespace {

using simd::kLanes;
using simd::UintVec;
using simd::Vec;

// The square root of x >= 0 within 2 ulp, 0 for 0: 1 / sqrt(x) from the exponent bits, three steps of Newton. (The
// compiler would make a vector of sqrtf only under a flag for the whole file.)
ATHANOR_INLINE Vec root(Vec x) {
  Vec y = reinterpret_cast<Vec>(0x5f3759df - (reinterpret_cast<simd::IntVec>(x) >> 1));
  const Vec half = x * 0.5f;
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  y = y * (1.5f - half * y * y);
  return x * y;
}

ATHANOR_INLINE Vec sign(Vec x) {
  return (x > 0.0f ? simd::splat(1) : simd::splat(0)) - (x < 0.0f ? simd::splat(1) : simd::splat(0));
}

// Sixteen random words, a function of the element's index and the update's number alone (Wellons' lowbias32).
ATHANOR_INLINE UintVec random_bits(uint64_t index, uint64_t rounding) {
  UintVec x = UintVec{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15} + static_cast<uint32_t>(index);
  x ^= static_cast<uint32_t>(rounding) ^ static_cast<uint32_t>(index >> 32) * 0x9e3779b9u;
  x ^= x >> 16;
  x *= 0x7feb352du;
  x ^= x >> 15;
  x *= 0x846ca68bu;
  return x ^ (x >> 16);
}

ATHANOR_INLINE void put(float* to, Vec value, UintVec) { simd::store(to, value); }
// Rounds down or up by chance, so that small changes are not lost on average: the bits below are added to by random
// ones and cut off. NaN stays one: such a sum may carry into the sign, and leave a zero.
ATHANOR_INLINE void put(c10::BFloat16* to, Vec value, UintVec random) {
  const UintVec given = reinterpret_cast<UintVec>(value);
  const UintVec bits = (given & 0x7fffffffu) > 0x7f800000u ? UintVec{} + 0x7fc00000u : given + (random & 0xffffu);
  const simd::HalfVec half = __builtin_convertvector(bits >> 16, simd::HalfVec);
  std::memcpy(static_cast<void*>(to), &half, sizeof half);
}

struct Lanes {
  Vec weight, grad, slot0, slot1;
};

struct AdamW {
  static constexpr int kSlots = 2;
  // a: 1 - beta1, b: beta2, c: 1 / sqrt(1 - beta2^t); step_size: lr / (1 - beta1^t)
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = x.slot0 + c.a * (x.grad - x.slot0);
    x.slot1 = c.b * x.slot1 + (1 - c.b) * x.grad * x.grad;
    x.weight = x.weight * c.keep - c.step_size * (x.slot0 / (root(x.slot1) * c.c + c.eps));
  }
};

struct Sgd {
  static constexpr int kSlots = 0;
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.weight = x.weight * c.keep - c.step_size * x.grad;
  }
};

struct Momentum {
  static constexpr int kSlots = 1;
  // a: momentum, b: 1 for nesterov, else 0
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = c.a * x.slot0 + x.grad;
    const Vec ahead = x.grad + c.a * x.slot0;
    x.weight = x.weight * c.keep - c.step_size * (c.b * ahead + (1 - c.b) * x.slot0);
  }
};

struct Adagrad {
  static constexpr int kSlots = 1;
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = x.slot0 + x.grad * x.grad;
    x.weight = x.weight * c.keep - c.step_size * (x.grad / (root(x.slot0) + c.eps));
  }
};

struct Adadelta {
  static constexpr int kSlots = 2;
  // a: rho
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = c.a * x.slot0 + (1 - c.a) * x.grad * x.grad;
    const Vec delta = root(x.slot1 + c.eps) / root(x.slot0 + c.eps) * x.grad;
    x.slot1 = c.a * x.slot1 + (1 - c.a) * delta * delta;
    x.weight = x.weight * c.keep - c.step_size * delta;
  }
};

struct RmsProp {
  static constexpr int kSlots = 1;
  // a: alpha
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = c.a * x.slot0 + (1 - c.a) * x.grad * x.grad;
    x.weight = x.weight * c.keep - c.step_size * (x.grad / (root(x.slot0) + c.eps));
  }
};

struct RmsPropMomentum {
  static constexpr int kSlots = 2;
  // a: alpha, b: momentum
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    x.slot0 = c.a * x.slot0 + (1 - c.a) * x.grad * x.grad;
    x.slot1 = c.b * x.slot1 + x.grad / (root(x.slot0) + c.eps);
    x.weight = x.weight * c.keep - c.step_size * x.slot1;
  }
};

struct Lion {
  static constexpr int kSlots = 1;
  // a: beta1, b: beta2
  ATHANOR_INLINE void update(Lanes& x, const UpdateCoefficients& c) {
    const Vec direction = sign(c.a * x.slot0 + (1 - c.a) * x.grad);
    x.slot0 = c.b * x.slot0 + (1 - c.b) * x.grad;
    x.weight = x.weight * c.keep - c.step_size * direction;
  }
};

template <class Rule, class State>
ATHANOR_INLINE void run_rule(const UpdateRun& run, const UpdateCoefficients& given) {
  const UpdateCoefficients c = given;
  auto* const slot0 = static_cast<State*>(run.slots[0]);
  auto* const slot1 = static_cast<State*>(run.slots[1]);
  for (int64_t i = 0; i < run.count; i += kLanes) {
    const int64_t rest = run.count - i;
    const bool whole = rest >= kLanes;
    Lanes x{};
    Vec grad;
    if (whole) {
      x.weight = simd::load(run.weight + i);
      grad = simd::load(run.grad + i);
      x.slot0 = Rule::kSlots > 0 ? simd::load(slot0 + i) : Vec{};
      x.slot1 = Rule::kSlots > 1 ? simd::load(slot1 + i) : Vec{};
    } else {
      x.weight = simd::load_part(run.weight + i, rest);
      grad = simd::load_part(run.grad + i, rest);
      x.slot0 = Rule::kSlots > 0 ? simd::load_part(slot0 + i, rest) : Vec{};
      x.slot1 = Rule::kSlots > 1 ? simd::load_part(slot1 + i, rest) : Vec{};
    }
    x.grad = grad * c.grad_scale + c.l2 * x.weight + c.l1 * sign(x.weight);
    Rule::update(x, c);
    const UintVec random = sizeof(State) == 2 ? random_bits(run.index + i, c.rounding) : UintVec{};
    if (whole) {
      simd::store(run.weight + i, x.weight);
      if (Rule::kSlots > 0) {
        put(slot0 + i, x.slot0, random);
      }
      if (Rule::kSlots > 1) {
        put(slot1 + i, x.slot1, random >> 16);
      }
      continue;
    }
    simd::store_part(run.weight + i, x.weight, rest);
    State tail[kLanes];
    if (Rule::kSlots > 0) {
      put(tail, x.slot0, random);
      std::memcpy(static_cast<void*>(slot0 + i), tail, rest * sizeof(State));
    }
    if (Rule::kSlots > 1) {
      put(tail, x.slot1, random >> 16);
      std::memcpy(static_cast<void*>(slot1 + i), tail, rest * sizeof(State));
    }
  }
}

ATHANOR_SIMD void round_span(const float* from, c10::BFloat16* to, int64_t count, uint64_t index, uint64_t rounding) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const UintVec random = random_bits(index + static_cast<uint64_t>(i), rounding);
    if (count - i >= kLanes) {
      put(to + i, simd::load(from + i), random);
      continue;
    }
    c10::BFloat16 tail[kLanes];
    put(tail, simd::load_part(from + i, count - i), random);
    std::memcpy(static_cast<void*>(to + i), tail, static_cast<size_t>(count - i) * sizeof(c10::BFloat16));
  }
}

// One plain function a rule and a type of state: what ATHANOR_SIMD can compile for each instruction set.
#define ATHANOR_RULE(rule)                                                                    \
  ATHANOR_SIMD void rule##_fp32(const UpdateRun& run, const UpdateCoefficients& c) {          \
    run_rule<rule, float>(run, c);                                                            \
  }                                                                                           \
  ATHANOR_SIMD void rule##_bf16(const UpdateRun& run, const UpdateCoefficients& c) {          \
    run_rule<rule, c10::BFloat16>(run, c);                                                    \
  }
ATHANOR_RULE(AdamW)
ATHANOR_RULE(Sgd)
ATHANOR_RULE(Momentum)
ATHANOR_RULE(Adagrad)
ATHANOR_RULE(Adadelta)
ATHANOR_RULE(RmsProp)
ATHANOR_RULE(RmsPropMomentum)
ATHANOR_RULE(Lion)
#undef ATHANOR_RULE

UpdateCoefficients common(const OptimizerOptions& o, double lr) {
  UpdateCoefficients c;
  c.step_size = static_cast<float>(lr);
  c.eps = static_cast<float>(o.eps);
  return c;
}

UpdateCoefficients adamw_coefficients(const OptimizerOptions& o, double lr, double t) {
  UpdateCoefficients c = common(o, lr);
  c.a = static_cast<float>(1 - o.beta1);
  c.b = static_cast<float>(o.beta2);
  c.c = static_cast<float>(1 / std::sqrt(1 - std::pow(o.beta2, t)));
  c.step_size = static_cast<float>(lr / (1 - std::pow(o.beta1, t)));
  return c;
}

UpdateCoefficients momentum_coefficients(const OptimizerOptions& o, double lr, double) {
  UpdateCoefficients c = common(o, lr);
  c.a = static_cast<float>(o.momentum);
  c.b = o.nesterov ? 1 : 0;
  return c;
}

UpdateCoefficients plain_coefficients(const OptimizerOptions& o, double lr, double) { return common(o, lr); }

UpdateCoefficients smoothing_coefficients(const OptimizerOptions& o, double lr, double) {
  UpdateCoefficients c = common(o, lr);
  c.a = static_cast<float>(o.smoothing);
  c.b = static_cast<float>(o.momentum);
  return c;
}

UpdateCoefficients lion_coefficients(const OptimizerOptions& o, double lr, double) {
  UpdateCoefficients c = common(o, lr);
  c.a = static_cast<float>(o.beta1);
  c.b = static_cast<float>(o.beta2);
  return c;
}

}  // namespace

void round_by_chance(const float* from, c10::BFloat16* to, int64_t count, uint64_t index, uint64_t rounding) {
  round_span(from, to, count, index, rounding);
}

OptimizerOptions with_defaults(OptimizerOptions o) {
  const bool decoupled = o.name == "adamw" || o.name == "lion" || o.name == "muon";
  o.weight_decay = o.weight_decay >= 0 ? o.weight_decay : decoupled ? 0.1 : 0;
  o.eps = o.eps > 0 ? o.eps : o.name == "adagrad" ? 1e-10 : o.name == "adadelta" ? 1e-6 : 1e-8;
  o.momentum = o.momentum >= 0 ? o.momentum : o.name == "sgd" ? 0.9 : o.name == "muon" ? 0.95 : 0;
  o.smoothing = o.smoothing > 0 ? o.smoothing : o.name == "adadelta" ? 0.9 : 0.99;
  return o;
}

OptimizerRule optimizer_rule(const OptimizerOptions& options) {
  const std::string& name = options.name;
  if (name == "adamw" || name == "adam" || name == "muon") {
    return {name, {"exp_avg", "exp_avg_sq"}, adamw_coefficients, AdamW_fp32, AdamW_bf16, ATHANOR_ADAMW};
  }
  if (name == "sgd" && options.momentum == 0) {
    return {name, {}, plain_coefficients, Sgd_fp32, Sgd_bf16, ATHANOR_SGD};
  }
  if (name == "sgd") {
    return {name, {"momentum_buffer"}, momentum_coefficients, Momentum_fp32, Momentum_bf16, ATHANOR_MOMENTUM};
  }
  if (name == "adagrad") {
    return {name, {"sum"}, plain_coefficients, Adagrad_fp32, Adagrad_bf16, ATHANOR_ADAGRAD};
  }
  if (name == "adadelta") {
    return {name, {"square_avg", "acc_delta"}, smoothing_coefficients, Adadelta_fp32, Adadelta_bf16, ATHANOR_ADADELTA};
  }
  if (name == "rmsprop" && options.momentum == 0) {
    return {name, {"square_avg"}, smoothing_coefficients, RmsProp_fp32, RmsProp_bf16, ATHANOR_RMSPROP};
  }
  if (name == "rmsprop") {
    return {name, {"square_avg", "momentum_buffer"}, smoothing_coefficients, RmsPropMomentum_fp32,
            RmsPropMomentum_bf16, ATHANOR_RMSPROP_MOMENTUM};
  }
  if (name == "lion") {
    return {name, {"exp_avg"}, lion_coefficients, Lion_fp32, Lion_bf16, ATHANOR_LION};
  }
  throw Error(ErrorKind::kUsage, "there is no optimiser '" + name + "'", "optimizer.name",
              "use adamw, adam, sgd, adagrad, adadelta, rmsprop, lion or muon");
}

}  // namespace athanor
