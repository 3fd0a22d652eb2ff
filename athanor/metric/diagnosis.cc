#include "athanor/metric/diagnosis.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "athanor/metric/diagnosis_clusters.h"
#include "athanor/metric/diagnosis_fair.h"
#include "athanor/metric/diagnosis_spikes.h"
#include "athanor/metric/diagnosis_warmup.h"

namespace athanor {

namespace {

constexpr size_t kFewestPoints = 8;      // of a curve, to speak of its shape
constexpr double kGap = 0.20;            // of the way from chance to perfect, between training and validation
constexpr double kNothing = 0.05;        // of that way: no more was learnt
constexpr double kWeak = 0.30;           // of that way, on the training rows themselves: too simple
constexpr double kResidual = 0.05;       // of the variance left that a small tree explains: something was missed
constexpr double kNearPerfect = 0.01;    // of the variance, or of the errors by chance, still left: a richer model is no use
constexpr double kAlone = 0.995;         // of what is to be known, told by one column
constexpr double kDrift = 0.25;          // the usual bound for "has changed" (Siddiqi 2006)
constexpr double kRare = 0.05;           // share of rows
constexpr double kForgotten = 0.30;      // recall
constexpr uint64_t kFewRows = 10;        // of a label: whether they are found is chance
constexpr double kDead = 0.5;            // share of a layer's units; a few die in every healthy ReLU network
constexpr double kOverlap = 0.01;
constexpr double kMoved = 0.2;           // of the weights' own size, over all steps; AdamW moves 1e-3 a step
constexpr double kWild = 0.02;           // of the weights' size a step
constexpr double kExploded = 2.5;        // times the loss of knowing nothing
constexpr double kMoreData = 0.10;       // of the distance to perfect, by doubling the rows
constexpr double kStandardErrors = 2;
constexpr uint64_t kFewestValid = 20;    // rows: of fewer a gap to training may be chance

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, std::abs(value) < 0.01 || std::abs(value) >= 1e5 ? "%.3g" : "%.4g", value);
  return buffer;
}

std::string percent(double share) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f %%", 100 * share);
  return buffer;
}

double mean_between(const std::vector<CurvePoint>& curve, size_t begin, size_t end) {
  double sum = 0;
  for (size_t i = begin; i < end; ++i) {
    sum += curve[i].value;
  }
  return end > begin ? sum / static_cast<double>(end - begin) : std::nan("");
}

// Deviation of neighbouring points from each other: noise without the trend.
double noise_of(const std::vector<CurvePoint>& curve) {
  double squares = 0;
  for (size_t i = 1; i < curve.size(); ++i) {
    squares += (curve[i].value - curve[i - 1].value) * (curve[i].value - curve[i - 1].value) / 2;
  }
  return curve.size() > 1 ? std::sqrt(squares / static_cast<double>(curve.size() - 1)) : 0;
}

bool all_finite(const std::vector<CurvePoint>& curve) {
  return std::all_of(curve.begin(), curve.end(), [](const CurvePoint& point) { return std::isfinite(point.value); });
}

class Doctor {
 public:
  Doctor(const RunFacts& facts, double lr) : facts_(judged_fairly(facts)), lr_(lr) {}

  std::vector<Finding> look() {
    rate();
    units();
    imbalance();
    if (facts_.finished) {
      learns_nothing();
    }
    overfit();
    underfit();
    leak();
    data();
    drift();
    for (const auto& more : {diagnose_clusters(facts_), diagnose_spikes(facts_)}) {
      findings_.insert(findings_.end(), more.begin(), more.end());
    }
    return blame_warmup(facts_, std::move(findings_));
  }

 private:
  void add(const std::string& name, const std::string& evidence, const std::string& advice, const std::string& change = "",
           bool grave = true) {
    findings_.push_back({name, evidence, advice, change, grave});
  }
  bool found(const char* name) const {
    return std::any_of(findings_.begin(), findings_.end(), [&](const Finding& finding) { return finding.name == name; });
  }
  std::string times_rate(double factor) const { return std::isfinite(lr_) ? "optimizer.lr=" + text(lr_ * factor) : ""; }

  // Where the score lies between chance (0) and perfect (1).
  double skill(double score) const {
    return (score - facts_.chance_score) / (facts_.perfect_score - facts_.chance_score);
  }

