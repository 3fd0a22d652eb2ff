#include "athanor/classic/models/smo.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>
#include <numeric>

#include "athanor/classic/models/smo_kernels.h"

namespace athanor::classic {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kLeastCurve = 1e-12;
constexpr int64_t kRound = 1000;           // steps between looks at what can be left aside
constexpr int64_t kMostSteps = 10'000'000;  // at least; more for many rows

// Kernel values of a point with all points in use; the least recently asked for makes room.
class KernelRows {
 public:
  KernelRows(const Matrix& points, const SvmOptions& options, double gamma)
      : points_(points), options_(options), gamma_(gamma), slot_of_(points.rows, kNone) {}

  void use(const std::vector<uint32_t>& active);
  size_t stride() const { return stride_; }
  // Valid until the row after the next is asked for.
  const float* row(uint32_t point);
  void fill(const Matrix& of, uint64_t first, size_t num, const ReferenceRows& to, std::vector<double>& measured,
            float* out, size_t out_stride) const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::vector<float> values;
    uint32_t point = kNone;
    std::list<uint32_t>::iterator place;
  };
  const Matrix& points_;
  const SvmOptions& options_;
  double gamma_;
  ReferenceRows in_use_;
  size_t stride_ = 0;
  size_t most_ = 2;
  std::vector<uint32_t> slot_of_;
  std::vector<Slot> slots_;
  std::list<uint32_t> order_;  // the latest first
  std::vector<double> measured_;
};

void KernelRows::use(const std::vector<uint32_t>& active) {
  in_use_ = ReferenceRows(active.size() == points_.rows ? points_ : take_rows(points_, {active.begin(), active.end()}));
  stride_ = (active.size() + kSmoLanes - 1) / kSmoLanes * kSmoLanes;
  const auto bytes = static_cast<size_t>(options_.cache_mb) << 20;
  most_ = std::clamp<size_t>(bytes / (stride_ * sizeof(float)), 2, points_.rows + 2);
  std::fill(slot_of_.begin(), slot_of_.end(), kNone);
  slots_.clear();
  order_.clear();
}

const float* KernelRows::row(uint32_t point) {
  uint32_t& own = slot_of_[point];
  if (own != kNone) {
    order_.splice(order_.begin(), order_, slots_[own].place);
    return slots_[own].values.data();
  }
  uint32_t at = static_cast<uint32_t>(slots_.size());
  if (slots_.size() < most_) {
    slots_.emplace_back();
    order_.push_front(at);
  } else {
    at = order_.back();
    slot_of_[slots_[at].point] = kNone;
    order_.splice(order_.begin(), order_, std::prev(order_.end()));
  }
  Slot& slot = slots_[at];
  slot.place = order_.begin();
  slot.point = point;
  slot.values.resize(stride_);
  fill(points_, point, 1, in_use_, measured_, slot.values.data(), stride_);
  own = at;
  return slot.values.data();
}

void KernelRows::fill(const Matrix& of, uint64_t first, size_t num, const ReferenceRows& to, std::vector<double>& measured,
                      float* out, size_t out_stride) const {
  measured.resize(num * to.stride());
  to.measure(metric_of(options_), of, first, num, measured.data());
  for (size_t q = 0; q < num; ++q) {
    const double* from = measured.data() + q * to.stride();
    if (options_.kernel == "rbf") {
      exp_rows(from, gamma_, out + q * out_stride, to.count());
      continue;
    }
    for (size_t i = 0; i < to.count(); ++i) {
      out[q * out_stride + i] = static_cast<float>(kernel_of(options_, gamma_, from[i]));
    }
  }
}

class Smo {
 public:
  Smo(SmoProblem problem, const SvmOptions& options, double gamma)
      : all_(std::move(problem)), options_(options), rows_(all_.points, options, gamma), count_(all_.points.rows),
        slope_(all_.linear), squares_(count_) {
    for (size_t p = 0; p < count_; ++p) {
      squares_[p] = options.kernel == "rbf" ? 1.0 : kernel_of(options, gamma, row_square_of(p));
    }
    const double needed = static_cast<double>(count_) * static_cast<double>(count_) * sizeof(float);
    may_shrink_ = options.shrinking && needed > static_cast<double>(options.cache_mb) * (1 << 20);
  }
  SmoResult run(const std::function<void(double)>& progress);

 private:
  struct Pair {
    size_t up = 0, down = 0;  // places among all copies
    double gap = 0;
  };
  double row_square_of(size_t p) const {
    double sum = 0;
    all_.points.for_each_in_row(p, [&](uint32_t, double value) { sum += value * value; });
    return sum;
  }
  void use(std::vector<uint32_t> active);
  void store();
  void add_missing_slopes(const std::vector<uint8_t>& known);
  bool pick(Pair& pair);
  void step(const Pair& pair);
  void set_bars(size_t at);
  bool shrink(double least, double highest);
  double offset() const;
  bool is_all() const { return active_.size() == count_; }

