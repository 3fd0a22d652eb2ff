#include "athanor/model/rope_scaling.h"

#include <algorithm>
#include <cmath>
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

// Peng et al. 2023: pairs that turn more than beta_fast times over the original positions keep their frequency, those that
// turn less than beta_slow times have it divided, those between are blended.
void stretch_yarn(std::vector<float>& frequencies, int64_t head_dim, double theta, const RopeScaling& s) {
  const auto pair_of = [&](double turns) {
    const double dim = static_cast<double>(head_dim);
    return dim * std::log(static_cast<double>(s.original_positions) / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
  };
  const double low = std::max(std::floor(pair_of(s.beta_fast)), 0.0);
  double high = std::min(std::ceil(pair_of(s.beta_slow)), static_cast<double>(head_dim - 1));
  high = low == high ? high + 0.001 : high;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const auto ramp = static_cast<float>((static_cast<double>(i) - low) / (high - low));
    const float kept = 1 - std::clamp(ramp, 0.0f, 1.0f);
    frequencies[i] = frequencies[i] / static_cast<float>(s.factor) * (1 - kept) + frequencies[i] * kept;
  }
}

}  // namespace

double rope_amplitude(const RopeScaling& scaling) {
  if (scaling.type != "yarn") {
    return 1;
  }
  return scaling.attention_factor > 0 ? scaling.attention_factor
         : scaling.factor > 1         ? 0.1 * std::log(scaling.factor) + 1
                                      : 1;
}

std::vector<float> scaled_rope_frequencies(int64_t head_dim, double theta, const RopeScaling& scaling) {
  std::vector<float> frequencies = rope_frequencies(head_dim, theta);
  if (scaling.type == "yarn") {
    stretch_yarn(frequencies, head_dim, theta, scaling);
  }
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