  void rate() {
    const auto& loss = facts_.train_loss;
    if (!loss.empty() && !all_finite(loss)) {
      add("rate too high", "the loss became infinite or no number at step " + first_not_finite(),
          "a lower rate, a longer warm-up, or clipping", times_rate(0.1));
      return;
    }
    if (loss.size() < kFewestPoints) {
      return;
    }
    const size_t window = std::max<size_t>(2, loss.size() / 10);
    double lowest = INFINITY;
    for (size_t begin = 0; begin + window <= loss.size(); ++begin) {
      lowest = std::min(lowest, mean_between(loss, begin, begin + window));
    }
    const double worst = highest(loss);
    const double nothing = std::fmax(loss[0].value, facts_.chance_loss);
    if (worst > kExploded * nothing) {
      add("rate too high", "the loss jumped to " + text(worst) + ", and " + text(nothing) + " comes from knowing nothing", "a lower rate, a longer warm-up, or clipping",
          times_rate(0.1));
      return;
    }
    const double first = mean_between(loss, 0, std::min<size_t>(2, loss.size()));
    const double last = mean_between(loss, loss.size() - window, loss.size());
    const double noise = noise_of(loss);
    const double fell = std::max(0.0, first - lowest);
    const bool never_fell = last >= first - std::max(0.02 * std::abs(first), 2 * noise / std::sqrt(static_cast<double>(window)));
    if (last - lowest > std::max({0.25 * fell, 3 * noise / std::sqrt(static_cast<double>(window)), 0.03 * std::abs(lowest)}) ||
        (never_fell && gradients_grew())) {
      add("rate too high",
          "the loss fell to " + text(lowest) + " and rose to " + text(last) + (gradients_grew() ? ", and the gradients grew" : ""),
          "a lower rate, or a longer warm-up", times_rate(0.3));
      return;
    }
    if (facts_.finished) {
      slow(loss, first, last, noise);
    }
  }

  // Still falling as fast as at first: the rate (or the number of steps) holds it back.
  void slow(const std::vector<CurvePoint>& loss, double first, double last, double noise) {
    const size_t third = loss.size() / 3;
    if (third < 3) {
      return;
    }
    const double early = mean_between(loss, 0, third) - mean_between(loss, third, 2 * third);
    const double late = mean_between(loss, third, 2 * third) - mean_between(loss, 2 * third, loss.size());
    const double error = noise * std::sqrt(2.0 / static_cast<double>(third));
    const double moved = facts_.update_ratio * loss.back().step;
    const bool straight = late > 3 * error && late > 0.6 * early && late > 0;
    const double done = std::isfinite(facts_.chance_loss) && facts_.chance_loss > 0 ? 1 - last / facts_.chance_loss : 0;
    if (straight && done < 0.5) {
      add("rate too low",
          "the loss still falls as fast in the last third (by " + text(late) + ") as before (" + text(early) + "), from " +
              text(first) + " to " + text(last),
          "a higher rate, or more steps", times_rate(5));
    } else if (moved < kMoved && done < 0.3 && last > 0.7 * first) {
      add("rate too low", "a step moves the weights by " + text(facts_.update_ratio) + " of their size, all " + text(loss.back().step) +
              " steps by " + percent(moved) + " at most; the loss went from " + text(first) + " to " + text(last), "a higher rate, or more steps",
          times_rate(std::clamp(1 / moved, 3.0, 1000.0)));
    }
  }

  void learns_nothing() {
    if (found("rate too high") || found("rate too low")) {
      return;
    }
    const bool ranks = facts_.metric == "balanced accuracy" && 2 * facts_.auc - 1 >= kNothing;  // a threshold would show it
    const bool by_score = std::isfinite(facts_.train_score) && std::isfinite(facts_.chance_score) &&
                          skill(facts_.train_score) < kNothing && !ranks;
    const bool by_loss = facts_.train_loss.size() >= kFewestPoints && std::isfinite(facts_.chance_loss) &&
                         final_loss() > 0.98 * facts_.chance_loss && !std::isfinite(facts_.train_score);
    if (!by_score && !by_loss) {
      return;
    }
    const std::string seen =
        by_score ? facts_.metric + " on its own training rows is " + text(facts_.train_score) + ", and " + text(facts_.chance_score) +
                       " comes without looking"
                 : "the loss ends at " + text(final_loss()) + ", and " + text(facts_.chance_loss) + " comes from the frequencies alone";
    if (facts_.update_ratio > kWild && !found("dead units")) {
      add("rate too high", seen + "; a step moves the weights by " + percent(facts_.update_ratio) + " of their size (0.1 % is usual)",
          "a lower rate, a longer warm-up, or clipping", times_rate(0.1));
    } else if (by_loss && !flat()) {
      add("rate too low", seen + ", but it still falls", "a higher rate, or more steps", times_rate(5));
    } else if (!found("dead units") && !found("imbalance")) {
      add("learns nothing", seen, "do the features tell anything of the label? Are the labels in the right rows? Then a richer model");
    }
  }

