// One step of stochastic gradient descent on a fastText classifier: hidden = mean of the rows, a linear output layer, one
// of three losses, the gradient back into both matrices (Joulin et al. 2016; the loss and gradient as in fastText).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "athanor/classic/fasttext_format.h"
#include "athanor/classic/fasttext_tree.h"

namespace athanor {

class FastTextStep {
 public:
  // The model's matrices are dense and outlive the step.
  FastTextStep(FastTextModel& model, FastTextLoss loss);

  // rows: of the input matrix, at least one. targets: labels of the document; `picked` is the one that softmax and the
  // tree learn, one-vs-all learns all of them. Gives the loss before the step.
  double operator()(std::span<const int32_t> rows, std::span<const int32_t> targets, int32_t picked, float learning_rate);

 private:
  double softmax(int32_t target, float learning_rate);
  double one_vs_all(std::span<const int32_t> targets, float learning_rate);
  double tree(int32_t target, float learning_rate);
  // The logistic loss of one output row; adds to gradient_ and moves the row.
  double logistic(int32_t row, float score, bool positive, float learning_rate);

  float* output_row(int32_t row) { return model_.output.values.data() + static_cast<size_t>(row) * hidden_.size(); }

  FastTextModel& model_;
  FastTextLoss loss_;
  std::unique_ptr<FastTextTree> tree_;
  std::vector<float> hidden_;
  std::vector<float> gradient_;
  std::vector<float> output_;
};

}  // namespace athanor
