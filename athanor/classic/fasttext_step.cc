#include "athanor/classic/fasttext_step.h"

#include <algorithm>
#include <cmath>

#include "athanor/classic/vector_sum.h"

namespace athanor {

namespace {

double surprise(double p) { return -std::log(std::max(p, 1e-10)); }

}  // namespace

FastTextStep::FastTextStep(FastTextModel& model, FastTextLoss loss)
    : model_(model),
      loss_(loss),
      hidden_(static_cast<size_t>(model.args.dim)),
      gradient_(hidden_.size()),
      output_(static_cast<size_t>(model.num_labels)) {
  if (loss == FastTextLoss::kHierarchicalSoftmax) {
    std::vector<int64_t> counts;
    for (int32_t i = 0; i < model.num_labels; ++i) {
      counts.push_back(model.label(i).count);
    }
    tree_ = std::make_unique<FastTextTree>(counts);
  }
}

double FastTextStep::operator()(std::span<const int32_t> rows, std::span<const int32_t> targets, int32_t picked,
                                float learning_rate) {
  const size_t dim = hidden_.size();
  float* input = model_.input.values.data();
  sum_rows(input, dim, rows.data(), rows.size(), hidden_.data());
  const float share = 1.0f / static_cast<float>(rows.size());
  for (float& x : hidden_) {
    x *= share;
  }
  std::fill(gradient_.begin(), gradient_.end(), 0.0f);
  const double loss = loss_ == FastTextLoss::kSoftmax    ? softmax(picked, learning_rate)
                      : loss_ == FastTextLoss::kOneVsAll ? one_vs_all(targets, learning_rate)
                                                         : tree(picked, learning_rate);
  for (float& x : gradient_) {
    x *= share;
  }
  add_to_rows(input, dim, rows.data(), rows.size(), gradient_.data());
  return loss;
}

double FastTextStep::softmax(int32_t target, float learning_rate) {
  const size_t dim = hidden_.size();
  dot_rows(model_.output.values.data(), dim, output_.size(), hidden_.data(), output_.data());
  const float top = *std::max_element(output_.begin(), output_.end());
  float sum = 0;
  for (float& x : output_) {
    x = std::exp(x - top);
    sum += x;
  }
  const double p = output_[static_cast<size_t>(target)] / sum;
  for (size_t i = 0; i < output_.size(); ++i) {
    const float wanted = static_cast<int32_t>(i) == target ? 1.0f : 0.0f;
    const float alpha = learning_rate * (wanted - output_[i] / sum);
    float* row = output_row(static_cast<int32_t>(i));
    add_scaled(gradient_.data(), row, alpha, dim);
    add_scaled(row, hidden_.data(), alpha, dim);
  }
  return surprise(p);
}

double FastTextStep::logistic(int32_t row, float score, bool positive, float learning_rate) {
  const float p = 1.0f / (1.0f + std::exp(-score));
  const float alpha = learning_rate * ((positive ? 1.0f : 0.0f) - p);
  add_scaled(gradient_.data(), output_row(row), alpha, hidden_.size());
  add_scaled(output_row(row), hidden_.data(), alpha, hidden_.size());
  return surprise(positive ? p : 1.0f - p);
}

double FastTextStep::one_vs_all(std::span<const int32_t> targets, float learning_rate) {
  dot_rows(model_.output.values.data(), hidden_.size(), output_.size(), hidden_.data(), output_.data());
  double loss = 0;
  for (size_t i = 0; i < output_.size(); ++i) {
    const auto label = static_cast<int32_t>(i);
    const bool positive = std::find(targets.begin(), targets.end(), label) != targets.end();
    loss += logistic(label, output_[i], positive, learning_rate);
  }
  return loss;
}

double FastTextStep::tree(int32_t target, float learning_rate) {
  double loss = 0;
  for (int32_t node = target; (*tree_)[node].parent >= 0; node = (*tree_)[node].parent) {
    const int32_t row = tree_->row((*tree_)[node].parent);
    float score = 0;
    dot_rows(output_row(row), hidden_.size(), 1, hidden_.data(), &score);
    loss += logistic(row, score, (*tree_)[node].is_right, learning_rate);
  }
  return loss;
}

}  // namespace athanor