  SmoProblem all_;
  const SvmOptions& options_;
  KernelRows rows_;
  size_t count_;
  std::vector<double> slope_;    // of all
  std::vector<double> squares_;  // K of each point with itself
  bool may_shrink_ = false;

  // Of the points in use, a copy after another, each padded to stride().
  std::vector<uint32_t> active_;
  std::vector<double> value_, low_, high_, now_, square_, bar_up_, bar_down_;
};

void Smo::use(std::vector<uint32_t> active) {
  active_ = std::move(active);
  rows_.use(active_);
  const size_t stride = rows_.stride();
  for (auto* values : {&value_, &low_, &high_, &now_, &square_}) {
    values->assign(all_.copies * stride, 0.0);
  }
  bar_up_.assign(all_.copies * stride, kInfinite);
  bar_down_.assign(all_.copies * stride, kInfinite);
  for (size_t c = 0; c < all_.copies; ++c) {
    for (size_t k = 0; k < active_.size(); ++k) {
      const size_t from = c * count_ + active_[k];
      const size_t at = c * stride + k;
      value_[at] = all_.start[from];
      low_[at] = all_.lower[from];
      high_[at] = all_.upper[from];
      now_[at] = slope_[from];
      square_[at] = squares_[active_[k]];
      set_bars(at);
    }
  }
}

void Smo::store() {
  for (size_t c = 0; c < all_.copies; ++c) {
    for (size_t k = 0; k < active_.size(); ++k) {
      all_.start[c * count_ + active_[k]] = value_[c * rows_.stride() + k];
      slope_[c * count_ + active_[k]] = now_[c * rows_.stride() + k];
    }
  }
}

// Slopes of the points that `known` lacks, from the values of all.
void Smo::add_missing_slopes(const std::vector<uint8_t>& known) {
  std::vector<uint64_t> lacking;
  std::vector<uint64_t> weighty;
  std::vector<double> values(count_, 0.0);
  for (size_t p = 0; p < count_; ++p) {
    for (size_t c = 0; c < all_.copies; ++c) {
      values[p] += all_.start[c * count_ + p];
      if (known[p] == 0) {
        slope_[c * count_ + p] = all_.linear[c * count_ + p];
      }
    }
    if (known[p] == 0) {
      lacking.push_back(p);
    }
    if (values[p] != 0) {
      weighty.push_back(p);
    }
  }
  if (lacking.empty() || weighty.empty()) {
    return;
  }
  const ReferenceRows to(take_rows(all_.points, lacking));
  const Matrix from = take_rows(all_.points, weighty);
  std::vector<double> measured;
  std::vector<float> kernel(ReferenceRows::kQueries * lacking.size());
  for (size_t first = 0; first < weighty.size(); first += ReferenceRows::kQueries) {
    const size_t num = std::min(ReferenceRows::kQueries, weighty.size() - first);
    rows_.fill(from, first, num, to, measured, kernel.data(), lacking.size());
    for (size_t q = 0; q < num; ++q) {
      const double value = values[weighty[first + q]];
      for (size_t c = 0; c < all_.copies; ++c) {
        for (size_t i = 0; i < lacking.size(); ++i) {
          slope_[c * count_ + lacking[i]] += value * kernel[q * lacking.size() + i];
        }
      }
    }
  }
}

void Smo::set_bars(size_t at) {
  bar_up_[at] = value_[at] < high_[at] ? 0 : kInfinite;
  bar_down_[at] = value_[at] > low_[at] ? 0 : kInfinite;
}

// False where no pair is left. gap: how far the two ends of the slopes are apart.
bool Smo::pick(Pair& pair) {
  const size_t stride = rows_.stride();
  const SmoPick up = least_slope(now_.data(), bar_up_.data(), now_.size());
  if (!(up.value < kInfinite)) {
    return false;
  }
  const float* row = rows_.row(active_[up.at % stride]);
  SmoPick best{0, -1};
  double highest = -kInfinite;
  for (size_t c = 0; c < all_.copies; ++c) {
    double top = 0;
    SmoPick found = best_partner(now_.data() + c * stride, bar_down_.data() + c * stride, row, square_.data(), square_[up.at],
                                 up.value, stride, &top);
    highest = std::max(highest, top);
    if (found.value > best.value) {
      best = {found.at + c * stride, found.value};
    }
  }
  pair = {up.at, best.at, highest - up.value};
  return best.value > 0;
}

