#include "athanor/train/spike.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "athanor/base/error.h"

namespace athanor {

namespace {

std::string text_of(const char* pattern, double a, double b) {
  char text[160];
  std::snprintf(text, sizeof text, pattern, a, b);
  return text;
}

}  // namespace

double OutlierWindow::zscore(double value, double least_deviation) const {
  if (values_.size() < kSize) {
    return 0;
  }
  double sum = 0;
  for (double x : values_) {
    sum += x;
  }
  const double mean = sum / kSize;
  double squares = 0;
  for (double x : values_) {
    squares += (x - mean) * (x - mean);
  }
  const double deviation = std::max(std::sqrt(squares / kSize), least_deviation);
  return deviation > 0 ? (value - mean) / deviation : 0;
}

void OutlierWindow::push(double value) {
  if (values_.size() < kSize) {
    values_.push_back(value);
    return;
  }
  values_[next_] = value;
  next_ = (next_ + 1) % kSize;
}

nlohmann::json OutlierWindow::to_json() const { return {{"values", values_}, {"next", next_}}; }

OutlierWindow OutlierWindow::from_json(const nlohmann::json& value) {
  try {
    OutlierWindow window;
    window.values_ = value.at("values").get<std::vector<double>>();
    window.next_ = value.at("next").get<size_t>();
    if (window.values_.size() <= kSize && window.next_ < kSize) {
      return window;
    }
  } catch (const nlohmann::json::exception&) {
    // Said below.
  }
  throw Error(ErrorKind::kInput, "is not a window of recent losses", "trainer.json");
}

SpikeGuard::Verdict SpikeGuard::judge(double loss, double grad_norm) const {
  Verdict verdict;
  if (!std::isfinite(loss) || !std::isfinite(grad_norm)) {
    verdict.spike = true;
    verdict.finite = false;
    verdict.reason = std::isfinite(loss) ? "the gradient is not finite" : "the loss is not finite";
    return verdict;
  }
  verdict.loss_zscore = losses_.zscore(loss, kLeastDeviation);
  verdict.grad_zscore = grad_norms_.zscore(grad_norm);
  if (loss_limit_ > 0 && verdict.loss_zscore > loss_limit_) {
    verdict.spike = true;
    verdict.reason = text_of("the loss of %.4g lies %.1f deviations above the last 128 steps", loss, verdict.loss_zscore);
  } else if (grad_limit_ > 0 && verdict.grad_zscore > grad_limit_) {
    verdict.spike = true;
    verdict.reason = text_of("the gradient's norm of %.4g lies %.1f deviations above the last 128 steps", grad_norm,
                             verdict.grad_zscore);
  }
  return verdict;
}

void SpikeGuard::push(double loss, double grad_norm) {
  losses_.push(loss);
  grad_norms_.push(grad_norm);
}

nlohmann::json SpikeGuard::to_json() const {
  return {{"losses", losses_.to_json()}, {"grad_norms", grad_norms_.to_json()}};
}

void SpikeGuard::restore(const nlohmann::json& value) {
  losses_ = OutlierWindow::from_json(value.value("losses", nlohmann::json()));
  grad_norms_ = OutlierWindow::from_json(value.value("grad_norms", nlohmann::json()));
}

}  // namespace athanor
