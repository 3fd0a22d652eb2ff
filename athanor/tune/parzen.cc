#include "athanor/tune/parzen.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace athanor::tune {

namespace {

constexpr double kSqrt2 = 1.4142135623730951;
constexpr double kLogSqrt2Pi = 0.91893853320467274;
constexpr uint64_t kRecent = 25;
constexpr double kFinest = 100;        // of a range: no kernel is narrower
constexpr uint64_t kMaxCells = 256;  // of a parameter whose kernels are masses of cells

// The normal mass of [a, b], a <= b, exact in both tails.
double normal_mass(double a, double b) {
  if (a > 0) {
    return normal_mass(-b, -a);
  }
  return 0.5 * (std::erfc(-b / kSqrt2) - std::erfc(-a / kSqrt2));
}

// exp for x <= 0 within 2e-9, without a call, so that the loop over kernels vectorises.
inline double fast_exp(double x) {
  x = x < -700 ? -700 : x;
  const double shifted = x * 1.4426950408889634 + 0x1.8p52;
  const double r = x - (shifted - 0x1.8p52) * 0.6931471805599453;
  const double p =
      1 + r * (1 + r * (0.5 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040)))))));
  return std::bit_cast<double>(std::bit_cast<uint64_t>(p) + (std::bit_cast<uint64_t>(shifted) << 52));
}

double log_sum_exp(const std::vector<double>& terms, double other) {
  double top = other;
  for (const double term : terms) {
    top = std::max(top, term);
  }
  double sum = fast_exp(other - top);
  for (const double term : terms) {
    sum += fast_exp(term - top);
  }
  return top + std::log(sum);
}

template <class T>
void move_last(std::vector<T>& list, size_t to) {
  list[to] = std::move(list.back());
  list.pop_back();
}

}  // namespace

Parzen::Parzen(const Space& space, std::vector<size_t> dims, double prior_weight, double sharpening)
    : space_(space),
      dims_(std::move(dims)),
      prior_weight_(prior_weight),
      sharpening_(sharpening),
      clipped_from_(static_cast<uint64_t>(std::ceil(std::pow(kFinest, 1 / sharpening)))),
      axes_(dims_.size()),
      tables_(dims_.size()) {
  for (size_t d = 0; d < dims_.size(); ++d) {
    const Parameter& parameter = space_[dims_[d]];
    Axis& axis = axes_[d];
    axis.choice = parameter.is_choice();
    axis.num_choices = static_cast<double>(parameter.choices.size());
    axis.low = parameter.axis_low();
    axis.high = parameter.axis_high();
    axis.width = axis.high - axis.low;
    axis.cells = !axis.choice && parameter.num_cells() > 0 && parameter.num_cells() <= kMaxCells;
  }
}

double Parzen::smallest(const Axis& axis) const {
  return axis.width / std::min(kFinest, std::pow(2.0 + static_cast<double>(count_), sharpening_));
}

void Parzen::set_bandwidth(Axis& axis, uint32_t slot, double sigma) {
  sigma = std::clamp(sigma, smallest(axis), axis.width);
  if (sigma == axis.sigma[slot]) {
    return;
  }
  const double mu = axis.mu[slot];
  const double mass = normal_mass((axis.low - mu) / sigma, (axis.high - mu) / sigma);
  axis.sigma[slot] = sigma;
  axis.inverse[slot] = 1 / sigma;
  axis.norm[slot] = -std::log(mass) - (axis.cells ? 0 : std::log(sigma) + kLogSqrt2Pi);
}

void Parzen::refresh(Axis& axis, size_t place) {
  const size_t n = axis.sorted.size();
  const double mu = axis.mu[axis.sorted[place]];
  double sigma = axis.width;
  if (n == 1) {
    sigma = std::max(mu - axis.low, axis.high - mu);
  } else {  // the ends of the axis are no neighbours
    const double left = place > 0 ? mu - axis.mu[axis.sorted[place - 1]] : 0;
    const double right = place + 1 < n ? axis.mu[axis.sorted[place + 1]] - mu : 0;
    sigma = std::max(left, right);
  }
  set_bandwidth(axis, axis.sorted[place], sigma);
}

void Parzen::link(Axis& axis, uint32_t slot) {
  const double mu = axis.mu[slot];
  const auto at = std::upper_bound(axis.sorted.begin(), axis.sorted.end(), mu,
                                   [&](double value, uint32_t other) { return value < axis.mu[other]; });
  const auto place = static_cast<size_t>(at - axis.sorted.begin());
  axis.sorted.insert(at, slot);
  for (size_t i = place == 0 ? 0 : place - 1; i < std::min(axis.sorted.size(), place + 2); ++i) {
    refresh(axis, i);
  }
}

void Parzen::unlink(Axis& axis, uint32_t slot) {
  const auto at = std::find(axis.sorted.begin(), axis.sorted.end(), slot);
  const auto place = static_cast<size_t>(at - axis.sorted.begin());
  axis.sorted.erase(at);
  for (size_t i = place == 0 ? 0 : place - 1; i < std::min(axis.sorted.size(), place + 1); ++i) {
    refresh(axis, i);
  }
}

