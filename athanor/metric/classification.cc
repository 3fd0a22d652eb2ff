#include "athanor/metric/classification.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace athanor {

namespace {

double share(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

double ConfusionMatrix::accuracy() const {
  uint64_t right = 0;
  for (size_t label = 0; label < classes_; ++label) {
    right += count(label, label);
  }
  return share(right, total_);
}

uint64_t ConfusionMatrix::support(size_t label) const {
  uint64_t sum = 0;
  for (size_t answer = 0; answer < classes_; ++answer) {
    sum += count(label, answer);
  }
  return sum;
}

uint64_t ConfusionMatrix::answers(size_t label) const {
  uint64_t sum = 0;
  for (size_t truth = 0; truth < classes_; ++truth) {
    sum += count(truth, label);
  }
  return sum;
}

double ConfusionMatrix::precision(size_t label) const { return share(count(label, label), answers(label)); }

double ConfusionMatrix::recall(size_t label) const { return share(count(label, label), support(label)); }

double ConfusionMatrix::f1(size_t label) const {
  return share(2 * count(label, label), answers(label) + support(label));
}

double ConfusionMatrix::macro_f1() const {
  double sum = 0;
  uint64_t known = 0;
  for (size_t label = 0; label < classes_; ++label) {
    if (answers(label) + support(label) > 0) {
      sum += f1(label);
      ++known;
    }
  }
  return known == 0 ? 0 : sum / static_cast<double>(known);
}

nlohmann::json ConfusionMatrix::to_json(const std::vector<std::string>& labels) const {
  nlohmann::json json{{"accuracy", accuracy()}, {"macro_f1", macro_f1()}, {"per_label", nlohmann::json::object()},
                      {"confusion", nlohmann::json::array()}};
  for (size_t label = 0; label < classes_; ++label) {
    json["per_label"][labels.at(label)] = {{"precision", precision(label)},
                                           {"recall", recall(label)},
                                           {"f1", f1(label)},
                                           {"support", support(label)}};
    auto row = nlohmann::json::array();
    for (size_t answer = 0; answer < classes_; ++answer) {
      row.push_back(count(label, answer));
    }
    json["confusion"].push_back(std::move(row));
  }
  return json;
}

void RegressionScore::add(double truth, double answer) {
  ++total_;
  squares_ += (truth - answer) * (truth - answer);
  distances_ += std::fabs(truth - answer);
  const double distance = truth - mean_;
  mean_ += distance / static_cast<double>(total_);
  spread_ += distance * (truth - mean_);
}

double RegressionScore::rmse() const { return total_ == 0 ? 0 : std::sqrt(squares_ / static_cast<double>(total_)); }

double RegressionScore::mae() const { return total_ == 0 ? 0 : distances_ / static_cast<double>(total_); }

double RegressionScore::r2() const { return spread_ > 0 ? 1 - squares_ / spread_ : 0; }

}  // namespace athanor