void Smo::step(const Pair& pair) {
  const size_t stride = rows_.stride();
  const float* up = rows_.row(active_[pair.up % stride]);
  const float* down = rows_.row(active_[pair.down % stride]);
  const double curve = std::max(square_[pair.up] + square_[pair.down] - 2 * up[pair.down % stride], kLeastCurve);
  const double most_up = high_[pair.up] - value_[pair.up];
  const double most_down = value_[pair.down] - low_[pair.down];
  const double by = std::min({(now_[pair.down] - now_[pair.up]) / curve, most_up, most_down});
  value_[pair.up] = by == most_up ? high_[pair.up] : value_[pair.up] + by;
  value_[pair.down] = by == most_down ? low_[pair.down] : value_[pair.down] - by;
  for (size_t c = 0; c < all_.copies; ++c) {
    move_slopes(now_.data() + c * stride, up, down, by, stride);
  }
  set_bars(pair.up);
  set_bars(pair.down);
}

// Points whose variables stand at a bound and would only go further. False where none was left aside.
bool Smo::shrink(double least, double highest) {
  const size_t stride = rows_.stride();
  std::vector<uint32_t> kept;
  for (size_t k = 0; k < active_.size(); ++k) {
    bool firm = true;
    for (size_t at = k; at < all_.copies * stride; at += stride) {
      const bool top = bar_up_[at] > 0 && now_[at] < least;
      const bool bottom = bar_down_[at] > 0 && now_[at] > highest;
      firm = firm && (top || bottom);
    }
    if (!firm) {
      kept.push_back(active_[k]);
    }
  }
  constexpr double kWorth = 0.9;  // the cache is lost
  if (kept.size() < 2 || static_cast<double>(kept.size()) > kWorth * static_cast<double>(active_.size())) {
    return false;
  }
  store();
  use(std::move(kept));
  return true;
}

// The slope that free variables share; without any the middle of what the bounds allow.
double Smo::offset() const {
  double above = kInfinite;
  double below = -kInfinite;
  double sum = 0;
  size_t free = 0;
  for (size_t i = 0; i < slope_.size(); ++i) {
    if (all_.start[i] >= all_.upper[i]) {
      below = std::max(below, slope_[i]);
    } else if (all_.start[i] <= all_.lower[i]) {
      above = std::min(above, slope_[i]);
    } else {
      sum += slope_[i];
      ++free;
    }
  }
  return free > 0 ? sum / static_cast<double>(free) : (above + below) / 2;
}

SmoResult Smo::run(const std::function<void(double)>& progress) {
  std::vector<uint32_t> everything(count_);
  std::iota(everything.begin(), everything.end(), 0u);
  if (std::any_of(all_.start.begin(), all_.start.end(), [](double value) { return value != 0; })) {
    add_missing_slopes(std::vector<uint8_t>(count_, 0));
  }
  use(everything);
  const int64_t most = std::max<int64_t>(kMostSteps, 100 * static_cast<int64_t>(count_));
  const int64_t round = std::min<int64_t>(kRound, static_cast<int64_t>(count_));
  double first = 0;
  SmoResult result;
  for (int64_t steps = 0;; ++steps) {
    Pair pair;
    const bool found = pick(pair);
    first = steps == 0 ? pair.gap : first;
    if (!found || pair.gap < options_.tolerance || steps >= most) {
      result.converged = steps < most;
      if (is_all() || !result.converged) {
        break;
      }
      std::vector<uint8_t> known(count_, 0);
      for (const uint32_t p : active_) {
        known[p] = 1;
      }
      store();
      add_missing_slopes(known);
      use(everything);
      if (!pick(pair) || pair.gap < options_.tolerance) {
        break;
      }
    }
    step(pair);
    if ((steps + 1) % round == 0) {
      progress(std::clamp(std::log(first / pair.gap) / std::log(first / options_.tolerance), 0.0, 0.99));
      if (may_shrink_) {
        const double least = least_slope(now_.data(), bar_up_.data(), now_.size()).value;
        shrink(least, least + pair.gap);
      }
    }
  }
  store();
  result.offset = offset();
  result.values.assign(count_, 0.0);
  for (size_t i = 0; i < all_.start.size(); ++i) {
    result.values[i % count_] += all_.start[i];
  }
  return result;
}

}  // namespace

double kernel_of(const SvmOptions& options, double gamma, double measured) {
  if (options.kernel == "rbf") {
    return std::exp(-gamma * measured);
  }
  if (options.kernel == "poly") {
    return std::pow(gamma * measured + options.coef0, static_cast<double>(options.degree));
  }
  return options.kernel == "sigmoid" ? std::tanh(gamma * measured + options.coef0) : measured;
}

SmoResult solve_smo(SmoProblem problem, const SvmOptions& options, double gamma, const std::function<void(double)>& progress) {
  return Smo(std::move(problem), options, gamma).run(progress);
}

}  // namespace athanor::classic
