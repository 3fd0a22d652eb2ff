// Labels or numbers of examples: softmax cross-entropy (with weights of classes, label smoothing), or the squared error.
//
//   ClassificationObjective objective(net, train, &valid, options, {});
//   train(objective, options, state_dir, hooks);
//
// Epoch e visits every example once, in an order that (seed, e) alone decides. Examples with lengths are put beside others
// of about their length: the order is cut into pools of 1024, a pool is sorted by length and cut into runs of 16, and the
// runs of a pool are shuffled; so a batch holds little padding whatever its size is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "athanor/feature/examples.h"
#include "athanor/model/nets/net.h"
#include "athanor/train/objective.h"
#include "athanor/train/options.h"

namespace athanor {

struct ClassificationSettings {
  std::vector<double> class_weights;  // by label; empty: all 1
  bool flip = false;                  // images: half of them mirrored, while training
  int64_t crop = 0;                   // images: shifted by up to so many pixels, what comes in is the mean
};

// Which example is sample g: a pure function of (seed, g).
class ExampleOrder {
 public:
  // lengths: of every example, or empty where they have none. At least one example.
  ExampleOrder(uint64_t count, std::vector<int64_t> lengths, int64_t seed);
  uint64_t at(uint64_t sample);

 private:
  void fill_pool(uint64_t epoch, uint64_t pool);

  uint64_t count_;
  std::vector<int64_t> lengths_;
  uint64_t seed_;
  std::vector<uint64_t> order_;  // of the pool that was asked for last
  uint64_t epoch_ = UINT64_MAX;
  uint64_t pool_ = UINT64_MAX;
};

// What a validation found: {"loss", "accuracy", "macro_f1", "num_samples"} or {"loss", "rmse", "mae", "r2", "num_samples"},
// the latter in the target's own units; loss is the training loss without weights and smoothing. max_examples: so many, spread
// evenly over all; 0: all.
nlohmann::json score_net(Net& net, const LabelledExamples& examples, int64_t batch_size, uint64_t max_examples = 0,
                         const EvalShare& share = {});
// One row an example, in their order: probabilities of the labels, or the answer in its own units.
std::vector<std::vector<double>> predict_net(Net& net, const Examples& examples, int64_t batch_size);

class ClassificationObjective : public Objective {
 public:
  // All must outlive it; valid may be null. Error(kUsage) at `crop` for one that leaves nothing of an image.
  ClassificationObjective(Net& net, const LabelledExamples& train, const LabelledExamples* valid,
                          const TrainOptions& options, ClassificationSettings settings);

  Module& module() override { return net_; }
  void set_precision(Precision precision) override { net_.set_precision(precision); }
  bool runs_on_gpu() const override { return true; }
  void begin_step() override { net_.begin_step(); }
  nlohmann::json fingerprint() const override;
  std::string unit() const override { return "examples"; }
  int64_t load(uint64_t first, int64_t count) override;
  at::Tensor loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) override;
  int64_t longest_row() const;  // tokens or steps of the batch's longest example
  std::vector<std::string> documents_of(uint64_t first, int64_t count) const override;
  using Objective::evaluate;
  std::optional<nlohmann::json> evaluate(const EvalShare& share) override;

 private:
  void augment(at::Tensor& pixels_BCHW, int64_t begin) const;

  Net& net_;
  const LabelledExamples& train_;
  const LabelledExamples* valid_;
  const TrainOptions& options_;
  ClassificationSettings settings_;
  mutable ExampleOrder order_;
  at::Tensor weights_;          // of classes; undefined where all are 1
  uint64_t first_ = 0;          // sample of the batch's first row
  at::Device device_ = at::kCPU;  // where the net lay when the batch was taken
  std::vector<uint64_t> rows_;  // of the batch
};

}  // namespace athanor