  void overfit() {
    const auto& valid = facts_.valid_loss;
    if (valid.size() >= 3 && all_finite(valid)) {
      const auto best = std::min_element(valid.begin(), valid.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
      const double rise = valid.back().value - best->value;
      const double error = std::isfinite(facts_.valid_error) ? facts_.valid_error : 0;
      const bool train_falls = facts_.train_loss.size() < 4 || facts_.train_loss.back().value < facts_.train_loss[facts_.train_loss.size() / 2].value;
      if (best + 1 < valid.end() - 1 && rise > std::max({0.03 * std::abs(best->value), error, 2 * noise_of({best, valid.end()})}) && train_falls && !found("rate too high")) {
        add("overfit",
            "validation was best at step " + text(best->step) + " (" + text(best->value) + ") and is " + text(valid.back().value) +
                " at the end" + (std::isfinite(facts_.epochs) && facts_.epochs > 1 ? ", after " + text(facts_.epochs) + " epochs" : ""),
            "stop there (patience, final_weights: best), more data, or more regularisation", "patience=3");
        return;
      }
    }
    if (!std::isfinite(facts_.train_score) || !std::isfinite(facts_.valid_score) || !std::isfinite(facts_.chance_score)) {
      return;
    }
    if (facts_.valid_rows > 0 && facts_.valid_rows < kFewestValid) {
      return;
    }
    const double gap = skill(facts_.train_score) - skill(facts_.valid_score);
    const bool beyond = !std::isfinite(facts_.valid_high) || facts_.train_score > facts_.valid_high;
    // Forests and boosting know their own rows by heart and are none the worse for it: the gap alone is no fault where
    // validation is good.
    const bool costs = skill(facts_.valid_score) < 0.5 || gap > 0.5;
    if (gap > kGap && beyond && costs) {
      add("overfit",
          facts_.metric + " is " + text(facts_.train_score) + " on its own training rows and " + text(facts_.valid_score) + " on " +
              std::to_string(facts_.valid_rows) + " others",
          "more rows, fewer features, a simpler model or more regularisation");
    }
  }

  // On rows that it has not seen, where there are some: what is left is not worth another model.
  bool near_perfect() const {
    const double score = std::isfinite(facts_.valid_score) ? facts_.valid_score : facts_.train_score;
    const bool by_score = std::isfinite(facts_.chance_score) && 1 - skill(score) < kNearPerfect;
    return by_score || 2 * (1 - facts_.auc) < kNearPerfect;
  }

  void underfit() {
    if (!facts_.finished || found("learns nothing") || found("rate too high") || found("rate too low") || near_perfect()) {
      return;
    }
    if (std::isfinite(facts_.richer_gain) && facts_.richer_gain > kStandardErrors) {
      add("underfit", facts_.richer_kind + " is better over the same folds, by " + text(facts_.richer_gain) + " standard errors",
          "a richer model", "kind=" + facts_.richer_kind);
      return;
    }
    // Weights move all probabilities away from the frequencies: a tree sees that, and it is no fault.
    if (!facts_.weighted && std::isfinite(facts_.residual_gain) && facts_.residual_gain > kResidual) {
      add("underfit", "a small tree explains at least " + percent(facts_.residual_gain) + " of what this model leaves unexplained, on rows that it has not seen",
          "a richer model, or features for what it misses", "kind=boosting");
      return;
    }
    if (std::isfinite(facts_.residual_gain) || !std::isfinite(facts_.train_score) || !std::isfinite(facts_.chance_score)) {
      return;
    }
    const double gap = std::isfinite(facts_.valid_score) ? skill(facts_.train_score) - skill(facts_.valid_score) : 0;
    if (found("dead units") || found("imbalance")) {
      return;  // that is why
    }
    if (skill(facts_.train_score) < kWeak && gap < kGap && flat()) {
      add("underfit", facts_.metric + " is " + text(facts_.train_score) + " even on its own training rows (" + text(facts_.chance_score) +
              " by chance), no better than on others, and the loss no longer falls",
          "a larger model, better features, or less regularisation");
    }
  }

  // The last third of the training loss brings nothing more.
  bool flat() const {
    const auto& loss = facts_.train_loss;
    const size_t third = loss.size() / 3;
    if (third < 3) {
      return true;
    }
    const double late = mean_between(loss, third, 2 * third) - mean_between(loss, 2 * third, loss.size());
    return late < std::max(0.02 * std::abs(loss.back().value), 3 * noise_of(loss) * std::sqrt(2.0 / static_cast<double>(third)));
  }

  void leak() {
    for (const auto& field : facts_.fields) {
      if (std::isfinite(field.alone) && field.alone > kAlone) {
        add("leak", "the column '" + field.name + "' alone tells " + percent(field.alone) + " of the label",
            "is it known before the label is? If not, leave it out", "table.exclude=[" + field.name + "]");
      }
    }
    if (std::isfinite(facts_.overlap) && facts_.overlap > kOverlap) {
      add("leak", percent(facts_.overlap) + " of the validation rows stand among the training rows, the same in all",
          "dedup before split, or split by group");
    }
  }

  void data() {
    if (std::isfinite(facts_.more_data_gain) && facts_.more_data_gain > kMoreData) {
      add("too little data", "doubling the training rows took " + percent(facts_.more_data_gain) + " of the distance to a perfect score",
          "more rows; the curve has not bent yet");
      return;
    }
    const bool few = facts_.train_rows > 0 && facts_.features > 0 && facts_.train_rows < 3 * facts_.features && facts_.train_rows < 2000;
    if (few && found("overfit")) {
      add("too little data", std::to_string(facts_.train_rows) + " rows for " + std::to_string(facts_.features) + " features",
          "more rows, or fewer features (reduce: select, pca)");
    } else if (std::isfinite(facts_.epochs) && facts_.epochs >= 8 && found("overfit") && !facts_.valid_loss.empty()) {
      add("too little data", "each example was seen " + text(facts_.epochs) + " times before the end", "more data, or fewer steps");
    }
  }

  void units() {
    std::string names;
    size_t dead = 0;
    for (const auto& layer : facts_.layers) {
      if (layer.dead >= kDead) {
        ++dead;
        names += dead <= 3 ? (names.empty() ? "" : ", ") + percent(layer.dead) + " of the units of " + layer.name + " give 0 whatever comes in" : "";
      }
    }
    if (dead > 0) {
      add("dead units", names + (dead > 3 ? " and " + std::to_string(dead - 3) + " more" : ""),
          "a lower rate, another initialisation, or an activation that is never flat (gelu, leaky)", times_rate(0.3));
    }
  }

  void imbalance() {
    const uint64_t rows = std::accumulate(facts_.labels.begin(), facts_.labels.end(), uint64_t{0},
                                          [](uint64_t sum, const RunFacts::Label& label) { return sum + label.rows; });
    std::string forgotten;
    for (const auto& label : facts_.labels) {
      const double share = rows > 0 ? static_cast<double>(label.rows) / static_cast<double>(rows) : 1;
      const bool rare = share < kRare || (share < 0.2 && facts_.labels.size() == 2);
      if (rare && label.rows >= kFewRows && std::isfinite(label.recall) && label.recall < kForgotten) {
        forgotten += (forgotten.empty() ? "'" : "; '") + label.name + "' is " + percent(share) + " of the rows, and of those " +
                     percent(label.recall) + " are found";
      }
    }
    if (!forgotten.empty()) {
      add("imbalance", forgotten, "weigh the labels, gather more of it, or move the threshold", "class_weights=balanced");
    }
  }

  void drift() {
    for (const auto& field : facts_.fields) {
      if (std::isfinite(field.drift) && field.drift > kDrift) {
        add("drift", "'" + field.name + "' is distributed otherwise in validation than in training (stability index " + text(field.drift) + ")",
            "are both parts drawn alike? If time parts them, validate by time and train on what is newest", "", false);
      }
    }
  }

  // Of the last tenth.
  double final_loss() const {
    const size_t n = facts_.train_loss.size();
    return mean_between(facts_.train_loss, n - std::max<size_t>(2, n / 10), n);
  }

  // Of three points behind one another.
  static double highest(const std::vector<CurvePoint>& loss) {
    double worst = -INFINITY;
    for (size_t i = 0; i + 3 <= loss.size(); ++i) {
      worst = std::max(worst, mean_between(loss, i, i + 3));
    }
    return worst;
  }

  bool gradients_grew() const {
    const auto& norm = facts_.gradient_norm;
    if (norm.size() < kFewestPoints || !all_finite(norm)) {
      return !all_finite(norm);
    }
    return mean_between(norm, norm.size() * 3 / 4, norm.size()) > 5 * mean_between(norm, 0, norm.size() / 4);
  }

  std::string first_not_finite() const {
    const auto& loss = facts_.train_loss;
    const auto found = std::find_if(loss.begin(), loss.end(), [](const CurvePoint& point) { return !std::isfinite(point.value); });
    return found == loss.end() ? "?" : text(found->step);
  }

  const RunFacts facts_;
  double lr_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> diagnose(const RunFacts& facts, double lr) { return Doctor(facts, lr).look(); }

double stability_index(const std::vector<double>& before, const std::vector<double>& after) {
  const double all_before = std::accumulate(before.begin(), before.end(), 0.0);
  const double all_after = std::accumulate(after.begin(), after.end(), 0.0);
  if (all_before <= 0 || all_after <= 0) {
    return std::nan("");
  }
  double sum = 0;
  for (size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const double p = std::max(before[i], 0.5) / all_before;
    const double q = std::max(after[i], 0.5) / all_after;
    sum += (q - p) * std::log(q / p);
  }
  return sum;
}

}  // namespace athanor