void Parzen::add(int64_t number, const Point& point, const Score& score) {
  const auto slot = static_cast<uint32_t>(numbers_.size());
  const auto at = std::upper_bound(by_number_.begin(), by_number_.end(), number,
                                   [&](int64_t value, uint32_t other) { return value < numbers_[other]; });
  by_number_.insert(at, slot);
  numbers_.push_back(number);
  scores_.push_back(score);
  multiples_.push_back(1);
  ++count_;
  for (size_t d = 0; d < axes_.size(); ++d) {
    Axis& axis = axes_[d];
    const double value = point[dims_[d]];
    axis.mu.push_back(axis.choice ? value : space_[dims_[d]].axis(value));
    if (!axis.choice) {
      axis.sigma.push_back(-1);
      axis.inverse.push_back(0);
      axis.norm.push_back(0);
      link(axis, slot);
    }
  }
  if (numbers_.size() > kMaxKernels) {
    thin();
  }
}

bool Parzen::remove(int64_t number) {
  const auto at = std::lower_bound(by_number_.begin(), by_number_.end(), number,
                                   [&](uint32_t other, int64_t value) { return numbers_[other] < value; });
  if (at == by_number_.end() || numbers_[*at] != number) {
    return false;
  }
  const uint32_t slot = *at;
  const auto last = static_cast<uint32_t>(numbers_.size() - 1);
  by_number_.erase(at);
  std::replace(by_number_.begin(), by_number_.end(), last, slot);
  count_ -= static_cast<uint64_t>(multiples_[slot]);
  move_last(numbers_, slot);
  move_last(scores_, slot);
  move_last(multiples_, slot);
  for (Axis& axis : axes_) {
    if (!axis.choice) {
      unlink(axis, slot);
      std::replace(axis.sorted.begin(), axis.sorted.end(), last, slot);
      move_last(axis.sigma, slot);
      move_last(axis.inverse, slot);
      move_last(axis.norm, slot);
    }
    move_last(axis.mu, slot);
  }
  return true;
}

void Parzen::thin() {
  std::vector<int64_t> gone;
  for (size_t i = 0; i + 1 < by_number_.size() / 2; i += 2) {
    const uint32_t a = by_number_[i];
    const uint32_t b = by_number_[i + 1];
    if (scores_[a].rank == 2 || scores_[b].rank == 2) {
      continue;  // still running: will be told
    }
    const bool first = random_at(0x7417, static_cast<uint64_t>(numbers_[a])) & 1;
    multiples_[first ? b : a] += multiples_[first ? a : b];
    count_ += static_cast<uint64_t>(multiples_[first ? a : b]);  // remove takes it off again
    gone.push_back(numbers_[first ? a : b]);
  }
  for (const int64_t number : gone) {
    remove(number);
  }
}

Parzen::Kernel Parzen::take_best() {
  Kernel best;
  size_t slot = numbers_.size();
  for (size_t i = 0; i < numbers_.size(); ++i) {
    if (scores_[i].rank < 2 && (slot == numbers_.size() || scores_[i] < scores_[slot] ||
                                (scores_[i] == scores_[slot] && numbers_[i] < numbers_[slot]))) {
      slot = i;
    }
  }
  if (slot == numbers_.size()) {
    return best;
  }
  best.number = numbers_[slot];
  best.score = scores_[slot];
  best.point.assign(space_.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t d = 0; d < axes_.size(); ++d) {
    best.point[dims_[d]] = axes_[d].choice ? axes_[d].mu[slot] : space_[dims_[d]].value_at(axes_[d].mu[slot]);
  }
  remove(best.number);
  return best;
}

void Parzen::prepare() {
  const uint64_t clipped = std::min<uint64_t>(count_, clipped_from_);
  const double kernels = static_cast<double>(count_) + 1;
  for (size_t d = 0; d < axes_.size(); ++d) {
    Axis& axis = axes_[d];
    if (axis.choice) {
      const double total = prior_weight_ / kernels * axis.num_choices + 1;
      axis.log_hit = std::log((prior_weight_ / kernels + 1) / total);
      axis.log_miss = std::log(prior_weight_ / kernels / total);
    } else if (clipped != bandwidth_count_) {
      for (size_t i = 0; i < axis.sorted.size(); ++i) {
        refresh(axis, i);
      }
    }
    if (axis.cells && (clipped != bandwidth_count_ || tables_[d].empty())) {
      const uint64_t n = space_[dims_[d]].num_cells();
      tables_[d].assign(n * n, std::numeric_limits<double>::quiet_NaN());
    }
  }
  bandwidth_count_ = clipped;
  const size_t n = numbers_.size();
  base_.resize(n);
  cumulative_.resize(n + 1);
  double before = 0;
  double total = prior_weight_;
  const double ramp = static_cast<double>(count_ > kRecent ? count_ - kRecent : 0);
  for (const uint32_t slot : by_number_) {
    const double middle = before + (multiples_[slot] - 1) / 2;
    const double weight = middle >= ramp ? 1 : (1 + (static_cast<double>(count_) - 1) * middle / std::max(1.0, ramp - 1)) /
                                                   static_cast<double>(count_);
    base_[slot] = multiples_[slot] * std::min(1.0, weight);
    before += multiples_[slot];
    total += base_[slot];
  }
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const double weight = base_[i] / total;
    cumulative_[i] = sum += weight;
    base_[i] = std::log(weight);
    for (const Axis& axis : axes_) {
      base_[i] += axis.choice ? 0 : axis.norm[i];
    }
  }
  cumulative_[n] = 1;
  log_prior_ = std::log(prior_weight_ / total);
}

