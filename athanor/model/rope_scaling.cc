#include "athanor/model/rope_scaling.h"

#include <numbers>

#include "athanor/tensor/rope.h"

namespace athanor {
namespace {

float llama3_frequency(float frequency, const RopeScaling& s) {
  const auto factor = static_cast<float>(s.factor);
  const auto original = static_cast<float>(s.original_positions);
  const auto low = static_cast<float>(s.low_freq_factor);
  const auto high = static_cast<float>(s.high_freq_factor);
  const float wavelength = 2 * std::numbers::pi_v<float> / frequency;
  if (wavelength > original / low) {
    return frequency / factor;
  }
  if (wavelength < original / high) {
    return frequency;
  }
  const float smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * frequency / factor + smooth * frequency;
}

}  // namespace

std::vector<float> scaled_rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling) {
  std::vector<float> frequencies = rope_frequencies(head_dim, theta);
  for (float& frequency : frequencies) {
    if (scaling.type == "linear") {
      frequency /= static_cast<float>(scaling.factor);
    } else if (scaling.type == "llama3") {
      frequency = llama3_frequency(frequency, scaling);
    }
  }
  return frequencies;
}

}  // namespace athanor