void Parzen::sample(Rng& rng, std::vector<double>& x) const {
  x.resize(axes_.size());
  const double u = rng.uniform();
  const auto slot = static_cast<size_t>(std::lower_bound(cumulative_.begin(), cumulative_.end(), u) - cumulative_.begin());
  const bool prior = slot >= numbers_.size();
  const double kernels = static_cast<double>(count_) + 1;
  for (size_t d = 0; d < axes_.size(); ++d) {
    const Axis& axis = axes_[d];
    if (axis.choice) {
      const double spread = prior_weight_ / kernels * axis.num_choices;
      const bool any = prior || rng.uniform() * (spread + 1) < spread;
      x[d] = any ? static_cast<double>(rng.below(static_cast<uint64_t>(axis.num_choices))) : axis.mu[slot];
      continue;
    }
    const double mu = prior ? (axis.low + axis.high) / 2 : axis.mu[slot];
    const double sigma = prior ? axis.width : axis.sigma[slot];
    double value = mu + sigma * rng.normal();
    while (!(value >= axis.low && value <= axis.high)) {  // mu is inside: at least every third stays
      value = mu + sigma * rng.normal();
    }
    const Parameter& parameter = space_[dims_[d]];
    x[d] = parameter.step > 0 ? parameter.axis(parameter.value_at(value)) : value;
  }
}

double Parzen::cell_mass(size_t d, double x, double mu, double sigma) const {
  const Parameter& parameter = space_[dims_[d]];
  const double value = parameter.value_at(x);
  const double low = parameter.axis(value - parameter.step / 2);
  const double high = parameter.axis(value + parameter.step / 2);
  return std::log(std::max(1e-300, normal_mass((low - mu) / sigma, (high - mu) / sigma)));
}

void Parzen::add_cells(size_t d, double x) const {
  const Axis& axis = axes_[d];
  const Parameter& parameter = space_[dims_[d]];
  const auto cell = [&](double place) {
    const double value = parameter.log ? std::exp(place) : place;
    return static_cast<size_t>(std::llround((value - parameter.low) / parameter.step));
  };
  const size_t row = cell(x) * parameter.num_cells();
  const double least = smallest(axis);
  std::vector<double>& table = tables_[d];
  for (size_t k = 0; k < work_.size(); ++k) {
    if (axis.sigma[k] != least) {
      work_[k] += cell_mass(d, x, axis.mu[k], axis.sigma[k]);
      continue;
    }
    double& known = table[row + cell(axis.mu[k])];
    if (std::isnan(known)) {
      known = cell_mass(d, x, axis.mu[k], least);
    }
    work_[k] += known;
  }
}

double Parzen::log_density(const std::vector<double>& x) const {
  work_ = base_;
  const size_t n = work_.size();
  double prior = log_prior_;
  for (size_t d = 0; d < axes_.size(); ++d) {
    const Axis& axis = axes_[d];
    const double middle = (axis.low + axis.high) / 2;
    const double place = x[d];
    double* sum = work_.data();
    const double* mu = axis.mu.data();
    if (axis.choice) {
      prior -= std::log(axis.num_choices);
      for (size_t k = 0; k < n; ++k) {
        sum[k] += mu[k] == place ? axis.log_hit : axis.log_miss;
      }
      continue;
    }
    const double prior_mass = std::log(normal_mass(-0.5, 0.5));
    if (axis.cells) {
      prior += cell_mass(d, place, middle, axis.width) - prior_mass;
      add_cells(d, place);
      continue;
    }
    const double z = (place - middle) / axis.width;
    prior += -0.5 * z * z - kLogSqrt2Pi - std::log(axis.width) - prior_mass;
    const double* inverse = axis.inverse.data();
    for (size_t k = 0; k < n; ++k) {
      const double distance = (place - mu[k]) * inverse[k];
      sum[k] -= 0.5 * distance * distance;
    }
  }
  return log_sum_exp(work_, prior);
}

size_t Parzen::memory_bytes() const {
  size_t bytes = (numbers_.capacity() + multiples_.capacity() + base_.capacity() + cumulative_.capacity() +
                  work_.capacity()) * 8 + scores_.capacity() * sizeof(Score) + by_number_.capacity() * 4;
  for (size_t d = 0; d < axes_.size(); ++d) {
    const Axis& axis = axes_[d];
    bytes += (axis.mu.capacity() + axis.sigma.capacity() + axis.inverse.capacity() + axis.norm.capacity() +
              tables_[d].capacity()) * 8 + axis.sorted.capacity() * 4;
  }
  return bytes;
}

}  // namespace athanor::tune
